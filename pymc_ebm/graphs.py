"""Graphs that couplings live on: vertices, edges, shape and colouring."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pymc_ebm import kernels

if TYPE_CHECKING:
    import networkx
    import scipy.sparse

    from numpy.typing import ArrayLike, NDArray


class Graph:
    """An undirected graph whose vertices carry one variable each.

    Use one of the constructors: `square`, `cubic`, `triangular`, `complete`, `from_edges`,
    `from_networkx`, `from_scipy`.

    Parameters
    ----------
    edges : array_like of int, shape (m, 2)
        Each pair once, in any order; stored with the smaller vertex first.
    shape : tuple of int
        Shape of a configuration. Vertex ``k`` is entry ``numpy.unravel_index(k, shape)``.
    labels : sequence, optional
        What the vertices are called outside (networkx nodes, items, sites).

    Attributes
    ----------
    edges : ndarray of int64, shape (m, 2)
        The edges with ``i < j``. Per-edge couplings follow this order.
    lattice : str or None
        "square", "cubic" or "triangular".
    periodic : tuple of bool
        Which axes of a lattice close on themselves.
    shape : tuple of int
        Shape of a configuration.
    labels : list or None
        Names of the vertices in vertex order.

    Raises
    ------
    ValueError
        For a self-loop, a duplicate edge, or a vertex outside ``0 … n-1``.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> lattice = ebm.Graph.square(8, 8)
    >>> lattice.n_vertices, lattice.n_edges
    (64, 128)
    >>> int(lattice.coloring().max()) + 1
    2
    """

    def __init__(
        self, edges: ArrayLike, shape: Sequence[int], labels: Sequence[Any] | None = None
    ) -> None:
        self.shape = tuple(int(length) for length in shape)
        if any(length < 1 for length in self.shape):
            raise ValueError(f"Graph: shape {self.shape} has an axis without vertices.")
        self.labels = None if labels is None else list(labels)
        self.lattice: str | None = None
        self.periodic: tuple[bool, ...] = ()
        self._given = _validated_edges(edges, self.n_vertices)
        self._offsets: list[tuple[int, ...]] = []  # of a lattice, which lists its edges when asked

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """The edges with ``i < j``, shape (m, 2); a lattice lists them when first asked."""
        edges = self._given
        if self._offsets:
            pairs = _lattice_edges(self.shape, self._offsets, self.periodic)
            edges = _validated_edges(pairs, self.n_vertices)
        edges.setflags(write=False)
        return edges

    @property
    def n_vertices(self) -> int:
        """Number of vertices."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.edges)

    def __repr__(self) -> str:
        """Summarise the graph's size."""
        kind = f", lattice={self.lattice!r}" if self.lattice else f", n_edges={self.n_edges}"
        return f"Graph(shape={self.shape}{kind})"

    @classmethod
    def square(cls, rows: int, columns: int, *, periodic: bool | Sequence[bool] = True) -> Self:
        """Square lattice, four neighbours.

        Parameters
        ----------
        rows, columns : int
            Shape of the lattice.
        periodic : bool or (bool, bool), default True
            Whether each axis closes on itself.
        """
        return cls._lattice((rows, columns), [(0, 1), (1, 0)], periodic, "square")

    @classmethod
    def cubic(
        cls, rows: int, columns: int, layers: int, *, periodic: bool | Sequence[bool] = True
    ) -> Self:
        """Cubic lattice, six neighbours.

        Parameters
        ----------
        rows, columns, layers : int
            Shape of the lattice.
        periodic : bool or (bool, bool, bool), default True
            Whether each axis closes on itself.
        """
        offsets = [(0, 0, 1), (0, 1, 0), (1, 0, 0)]
        return cls._lattice((rows, columns, layers), offsets, periodic, "cubic")

    @classmethod
    def triangular(cls, rows: int, columns: int, *, periodic: bool | Sequence[bool] = True) -> Self:
        """Triangular lattice, six neighbours: the square lattice and one diagonal.

        Parameters
        ----------
        rows, columns : int
            Shape of the lattice.
        periodic : bool or (bool, bool), default True
            Whether each axis closes on itself.
        """
        return cls._lattice((rows, columns), [(0, 1), (1, 0), (1, -1)], periodic, "triangular")

    @classmethod
    def complete(cls, n: int) -> Self:
        """Every pair of `n` vertices joined, edges in the order of ``numpy.triu_indices``.

        Parameters
        ----------
        n : int
            Number of vertices.
        """
        return cls(np.column_stack(np.triu_indices(n, k=1)), (n,))

    @classmethod
    def from_edges(cls, edges: ArrayLike, n: int | Sequence[int] | None = None) -> Self:
        """Build a graph from pairs of vertex numbers.

        Parameters
        ----------
        edges : array_like of int, shape (m, 2)
            Each pair once.
        n : int or tuple of int, optional
            Number of vertices, or the shape of a configuration. By default one more than the
            largest vertex number.
        """
        pairs = edges if isinstance(edges, np.ndarray) else np.asarray(list(edges))  # type: ignore[arg-type]
        if n is None:
            n = int(pairs.max()) + 1 if pairs.size else 1
        return cls(pairs, (n,) if isinstance(n, int | np.integer) else n)

    @classmethod
    def from_networkx(cls, graph: networkx.Graph) -> Self:
        """Build from an undirected networkx graph; node order is kept in `labels`.

        Parameters
        ----------
        graph : networkx.Graph
            Nodes may be any hashable. Edge attributes are not read.
        """
        if graph.is_directed():
            raise ValueError(
                "Graph.from_networkx: the graph is directed, and an energy has no direction. "
                "Pass graph.to_undirected()."
            )
        nodes = list(graph.nodes)
        number = {node: k for k, node in enumerate(nodes)}
        return cls([(number[a], number[b]) for a, b in graph.edges], (len(nodes),), labels=nodes)

    @classmethod
    def from_scipy(cls, matrix: scipy.sparse.sparray | scipy.sparse.spmatrix) -> Self:
        """Build from the sparsity pattern of a symmetric matrix; values are not read.

        Parameters
        ----------
        matrix : scipy.sparse array, shape (n, n)
            Must have a symmetric pattern and an empty diagonal.
        """
        from scipy.sparse import coo_array  # a tenth of a second to import

        coo = coo_array(matrix)
        coo.sum_duplicates()
        if coo.shape[0] != coo.shape[1]:
            raise ValueError(f"Graph.from_scipy: the matrix has shape {coo.shape}, not square.")
        upper, lower = coo.row < coo.col, coo.row > coo.col
        n = coo.shape[0]
        above = coo.row[upper].astype(np.int64) * n + coo.col[upper]
        below = coo.col[lower].astype(np.int64) * n + coo.row[lower]
        unmatched = np.setxor1d(above, below)
        if unmatched.size:
            i, j = divmod(int(unmatched[0]), n)
            raise ValueError(
                f"Graph.from_scipy: only one of the entries ({i}, {j}) and ({j}, {i}) is stored. "
                "Pass matrix + matrix.T if that was meant."
            )
        return cls(np.column_stack([coo.row, coo.col])[coo.row <= coo.col], (n,))

    @classmethod
    def _lattice(
        cls,
        shape: tuple[int, ...],
        offsets: Sequence[tuple[int, ...]],
        periodic: bool | Sequence[bool],
        kind: str,
    ) -> Self:
        """Join every site to the sites one offset away."""
        wraps = (periodic,) * len(shape) if isinstance(periodic, bool) else tuple(periodic)
        if len(wraps) != len(shape):
            raise ValueError(f"Graph.{kind}: periodic={periodic} needs {len(shape)} entries.")
        for axis, (length, wrap) in enumerate(zip(shape, wraps, strict=True)):
            if wrap and length < 3:
                raise ValueError(
                    f"Graph.{kind}: axis {axis} has {length} site(s); a periodic axis needs at "
                    "least 3, or an edge would be counted twice. Pass periodic=False."
                )
        graph = cls([], shape)
        graph.lattice, graph.periodic, graph._offsets = kind, wraps, list(offsets)
        return graph

    @cached_property
    def neighbors(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Adjacency in compressed-sparse-row form.

        Returns
        -------
        indptr : ndarray of int32, shape (n + 1,)
            Vertex ``i`` has the entries ``indptr[i]:indptr[i + 1]``.
        indices : ndarray of int32, shape (2 m,)
            Neighbouring vertices.
        edge_numbers : ndarray of int32, shape (2 m,)
            The row of `edges` each entry comes from.
        """
        n, m = self.n_vertices, self.n_edges
        ends = np.concatenate([self.edges[:, 0], self.edges[:, 1]])
        others = np.concatenate([self.edges[:, 1], self.edges[:, 0]])
        order = np.argsort(ends, kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n))])
        edge_numbers = np.tile(np.arange(m, dtype=np.int32), 2)[order]
        return indptr.astype(np.int32), others[order].astype(np.int32), edge_numbers

    def degrees(self) -> NDArray[np.int64]:
        """Return the number of neighbours of each vertex, shape (n,)."""
        return np.diff(self.neighbors[0]).astype(np.int64)

    def coloring(self) -> NDArray[np.int32]:
        """Colour the vertices so that no edge joins two of one colour.

        Vertices of one colour are independent given the others, so a sampler may update them in
        any order, or at once. Lattices that admit it get their regular colouring, other graphs a
        greedy one in breadth-first order, which finds two colours whenever two suffice.

        Returns
        -------
        ndarray of int32, shape (n,)
            Colours ``0 … k-1``.
        """
        return self._coloring

    @cached_property
    def _coloring(self) -> NDArray[np.int32]:
        if len(self.shape) > 1:
            sites = np.indices(self.shape).reshape(len(self.shape), -1)
            regular = [sites.sum(axis=0) % 2, (sites[0] - sites[1]) % 3]
            for color in regular:
                if np.all(color[self.edges[:, 0]] != color[self.edges[:, 1]]):
                    return color.astype(np.int32)
        indptr, indices, _ = self.neighbors
        return kernels.coloring.greedy_coloring(indptr, indices)

    def couplings_from_matrix(self, matrix: ArrayLike) -> NDArray[np.float64]:
        """Read per-edge values out of a symmetric matrix.

        Parameters
        ----------
        matrix : array_like, shape (n, n)
            Symmetric.

        Returns
        -------
        ndarray, shape (m,)
        """
        return np.asarray(matrix, dtype=float)[self.edges[:, 0], self.edges[:, 1]]


def _lattice_edges(
    shape: tuple[int, ...], offsets: Sequence[tuple[int, ...]], wraps: tuple[bool, ...]
) -> NDArray[np.int64]:
    """Join every site to the sites one offset away."""
    sites = np.indices(shape)
    number = np.arange(np.prod(shape)).reshape(shape)
    edges = []
    for offset in offsets:
        neighbor = [coordinate + step for coordinate, step in zip(sites, offset, strict=True)]
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


def _validated_edges(edges: ArrayLike, n: int) -> NDArray[np.int64]:
    """Return the edges with i < j, or say which one is wrong."""
    pairs = np.asarray(edges)
    if pairs.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"Graph: edges have shape {pairs.shape}; expected (m, 2) vertex pairs.")
    if not np.issubdtype(pairs.dtype, np.integer):
        raise ValueError(f"Graph: edges have dtype {pairs.dtype}; vertices are whole numbers.")
    pairs = np.sort(pairs.astype(np.int64), axis=1)
    outside = (pairs[:, 0] < 0) | (pairs[:, 1] >= n)
    if outside.any():
        i, j = pairs[outside][0]
        raise ValueError(f"Graph: edge ({i}, {j}) leaves the vertices 0 … {n - 1}.")
    loops = pairs[:, 0] == pairs[:, 1]
    if loops.any():
        raise ValueError(
            f"Graph: edge ({pairs[loops][0, 0]}, {pairs[loops][0, 0]}) is a self-loop. "
            "s_i² = 1 makes it a constant; a bias on one vertex is a field h."
        )
    keys = pairs[:, 0] * n + pairs[:, 1]
    unique, counts = np.unique(keys, return_counts=True)
    if len(unique) != len(keys):
        i, j = divmod(int(unique[counts > 1][0]), n)
        raise ValueError(
            f"Graph: edge ({i}, {j}) is listed {int(counts.max())} times. "
            "List each pair once and add up its couplings."
        )
    return pairs
