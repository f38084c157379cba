"""Forward draws of variables with more than two states: enumeration, elimination; else runs."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.forward.elimination import draw_by_elimination, has_low_tree_width
from pymc_ebm.forward.mixing import Advance, Mixing, find_length
from pymc_ebm.graphs import Graph
from pymc_ebm.moves.clusters import SwendsenWang, cluster_form
from pymc_ebm.moves.heat_bath import HeatBath

ENUMERATED_STATES = 2**16
PILOT_UPDATES = 50_000_000  # about two seconds


def draw_states(
    graph: Graph,
    coupling: NDArray[np.float64],
    interaction: NDArray[np.float64],
    field: NDArray[np.float64],
    rng: np.random.Generator,
    count: int,
) -> tuple[NDArray[np.int8], Mixing | None]:
    """Draw state numbers, shape (count, n); the second result is None if they are exact.

    Couplings have the shape (m,), interactions (q, q) or (m, q, q), log-weights (n, q).
    """
    n, q = field.shape
    if q ** float(n) <= ENUMERATED_STATES:
        shape = interaction.shape
        log_weights = _log_weights(
            graph, coupling.tobytes(), interaction.tobytes(), shape, field.tobytes()
        )
        state = kernels.xoshiro.seed_state(rng)
        return kernels.enumeration_states.draw_states(log_weights, n, q, count, state), None
    if has_low_tree_width(graph, q):
        return draw_by_elimination(graph, coupling, interaction, field, rng, count), None
    mixing = _pilot(
        graph, coupling.tobytes(), interaction.tobytes(), interaction.shape, field.tobytes()
    )
    move = _LongRun(graph, coupling, interaction)
    numbers = _dispersed(rng, count, field)
    for x in numbers:
        move.sweep(x, field, mixing.steps, kernels.xoshiro.seed_state(rng))
    return numbers, mixing


class _LongRun:
    """Heat-bath sweeps, with a cluster update before each where states attract."""

    def __init__(
        self, graph: Graph, coupling: NDArray[np.float64], interaction: NDArray[np.float64]
    ) -> None:
        self._heat_bath = HeatBath(graph, coupling, interaction)
        self._clusters = None
        form = cluster_form(interaction)
        if form is not None and form.q is not None and np.all(form.scale * coupling >= 0):
            self._clusters = SwendsenWang(graph, form.scale * coupling, form.q)
        self.name = "heat-bath sweeps" if self._clusters is None else "cluster and heat-bath sweeps"

    def sweep(self, x: NDArray, field: NDArray, sweeps: int, state: NDArray) -> None:
        if self._clusters is None:
            self._heat_bath.sweep(x, field, sweeps, state)
            return
        for _ in range(sweeps):
            self._clusters.sweep(x, field, 1, state)
            self._heat_bath.sweep(x, field, 1, state)


@lru_cache(maxsize=8)
def _log_weights(
    graph: Graph, coupling: bytes, interaction: bytes, shape: tuple[int, ...], field: bytes
) -> NDArray[np.float64]:
    """Log-weights of all configurations, remembered from draw to draw."""
    q = shape[-1]
    K = np.broadcast_to(np.frombuffer(interaction).reshape(shape), (graph.n_edges, q, q))
    tables = np.frombuffer(coupling)[:, None, None] * K
    first, second = np.ascontiguousarray(graph.edges.T)
    return kernels.enumeration_states.states_log_weights(
        np.ascontiguousarray(tables), np.frombuffer(field).reshape(-1, q), first, second
    )


@lru_cache(maxsize=32)
def _pilot(
    graph: Graph, coupling: bytes, interaction: bytes, shape: tuple[int, ...], field: bytes
) -> Mixing:
    """Find how many sweeps make chains from dispersed starts agree in their states' shares."""
    n, q = graph.n_vertices, shape[-1]
    table = np.frombuffer(field).reshape(n, q)
    move = _LongRun(graph, np.frombuffer(coupling), np.frombuffer(interaction).reshape(shape))

    def new_chain(rng: np.random.Generator) -> Advance:
        x = _dispersed(rng, 1, table)[0]
        state = kernels.xoshiro.seed_state(rng)

        def advance(sweeps: int) -> tuple[float, ...]:
            move.sweep(x, table, sweeps, state)
            shares = np.bincount(x, minlength=q) / n
            return shares[0], np.sum(shares**2)

        return advance

    return find_length(move.name, new_chain, PILOT_UPDATES / n)


def _dispersed(
    rng: np.random.Generator, count: int, field: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Draw state numbers that exist, with proportions that differ from chain to chain."""
    n, q = field.shape
    possible = np.where(np.isneginf(field), -np.inf, 0.0)
    shares = np.log(rng.dirichlet(np.ones(q), count))[:, None] + possible
    return np.argmax(shares + rng.gumbel(size=(count, n, q)), axis=-1).astype(np.int8)
