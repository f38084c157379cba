"""Exact independent draws of ferromagnets by monotone coupling from the past."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.frustration import find_frustration
from pymc_ebm.graphs import Graph

BUDGET = 2**27  # spin updates a draw: some seconds


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

    Parameters
    ----------
    graph : Graph
        The graph.
    coupling : ndarray, shape (m,)
        ``βJ``.
    field : ndarray, shape (n,)
        ``βh``, of any signs.
    rng : numpy.random.Generator
        Source of randomness.
    count : int
        Number of draws.
    budget : int
        Spin updates that one draw may take.

    Returns
    -------
    ndarray of int8, shape (count, n), or None
        None if the couplings are frustrated: then heat bath is not monotone in any gauge.

    Raises
    ------
    NotCoalescedError
        If a draw would take more than the budget, as below a critical temperature without field.

    References
    ----------
    Propp, J. G. and Wilson, D. B. (1996). Exact sampling with coupled Markov chains and
    applications to statistical mechanics. Random Structures and Algorithms 9, 223-252.
    """
    gauge = find_frustration(graph, coupling).gauge
    if gauge is None:
        return None
    n = graph.n_vertices
    indptr, indices, edge_numbers = graph.neighbors
    weights = np.abs(coupling)[edge_numbers]
    sites = np.argsort(graph.coloring(), kind="stable").astype(np.uint32)
    fixed = np.ascontiguousarray(gauge * field)
    upper, lower = np.empty(n, np.int8), np.empty(n, np.int8)
    draws = np.empty((count, n), np.int8)
    for k in range(count):
        seeds = np.empty((0, 4), np.uint64)
        sweeps = 4
        while True:
            more = rng.integers(1, 2**64, (sweeps - len(seeds), 4), dtype=np.uint64)
            seeds = np.concatenate([seeds, more])
            different = kernels.coupling_from_the_past.coupled_from(
                sweeps, upper, lower, indptr, indices, weights, sites, fixed, seeds
            )
            if not different:
                break
            if 2 * sweeps * n > budget:
                raise NotCoalescedError(
                    f"Coupling from the past had not coalesced after {sweeps} sweeps: {different} "
                    f"of {n} spins still depended on the start. Below a critical temperature the "
                    "time it takes grows exponentially; sample with pm.sample (cluster moves)."
                )
            sweeps *= 2
        draws[k] = gauge * upper
    return draws
