"""Graphs that couplings live on: vertices, edges, shape and colouring."""

from __future__ import annotations

import warnings

from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pymc_ebm import kernels
from pymc_ebm.graphs import lattices, readers
from pymc_ebm.graphs.matrix import matrix_entries, place_on_graph
from pymc_ebm.graphs.parts import (
    checked_names,
    checked_pairs,
    checked_weights,
    whole_number,
)
from pymc_ebm.graphs.subgraph import subgraph

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Graph:
    """An undirected graph whose vertices carry one variable each.

    Use one of the constructors: `square`, `cubic`, `triangular`, `complete`, `from_edges`,
    `from_networkx`, `from_pandas`, `from_scipy`, `from_libpysal`, `from_dimod`.

    Parameters
    ----------
    edges : array_like of int, shape (m, 2)
        Each pair once, in any order; stored with the smaller vertex first.
    shape : tuple of int
        Shape of a configuration. Vertex ``k`` is entry ``numpy.unravel_index(k, shape)``.
    names : sequence of hashable, optional
        What the vertices are called outside (nodes, items, sites), in vertex order.
    weights : array_like, shape (m,), optional
        One number an edge. Couplings may be made of them, ``J=b * graph.weights``; nothing uses
        them by itself.

    Attributes
    ----------
    edges : ndarray of int64, shape (m, 2)
        The edges with ``i < j``. Per-edge couplings follow this order.
    shape : tuple of int
        Shape of a configuration.
    names : tuple or None
        Names of the vertices in vertex order; they serve as coords.
    weights : ndarray, shape (m,), or None
        Weights in the order of `edges`.
    lattice : str or None
        "square", "king" (eight neighbours), "triangular" or "cubic".
    periodic : tuple of bool
        Which axes of a lattice close on themselves.

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
        self,
        edges: ArrayLike,
        shape: Sequence[int],
        names: Sequence[Hashable] | None = None,
        weights: ArrayLike | None = None,
    ) -> None:
        self.shape = tuple(
            whole_number(length, f"Graph: axis {axis} of shape")
            for axis, length in enumerate(shape)
        )
        self.names = checked_names(names, self.n_vertices)
        self.lattice: str | None = None
        self.periodic: tuple[bool, ...] = ()
        self._given = checked_pairs(edges, self.n_vertices, self.names)
        self.weights = checked_weights(weights, len(self._given))

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """The edges with ``i < j``, shape (m, 2); a lattice lists them when first asked."""
        edges = self._given
        if self.lattice is not None:
            pairs = lattices.lattice_edges(self.lattice, self.shape, self.periodic)
            edges = checked_pairs(pairs, self.n_vertices)
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

    @property
    def labels(self) -> list[Hashable] | None:
        """The old spelling of `names`."""
        warnings.warn("Graph.labels is now Graph.names, a tuple.", DeprecationWarning, stacklevel=2)
        return None if self.names is None else list(self.names)

    def __repr__(self) -> str:
        """Summarise the graph's size."""
        kind = f", lattice={self.lattice!r}" if self.lattice else f", n_edges={self.n_edges}"
        return f"Graph(shape={self.shape}{kind})"

    @classmethod
    def complete(cls, n: int) -> Self:
        """Every pair of `n` vertices joined, edges in the order of ``numpy.triu_indices``.

        Parameters
        ----------
        n : int
            Number of vertices.
        """
        n = whole_number(n, "Graph.complete: n")
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
            n = int(pairs.max()) + 1 if pairs.size and pairs.dtype.kind in "iu" else 1
        return cls(pairs, tuple(n) if isinstance(n, Sequence | np.ndarray) else (n,))

    square = classmethod(lattices.square)
    cubic = classmethod(lattices.cubic)
    triangular = classmethod(lattices.triangular)
    from_networkx = classmethod(readers.from_networkx)
    from_pandas = classmethod(readers.from_pandas)
    from_scipy = classmethod(readers.from_scipy)
    from_libpysal = classmethod(readers.from_libpysal)
    from_dimod = classmethod(readers.from_dimod)
    subgraph = subgraph

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
        if len(self.shape) > 1 and self.n_edges:
            for color in lattices.regular_colorings(self.shape):
                if np.all(color[self.edges[:, 0]] != color[self.edges[:, 1]]):
                    return color.astype(np.int32)
        indptr, indices, _ = self.neighbors
        return kernels.coloring.greedy_coloring(indptr, indices)

    def couplings_from_matrix(self, matrix: ArrayLike) -> NDArray[np.float64]:
        """Read per-edge values out of a symmetric matrix.

        Parameters
        ----------
        matrix : array_like or scipy.sparse array, shape (n, n)
            Symmetric, with an empty diagonal, and zero wherever the graph has no edge.

        Returns
        -------
        ndarray, shape (m,)
        """
        what = "Graph.couplings_from_matrix: matrix"
        return place_on_graph(*matrix_entries(matrix, what), self, what)


def require_graph(value: Any, owner: str) -> Graph | None:
    """Return a Graph or None; of anything else say how to make a Graph of it."""
    if value is None or isinstance(value, Graph):
        return value
    kind = f"{type(value).__module__.split('.')[0]}.{type(value).__qualname__}"
    readers = {
        "networkx": "ebm.Graph.from_networkx(graph)",
        "libpysal": "ebm.Graph.from_libpysal(graph)",
        "scipy": "ebm.Graph.from_scipy(graph)",
        "dimod": "ebm.Graph.from_dimod(graph)",
        "pandas": 'ebm.Graph.from_pandas(graph, "source", "target")',
    }
    way = readers.get(type(value).__module__.split(".")[0], "ebm.Graph.from_edges(graph)")
    raise TypeError(f"{owner}: graph is of type {kind}. Pass graph={way}.")
