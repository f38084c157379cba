"""Regular lattices: which sites are neighbours, which axes close, and regular colourings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from numpy.typing import ArrayLike, NDArray

from pymc_ebm.graphs.parts import whole_number

if TYPE_CHECKING:
    from pymc_ebm.graphs.graph import Graph

# the steps from a site to half of its neighbours; the other half are the reverse steps
STEPS: dict[str, list[tuple[int, ...]]] = {
    "square": [(0, 1), (1, 0)],
    "king": [(0, 1), (1, 0), (1, 1), (1, -1)],
    "triangular": [(0, 1), (1, 0), (1, -1)],
    "cubic": [(0, 0, 1), (0, 1, 0), (1, 0, 0)],
}
AXES = ("rows", "columns", "layers")


def square(
    cls: type[Graph],
    rows: int,
    columns: int,
    *,
    periodic: bool | Sequence[bool] = True,
    neighbors: Literal[4, 8] = 4,
    mask: ArrayLike | None = None,
) -> Graph:
    """Square lattice, four or eight neighbours.

    Parameters
    ----------
    rows, columns : int
        Shape of the lattice.
    periodic : bool or (bool, bool), default True
        Whether each axis closes on itself.
    neighbors : {4, 8}, default 4
        With 8, diagonal neighbours are joined too (`lattice` is then "king").
    mask : array_like of bool, shape (rows, columns), optional
        Sites that are kept; see `subgraph`. ``image[mask]`` is then in vertex order.
    """
    if neighbors not in (4, 8):
        raise ValueError(
            f"Graph.square: neighbors={neighbors!r}; pass 4 or 8 (6: Graph.triangular)."
        )
    kind = "square" if neighbors == 4 else "king"
    return _lattice(cls, (rows, columns), periodic, kind, mask)


def cubic(
    cls: type[Graph],
    rows: int,
    columns: int,
    layers: int,
    *,
    periodic: bool | Sequence[bool] = True,
    mask: ArrayLike | None = None,
) -> Graph:
    """Cubic lattice, six neighbours.

    Parameters
    ----------
    rows, columns, layers : int
        Shape of the lattice.
    periodic : bool or (bool, bool, bool), default True
        Whether each axis closes on itself.
    mask : array_like of bool, shape (rows, columns, layers), optional
        Sites that are kept; see `subgraph`.
    """
    return _lattice(cls, (rows, columns, layers), periodic, "cubic", mask)


def triangular(
    cls: type[Graph],
    rows: int,
    columns: int,
    *,
    periodic: bool | Sequence[bool] = True,
    mask: ArrayLike | None = None,
) -> Graph:
    """Triangular lattice, six neighbours: the square lattice and one diagonal.

    Parameters
    ----------
    rows, columns : int
        Shape of the lattice.
    periodic : bool or (bool, bool), default True
        Whether each axis closes on itself.
    mask : array_like of bool, shape (rows, columns), optional
        Sites that are kept; see `subgraph`.
    """
    return _lattice(cls, (rows, columns), periodic, "triangular", mask)


def _lattice(
    cls: type[Graph],
    lengths: tuple[Any, ...],
    periodic: bool | Sequence[bool],
    kind: str,
    mask: ArrayLike | None,
) -> Graph:
    graph = cls([], lattice_shape(lengths, kind))
    graph.periodic = closed_axes(periodic, graph.shape, kind)
    graph.lattice = kind
    return graph if mask is None else graph.subgraph(np.asarray(mask))


def lattice_shape(lengths: Sequence[Any], kind: str) -> tuple[int, ...]:
    """Return the lengths of the axes as integers."""
    return tuple(
        whole_number(length, f"Graph.{kind}: {axis}")
        for length, axis in zip(lengths, AXES, strict=False)
    )


def closed_axes(
    periodic: bool | Sequence[bool], shape: tuple[int, ...], kind: str
) -> tuple[bool, ...]:
    """Return which axes close on themselves; refuse those too short for it."""
    given = np.asarray(periodic)
    single = isinstance(periodic, bool)
    if given.dtype != bool or given.shape != (() if single else (len(shape),)):
        raise ValueError(
            f"Graph.{kind}: periodic={periodic!r}; pass True, False, or one of them for each of "
            f"{len(shape)} axes (it needs {len(shape)} entries)."
        )
    wraps = tuple(bool(wrap) for wrap in np.broadcast_to(given, (len(shape),)))
    for axis, (length, wrap) in enumerate(zip(shape, wraps, strict=True)):
        if wrap and length < 3:
            raise ValueError(
                f"Graph.{kind}: axis {axis} has {length} site(s); a periodic axis needs at "
                "least 3, or an edge would be counted twice. Pass periodic=False."
            )
    return wraps


def lattice_edges(kind: str, shape: tuple[int, ...], wraps: tuple[bool, ...]) -> NDArray[np.int64]:
    """Join every site to the sites one step away, shape (m, 2)."""
    sites = np.indices(shape)
    number = np.arange(np.prod(shape)).reshape(shape)
    edges = []
    for step in STEPS[kind]:
        neighbor = [coordinate + ahead for coordinate, ahead in zip(sites, step, strict=True)]
        inside = np.ones(shape, dtype=bool)
        for axis, (length, wrap) in enumerate(zip(shape, wraps, strict=True)):
            if wrap:
                neighbor[axis] = neighbor[axis] % length
            else:
                inside &= (neighbor[axis] >= 0) & (neighbor[axis] < length)
        here = number[inside]
        there = number[tuple(coordinate[inside] for coordinate in neighbor)]
        edges.append(np.column_stack([here, there]))
    return np.concatenate(edges)


def regular_colorings(shape: tuple[int, ...]) -> list[NDArray[np.int64]]:
    """Return a checkerboard, three diagonal stripes and four king's colours, shape (n,) each."""
    sites = np.indices(shape).reshape(len(shape), -1)
    colorings = [sites.sum(axis=0) % 2]
    if len(shape) == 2:
        colorings += [(sites[0] - sites[1]) % 3, 2 * (sites[0] % 2) + sites[1] % 2]
    return colorings
