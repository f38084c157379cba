"""Heat-bath sweeps over a graph: which kernel, and the arrays it wants."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph

PADDING_LIMIT = 2.0  # a padded neighbour table may be this much larger than the adjacency


class Sweeper:
    """Sweep spins on a graph at given couplings.

    Parameters
    ----------
    graph : Graph
        The graph.
    coupling : ndarray, shape (m,)
        ``βJ`` of each edge.

    Attributes
    ----------
    n_colors : int
        Number of colours of the graph.
    uniform : bool
        Whether the kernel for equal couplings is in use.
    """

    def __init__(self, graph: Graph, coupling: NDArray[np.float64]) -> None:
        self.graph = graph
        color = graph.coloring()
        self.n_colors = int(color.max()) + 1
        self._sites = np.argsort(color, kind="stable").astype(np.uint32)
        self._indptr, self._indices, self._edge_numbers = graph.neighbors
        self._padded = self._padded_neighbors()
        self.set_coupling(coupling)

    def set_coupling(self, coupling: NDArray[np.float64]) -> None:
        """Change the couplings.

        Parameters
        ----------
        coupling : ndarray, shape () or (m,)
            ``βJ``.
        """
        coupling = np.asarray(coupling, dtype=np.float64)
        flat = coupling.reshape(-1)
        equal = flat.size == 1 or bool(np.all(flat == flat[:1]))
        self.uniform = self._padded is not None and equal
        if self.uniform:
            self._strength = float(flat[0]) if flat.size else 0.0
        else:
            per_edge = np.broadcast_to(coupling, (self.graph.n_edges,))
            self._weights = per_edge[self._edge_numbers].astype(np.float64)

    def sweep(
        self,
        spins: NDArray[np.int8],
        field: NDArray[np.float64],
        sweeps: int,
        state: NDArray[np.uint64],
    ) -> None:
        """Update all spins `sweeps` times, in place.

        Parameters
        ----------
        spins : ndarray of int8, shape (n,)
            The configuration.
        field : ndarray of float64, shape (n,)
            ``βh`` in vertex order.
        sweeps : int
            Number of sweeps.
        state : ndarray of uint64, shape (4,)
            Generator state, see `pymc_ebm.kernels.xoshiro.seed_state`.
        """
        if self.uniform:
            padded = np.append(spins, np.int8(0))
            kernels.heat_bath.uniform_coupling_sweeps(
                padded, self._padded, self._sites, self._strength, field, sweeps, state
            )
            spins[:] = padded[:-1]
        else:
            kernels.heat_bath.weighted_sweeps(
                spins, self._indptr, self._indices, self._weights, self._sites, field, sweeps, state
            )

    def _padded_neighbors(self) -> NDArray[np.uint32] | None:
        """Return neighbours in site order, padded with n; None if degrees differ too much."""
        degrees, n = self.graph.degrees(), self.graph.n_vertices
        width = int(degrees.max(initial=0))
        if n * width > PADDING_LIMIT * self._indices.size + n:
            return None
        table = np.full((n, width), n, dtype=np.uint32)
        rows = np.repeat(np.arange(n), degrees)
        columns = np.arange(self._indices.size) - np.repeat(self._indptr[:-1], degrees)
        table[rows, columns] = self._indices
        return table[self._sites]
