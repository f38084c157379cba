"""What makes up a graph, checked once: pairs, names and weights."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NoReturn

import numpy as np

from numpy.typing import ArrayLike, NDArray


def number_names(
    pairs: Sequence[tuple[Hashable, Hashable]], names: Sequence[Hashable]
) -> NDArray[np.int64]:
    """Turn m pairs of names into vertex numbers, shape (m, 2)."""
    number = {name: k for k, name in enumerate(names)}
    ends = [(number[a], number[b]) for a, b in pairs]
    return np.asarray(ends, dtype=np.int64).reshape(-1, 2)


def checked_pairs(
    edges: ArrayLike, n: int, names: Sequence[Hashable] | None = None
) -> NDArray[np.int64]:
    """Return the edges with ``i < j``, shape (m, 2), or say which one is wrong."""
    pairs = np.asarray(edges)
    if pairs.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"Graph: edges have shape {pairs.shape}; expected (m, 2) vertex pairs.")
    if not np.issubdtype(pairs.dtype, np.integer):
        raise ValueError(
            f"Graph: edges have dtype {pairs.dtype}; vertices are whole numbers. For vertices with "
            "names, use Graph.from_networkx or Graph.from_pandas."
        )
    pairs = np.sort(pairs.astype(np.int64), axis=1)
    outside = (pairs[:, 0] < 0) | (pairs[:, 1] >= n)
    if outside.any():
        i, j = pairs[outside][0]
        raise ValueError(f"Graph: edge ({i}, {j}) leaves the vertices 0 … {n - 1}.")
    loops = pairs[pairs[:, 0] == pairs[:, 1]]
    if len(loops):
        refuse_self_loop("Graph", int(loops[0, 0]) if names is None else names[loops[0, 0]])
    unique, counts = np.unique(pairs[:, 0] * n + pairs[:, 1], return_counts=True)
    if len(unique) != len(pairs):
        i, j = divmod(int(unique[counts > 1][0]), n)
        a, b = (i, j) if names is None else (names[i], names[j])
        raise ValueError(
            f"Graph: edge ({a!r}, {b!r}) is listed {int(counts.max())} times. "
            "List each pair once and add up its couplings."
        )
    return pairs


def refuse_self_loop(where: str, vertex: Any) -> NoReturn:
    """Say that a vertex has no coupling to itself."""
    raise ValueError(
        f"{where}: edge ({vertex!r}, {vertex!r}) is a self-loop. "
        "s_i² = 1 makes it a constant; a bias on one vertex is a field h."
    )


def checked_names(names: Sequence[Any] | None, n: int) -> tuple[Hashable, ...] | None:
    """Return one name a vertex, each of them once."""
    if names is None:
        return None
    listed = names.tolist() if hasattr(names, "tolist") else names
    given = tuple(tuple(name) if isinstance(name, list) else name for name in listed)
    if len(given) != n:
        raise ValueError(f"Graph: {len(given)} names for {n} vertices. Pass one name a vertex.")
    if len(set(given)) != n:
        seen: set[Hashable] = set()
        twice = next(name for name in given if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"Graph: two vertices are called {twice!r}; names must differ.")
    return given


def checked_weights(weights: ArrayLike | None, m: int) -> NDArray[np.float64] | None:
    """Return one finite weight an edge, read-only, shape (m,)."""
    if weights is None:
        return None
    values = np.array(weights, dtype=float)
    if values.shape != (m,):
        raise ValueError(f"Graph: weights have shape {values.shape}; there are {m} edges.")
    if not np.all(np.isfinite(values)):
        k = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"Graph: weights[{k}] = {values[k]}; weights must be finite.")
    values.setflags(write=False)
    return values


def whole_number(value: Any, what: str, at_least: int = 1) -> int:
    """Return a size as int, or raise with its value."""
    try:
        number = value.__index__()
    except AttributeError:
        raise ValueError(f"{what} = {value!r} is no whole number.") from None
    except TypeError:  # an array
        raise ValueError(f"{what} = {value!r} is no whole number.") from None
    if number < at_least:
        raise ValueError(f"{what} = {number}; {at_least} or more is needed.")
    return int(number)
