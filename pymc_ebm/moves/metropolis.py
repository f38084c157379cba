"""Single-site Metropolis sweeps over a graph."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph
from pymc_ebm.moves.heat_bath import by_entry


class Metropolis:
    """Propose another value of each variable in turn; parameters as for `HeatBath`."""

    def __init__(
        self,
        graph: Graph,
        coupling: NDArray[np.float64],
        interaction: NDArray[np.float64] | None = None,
    ) -> None:
        self.graph = graph
        self._sites = np.argsort(graph.coloring(), kind="stable").astype(np.uint32)
        self._indptr, self._indices, self._edge_numbers = graph.neighbors
        self.set_interaction(interaction)
        self.set_coupling(coupling)

    def set_interaction(self, interaction: NDArray[np.float64] | None) -> None:
        """Change what couples two states, shape (q, q) or (m, q, q); None for spins."""
        self.interaction = interaction
        self._by_entry = None if interaction is None else by_entry(self.graph, interaction)

    def set_coupling(self, coupling: NDArray[np.float64]) -> None:
        """Change ``βJ``, shape () or (m,)."""
        per_edge = np.broadcast_to(np.asarray(coupling, float), (self.graph.n_edges,))
        self._weights = per_edge[self._edge_numbers]

    def sweep(
        self,
        x: NDArray[np.int8],
        field: NDArray[np.float64],
        sweeps: int,
        state: NDArray[np.uint64],
    ) -> None:
        """Update all variables `sweeps` times, in place; arguments as for `HeatBath`."""
        graph = (self._indptr, self._indices, self._weights)
        if self._by_entry is None:
            kernels.metropolis.spin_sweeps(x, *graph, self._sites, field, sweeps, state)
        else:
            kernels.metropolis.states_sweeps(
                x, *graph, self._by_entry, self._sites, field, sweeps, state
            )
