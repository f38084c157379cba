"""Edge lists in tables of pandas."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pymc_ebm.graphs.parts import number_names, refuse_self_loop

if TYPE_CHECKING:
    import pandas

    from pymc_ebm.graphs.graph import Graph


def from_pandas(
    cls: type[Graph],
    table: pandas.DataFrame,
    source: str,
    target: str,
    *,
    weight: str | None = None,
    vertices: Sequence[Hashable] | None = None,
) -> Graph:
    """Build from a table with one row an edge.

    Parameters
    ----------
    table : pandas.DataFrame
        Each pair once.
    source, target : str
        Columns with the names of the two ends.
    weight : str, optional
        Column that becomes `weights`.
    vertices : sequence, optional
        All vertices, in the order wanted; needed for those without edges. By default the names
        that occur, sorted, as ``DataFrame.pivot`` sorts them.

    Examples
    --------
    >>> import pandas as pd, pymc_ebm as ebm
    >>> table = pd.DataFrame({"from": ["b", "a"], "to": ["c", "b"], "strength": [2, 1]})
    >>> graph = ebm.Graph.from_pandas(table, "from", "to", weight="strength")
    >>> graph.names, graph.weights
    (('a', 'b', 'c'), array([2., 1.]))
    """
    where = "Graph.from_pandas"
    wanted = [source, target] + ([] if weight is None else [weight])
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        raise ValueError(f"{where}: no column {missing[0]!r}; there are {list(table.columns)}.")
    gaps = table[wanted].isna()
    if gaps.any(axis=None):
        row = table.index[gaps.any(axis=1)][0]
        column = gaps.columns[gaps.loc[[row]].any(axis=0)][0]
        raise ValueError(
            f"{where}: {column!r} is missing in row {row!r}. Pass table.dropna(subset={wanted})."
        )
    rows = list(zip(table[source].tolist(), table[target].tolist(), strict=True))
    index = table.index.tolist()
    seen: dict[frozenset[Hashable], int] = {}
    for k, (a, b) in enumerate(rows):
        if a == b:
            refuse_self_loop(f"{where}, row {index[k]!r}", a)
        first = seen.setdefault(frozenset((a, b)), k)
        if first != k:
            raise ValueError(
                f"{where}: rows {index[first]!r} and {index[k]!r} both join {a!r} and {b!r}. List "
                f"each pair once; where both directions are listed, pass "
                f"table[table[{source!r}] < table[{target!r}]]."
            )
    names = _vertices(rows, vertices, where)
    weights = None if weight is None else table[weight].to_numpy(dtype=float)
    return cls(number_names(rows, names), (max(len(names), 1),), names or None, weights)


def _vertices(
    rows: list[tuple[Hashable, Hashable]], vertices: Sequence[Hashable] | None, where: str
) -> tuple[Hashable, ...]:
    occurring = dict.fromkeys(name for pair in rows for name in pair)
    if vertices is None:
        try:
            return tuple(sorted(occurring))  # type: ignore[type-var]
        except TypeError:
            raise ValueError(
                f"{where}: the names cannot be sorted. Pass vertices=, in the order wanted."
            ) from None
    names = tuple(vertices.tolist() if isinstance(vertices, np.ndarray) else vertices)
    absent = [name for name in occurring if name not in set(names)]
    if absent:
        raise ValueError(f"{where}: {absent[0]!r} has edges and is not among vertices.")
    return names
