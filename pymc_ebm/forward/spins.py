"""Forward draws of spins: enumeration, elimination, coupling from the past; else long runs."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pymc_ebm import kernels
from pymc_ebm.forward.coupling_from_the_past import coalescence_sweeps, draw_ferromagnet
from pymc_ebm.forward.elimination import draw_by_elimination, has_low_tree_width
from pymc_ebm.forward.mixing import Advance, Mixing, find_length
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.frustration import find_frustration
from pymc_ebm.moves.clusters import SwendsenWang
from pymc_ebm.moves.heat_bath import HeatBath

ENUMERATED_SPINS = 20
PERFECT_UPDATES = 2**28  # over all draws; beyond it a long run has to do: some seconds
TRIALS = 4  # draws by which the time of coupling from the past is judged
PATIENCE = 64  # times the longest trial: giving up earlier would favour draws that are quick
PILOT_UPDATES = 400_000_000  # about two seconds


def draw_spins(
    graph: Graph,
    coupling: np.ndarray,
    field: np.ndarray,
    rng: np.random.Generator,
    count: int,
) -> tuple[np.ndarray, Mixing | None]:
    """Draw spins, shape (count, n); the second result is None if they are exact.

    Couplings ``βJ`` have the shape (m,), fields ``βh`` (n,).
    """
    if graph.n_vertices > ENUMERATED_SPINS:
        return _draw_many_spins(graph, coupling, field, rng, count)
    cumulative = _cumulative(graph, coupling.tobytes(), field.tobytes())
    chosen = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    return (2 * ((chosen[:, None] >> np.arange(graph.n_vertices)) & 1) - 1).astype(np.int8), None


def _draw_many_spins(
    graph: Graph, coupling: np.ndarray, field: np.ndarray, rng: np.random.Generator, count: int
) -> tuple[np.ndarray, Mixing | None]:
    """Draw by elimination or by coupling from the past, both exact; else run chains."""
    if has_low_tree_width(graph, 2):
        table = np.column_stack([-field, field])
        states = draw_by_elimination(
            graph, coupling, np.array([[1.0, -1.0], [-1.0, 1.0]]), table, rng, count
        )
        return (2 * states - 1).astype(np.int8), None
    key = (graph, coupling.tobytes(), field.tobytes())
    needed = _perfect_updates(*key)
    if needed is not None and count * needed <= PERFECT_UPDATES:
        perfect = draw_ferromagnet(graph, coupling, field, rng, count, PATIENCE * needed)
        assert perfect is not None
        return perfect, None
    mixing = _pilot(*key)
    move = _LongRun(graph, coupling)
    spins = _dispersed_spins(rng, count, graph.n_vertices)
    for chain in spins:
        move.sweep(chain, field, mixing.steps, kernels.xoshiro.seed_state(rng))
    return spins, mixing


class _LongRun:
    """Heat-bath sweeps, with a cluster update before each where no cycle is frustrated."""

    def __init__(self, graph: Graph, coupling: np.ndarray) -> None:
        self._heat_bath = HeatBath(graph, coupling)
        self._clusters = (
            None if find_frustration(graph, coupling).cycle else SwendsenWang(graph, coupling)
        )
        self.name = "heat-bath sweeps" if self._clusters is None else "cluster and heat-bath sweeps"

    def sweep(self, spins: np.ndarray, field: np.ndarray, sweeps: int, state: np.ndarray) -> None:
        if self._clusters is None:
            self._heat_bath.sweep(spins, field, sweeps, state)
            return
        for _ in range(sweeps):
            self._clusters.sweep(spins, field, 1, state)
            self._heat_bath.sweep(spins, field, 1, state)


@lru_cache(maxsize=8)
def _cumulative(graph: Graph, coupling: bytes, field: bytes) -> np.ndarray:
    """Cumulative weights of all configurations; bit i of the index says whether spin i is up."""
    dense = np.zeros((graph.n_vertices, graph.n_vertices))
    i, j = graph.edges.T
    dense[i, j] = dense[j, i] = np.frombuffer(coupling)
    log_weights = kernels.enumeration.ising_log_weights(dense, np.frombuffer(field))
    return np.cumsum(np.exp(log_weights - log_weights.max()))


def _dispersed_spins(rng: np.random.Generator, count: int, n: int) -> np.ndarray:
    """Spins up with a probability that is drawn once a chain."""
    return np.where(rng.random((count, n)) < rng.random((count, 1)), 1, -1).astype(np.int8)


@lru_cache(maxsize=32)
def _perfect_updates(graph: Graph, coupling: bytes, field: bytes) -> int | None:
    """Find how many spin updates a draw by coupling from the past takes; None if too many.

    The trials have a generator of their own: whether draws are perfect must not depend on them.
    """
    sweeps = coalescence_sweeps(
        graph,
        np.frombuffer(coupling),
        np.frombuffer(field),
        np.random.default_rng(20250101),
        TRIALS,
        PERFECT_UPDATES // TRIALS,
    )
    return None if sweeps is None else 2 * sweeps * graph.n_vertices  # 1 + 2 + 4 + …


@lru_cache(maxsize=32)
def _pilot(graph: Graph, coupling: bytes, field: bytes) -> Mixing:
    """Find how many sweeps make chains from dispersed starts agree in energy and magnetisation."""
    couplings, fields = np.frombuffer(coupling), np.frombuffer(field)
    move = _LongRun(graph, couplings)
    first, second = np.ascontiguousarray(graph.edges.T, dtype=np.int32)

    def new_chain(rng: np.random.Generator) -> Advance:
        spins = _dispersed_spins(rng, 1, graph.n_vertices)[0]
        state = kernels.xoshiro.seed_state(rng)

        def advance(sweeps: int) -> tuple[float, ...]:
            move.sweep(spins, fields, sweeps, state)
            return kernels.ising_energy.ising_energy(spins, first, second, couplings, fields)

        return advance

    return find_length(move.name, new_chain, PILOT_UPDATES / graph.n_vertices)
