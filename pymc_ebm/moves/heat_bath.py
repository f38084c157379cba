"""Heat-bath sweeps over a graph."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph

PADDING_LIMIT = 2.0  # a padded neighbour table may be this much larger than the adjacency
DENSE_FROM = 0.2  # fraction of all pairs from which the matrix kernel wins
DENSE_SPINS = 4096  # the matrix of so many spins takes 134 MB
TABLE_BYTES = 2**28  # largest tables of odds


class HeatBath:
    """Draw each variable in turn from its conditional distribution.

    `graph`: the graph; `coupling` () or (m,): ``βJ`` of each edge; `interaction` (q, q) or (m, q,
    q): what couples a pair of states, for all edges or for each, [state of the smaller vertex,
    state of the larger]; times the coupling. `kernel`: which kernel is in use.
    """

    def __init__(
        self,
        graph: Graph,
        coupling: NDArray[np.float64],
        interaction: NDArray[np.float64] | None = None,
    ) -> None:
        self.graph = graph
        n = graph.n_vertices
        self._dense = (
            interaction is None
            and 32 < n <= DENSE_SPINS
            and 2 * graph.n_edges > DENSE_FROM * n * (n - 1)
        )
        if not self._dense:
            self._sites = np.argsort(graph.coloring(), kind="stable").astype(np.uint32)
            self._indptr, self._indices, self._edge_numbers = graph.neighbors
        self._padded = None
        if interaction is None and not self._dense:
            self._padded = self._padded_neighbors()
        self._coupling: NDArray[np.float64] | None = None
        self.set_interaction(interaction)
        self.set_coupling(coupling)

    def set_interaction(self, interaction: NDArray[np.float64] | None) -> None:
        """Change what couples two states, shape (q, q) or (m, q, q); spins stay spins."""
        self.interaction = interaction
        if interaction is not None:
            self._by_entry = by_entry(self.graph, interaction)
            eye = np.eye(interaction.shape[-1])
            self._agree = interaction.ndim == 2 and np.array_equal(interaction, eye)

    def set_coupling(self, coupling: NDArray[np.float64]) -> None:
        """Change ``βJ``, shape () or (m,)."""
        coupling = np.asarray(coupling, dtype=np.float64)
        if self._coupling is not None and np.array_equal(coupling, self._coupling):
            return
        self._coupling = coupling.copy()
        flat = coupling.reshape(-1)
        equal = flat.size == 1 or bool(np.all(flat == flat[:1]))
        if self._dense:
            self.kernel = "dense"
            self._matrix = np.zeros((self.graph.n_vertices,) * 2)
            i, j = self.graph.edges.T
            self._matrix[i, j] = self._matrix[j, i] = coupling
        elif self._padded is not None and equal:
            self.kernel = "uniform"
            self._strength = float(flat[0]) if flat.size else 0.0
        else:
            per_edge = np.broadcast_to(coupling, (self.graph.n_edges,))
            self._weights = per_edge[self._edge_numbers].astype(np.float64)
            if self.interaction is not None:
                self.kernel = "states"
            else:
                self.kernel = "tabled" if self._tabulate() else "sparse"

    def sweep(
        self,
        x: NDArray[np.int8],
        field: NDArray[np.float64],
        sweeps: int,
        state: NDArray[np.uint64],
    ) -> None:
        """Update all variables `sweeps` times, in place.

        `x` (n,): spins, or state numbers; `field` (n,) or (n, q): ``βh``, or log-weights, in vertex
        order; `sweeps`: number of sweeps; `state` (4,): generator state, see
        `pymc_ebm.kernels.xoshiro.seed_state`.
        """
        if self.kernel == "uniform":
            padded = np.append(x, np.int8(0))
            kernels.heat_bath.uniform_coupling_sweeps(
                padded, self._padded, self._sites, self._strength, field, sweeps, state
            )
            x[:] = padded[:-1]
        elif self.kernel == "tabled":
            padded = np.append(x, np.int8(-1))
            kernels.heat_bath_tables.tabled_sweeps(
                padded, self._grouped, self._odds, self._sites, field, sweeps, state
            )
            x[:] = padded[:-1]
        elif self.kernel == "dense":
            kernels.heat_bath.dense_sweeps(x, self._matrix, field, sweeps, state)
        elif self.kernel == "sparse":
            kernels.heat_bath.weighted_sweeps(
                x, self._indptr, self._indices, self._weights, self._sites, field, sweeps, state
            )
        else:
            kernels.heat_bath_states.states_sweeps(
                x,
                self._indptr,
                self._indices,
                self._weights,
                self._by_entry,
                self._agree,
                self._sites,
                field,
                sweeps,
                state,
            )

    def _tabulate(self) -> bool:
        """Write the tables of odds, unless they would be too large or overflow."""
        if self._padded is None:
            return False
        n, degree = self._padded.shape
        columns = degree + -degree % kernels.heat_bath_tables.GROUP
        weights = np.zeros((n, columns))
        if 8 * weights.nbytes // 3 > TABLE_BYTES:
            return False
        weights[:, :degree] = padded_rows(self.graph, self._weights, 0, np.float64)[self._sites]
        if 2.0 * np.abs(weights).sum(axis=1).max(initial=0.0) > kernels.heat_bath.LOG_ODDS_LIMIT:
            return False
        self._odds = kernels.heat_bath_tables.odds_tables(weights)
        if not hasattr(self, "_grouped"):
            self._grouped = np.full((n, columns), n, np.uint32)
            self._grouped[:, :degree] = self._padded
        return True

    def _padded_neighbors(self) -> NDArray[np.uint32] | None:
        """Return neighbours in site order, padded with n; None if degrees differ too much."""
        degrees, n = self.graph.degrees(), self.graph.n_vertices
        if n * int(degrees.max(initial=0)) > PADDING_LIMIT * self._indices.size + n:
            return None
        return padded_rows(self.graph, self._indices, n, np.uint32)[self._sites]


def by_entry(graph: Graph, interaction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an interaction as the kernels of states want it.

    A symmetric matrix (q, q) serves all edges; tables (m, q, q), or a matrix that is not symmetric,
    are laid out by adjacency entry, shape (2 m, q, q).
    """
    interaction = np.ascontiguousarray(interaction, np.float64)
    if interaction.ndim == 2 and np.array_equal(interaction, interaction.T):
        return interaction
    tables = np.broadcast_to(interaction, (graph.n_edges, *interaction.shape[-2:]))
    return kernels.heat_bath_states.around(np.ascontiguousarray(tables), *graph.neighbors)


def padded_rows(graph: Graph, entries: NDArray, fill: int, dtype: type) -> NDArray:
    """Write adjacency entries (2 m,) as a table with a row a vertex, short rows filled up."""
    indptr, degrees = graph.neighbors[0], graph.degrees()
    shape = (graph.n_vertices, int(degrees.max(initial=0)))
    table: NDArray = np.full(shape, fill, dtype=dtype)
    rows = np.repeat(np.arange(graph.n_vertices), degrees)
    columns = np.arange(entries.size) - np.repeat(indptr[:-1], degrees)
    table[rows, columns] = entries
    return table
