"""Exact independent draws of ferromagnets by monotone coupling from the past."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.frustration import find_frustration
from pymc_ebm.moves.heat_bath import padded_rows

BUDGET = 2**27  # spin updates a draw: some seconds
MOST_NEIGHBORS = 8  # where probabilities are tabulated by the number of neighbours up


class NotCoalescedError(RuntimeError):
    """The largest and the smallest configuration had not met within the budget."""


def draw_ferromagnet(
    graph: Graph,
    coupling: NDArray[np.float64],
    field: NDArray[np.float64],
    rng: np.random.Generator,
    count: int,
    budget: int = BUDGET,
) -> NDArray[np.int8] | None:
    """Draw spins independently and exactly.

    `graph`: the graph; `coupling` (m,): ``βJ``; `field` (n,): ``βh``, of any signs; `rng`: source
    of randomness; `count`: number of draws; `budget`: spin updates that one draw may take. Returns
    (count, n) none if the couplings are frustrated: then heat bath is not monotone in any gauge.

    Raises
    ------
    NotCoalescedError
        If a draw would take more than the budget, as below a critical temperature without field.

    References
    ----------
    Propp, J. G. and Wilson, D. B. (1996). Exact sampling with coupled Markov chains and
    applications to statistical mechanics. Random Structures and Algorithms 9, 223-252.
    """
    coalesce = _Coalescence.of(graph, coupling, field)
    if coalesce is None:
        return None
    return np.stack([coalesce(rng, budget)[0] for _ in range(count)])


def coalescence_sweeps(
    graph: Graph,
    coupling: NDArray[np.float64],
    field: NDArray[np.float64],
    rng: np.random.Generator,
    attempts: int,
    budget: int,
) -> int | None:
    """Return the sweeps that the longest of a few trial draws took.

    `graph`, `coupling`, `field`, `rng`: as for `draw_ferromagnet`; `attempts`: number of trial
    draws; `budget`: spin updates that one of them may take.
    """
    coalesce = _Coalescence.of(graph, coupling, field)
    if coalesce is None:
        return None
    try:
        return max(coalesce(rng, budget)[1] for _ in range(attempts))
    except NotCoalescedError:
        return None


class _Coalescence:
    """Runs the largest and the smallest configuration from ever further back until they meet."""

    def __init__(
        self,
        graph: Graph,
        coupling: NDArray[np.float64],
        field: NDArray[np.float64],
        gauge: NDArray[np.int8],
    ) -> None:
        from scipy.special import expit  # an eighth of a second to import

        n = graph.n_vertices
        self._indptr, self._indices, edge_numbers = graph.neighbors
        self._weights = np.abs(coupling)[edge_numbers]
        self._sites = np.argsort(graph.coloring(), kind="stable").astype(np.uint32)
        self._field = np.ascontiguousarray(gauge * field)
        self._gauge = gauge
        self._upper, self._lower = np.empty(n + 1, np.int8), np.empty(n + 1, np.int8)
        degree = int(graph.degrees().max(initial=0))
        self._odds: NDArray[np.float64] | None = None
        if self._weights.size and np.ptp(self._weights) == 0 and degree <= MOST_NEIGHBORS:
            self._neighbors = padded_rows(graph, self._indices, n, np.uint32)
            force = self._weights[0] * (2 * np.arange(degree + 1) - graph.degrees()[:, None])
            self._odds = expit(2.0 * (force + self._field[:, None]))

    @classmethod
    def of(
        cls, graph: Graph, coupling: NDArray[np.float64], field: NDArray[np.float64]
    ) -> _Coalescence | None:
        """Return None if the couplings are frustrated."""
        gauge = find_frustration(graph, coupling).gauge
        return None if gauge is None else cls(graph, coupling, field, gauge)

    def __call__(self, rng: np.random.Generator, budget: int) -> tuple[NDArray[np.int8], int]:
        """Return one draw, and the sweeps it took."""
        n = self._gauge.size
        seeds = np.empty((0, 4), np.uint64)
        sweeps = 4
        while True:
            more = rng.integers(1, 2**64, (sweeps - len(seeds), 4), dtype=np.uint64)
            seeds = np.concatenate([seeds, more])
            different = self._meet(sweeps, seeds)
            if not different:
                met = self._upper[:-1]
                spins = met if self._odds is None else 2 * met - 1
                return (self._gauge * spins).astype(np.int8), sweeps
            if 2 * sweeps * n > budget:
                raise NotCoalescedError(
                    f"Coupling from the past had not coalesced after {sweeps} sweeps: {different} "
                    f"of {n} spins still depended on the start. Below a critical temperature the "
                    "time it takes grows exponentially; sample with pm.sample (cluster moves)."
                )
            sweeps *= 2

    def _meet(self, sweeps: int, seeds: NDArray[np.uint64]) -> int:
        """Run both configurations to the present; return in how many spins they differ."""
        kernel = kernels.coupling_from_the_past
        if self._odds is not None:
            return kernel.uniform_coupled_from(
                sweeps, self._upper, self._lower, self._neighbors, self._odds, self._sites, seeds
            )
        return kernel.coupled_from(
            sweeps,
            self._upper[:-1],
            self._lower[:-1],
            self._indptr,
            self._indices,
            self._weights,
            self._sites,
            self._field,
            seeds,
        )
