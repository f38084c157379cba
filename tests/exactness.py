"""The exactness suite: every move on every family, with and without field, against enumeration.

A move is deterministic given its random words, but its transition probabilities are not exposed;
so exact draws go in and must come out exact. Draws are independent, and the chi-square test over
all configurations is exact up to its asymptotics. A new move is one line in `MOVES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scipy.stats import chisquare

from pymc_ebm import Graph
from pymc_ebm.kernels.xoshiro import seed_state
from pymc_ebm.moves import clusters, heat_bath, metropolis
from tests.oracles import boltzmann

REPLICATES = 200_000
FEWEST_EXPECTED = 5.0  # cells that expect fewer draws are pooled


@dataclass(frozen=True)
class Family:
    """A pairwise discrete model small enough to enumerate."""

    states: np.ndarray
    interaction: np.ndarray | None  # None: spins
    attractive: bool  # whether couplings must be ≥ 0
    clusters: bool  # whether cluster moves apply


SPINS = np.array([-1, 1])
FAMILIES = {
    "Ising": Family(SPINS, None, False, True),
    "Potts, q = 3": Family(np.arange(3), np.eye(3), True, True),
    "Potts, q = 4": Family(np.arange(4), np.eye(4), True, True),
    "Blume–Capel": Family(np.arange(3), np.outer([-1, 0, 1], [-1, 0, 1]).astype(float), False, False),
}  # fmt: skip

MOVES: dict[str, Callable] = {
    "heat bath": lambda family, graph, w: heat_bath.HeatBath(graph, w, family.interaction),
    "Metropolis": lambda family, graph, w: metropolis.Metropolis(graph, w, family.interaction),
    "Swendsen–Wang": lambda family, graph, w: clusters.SwendsenWang(graph, w, _q(family)),
    "Wolff": lambda family, graph, w: clusters.Wolff(graph, w, _q(family)),
}
CLUSTER_MOVES = ("Swendsen–Wang", "Wolff")

GRAPHS = {
    "Ising": Graph.from_edges([(0, 1), (1, 2), (2, 3), (0, 3), (3, 4), (4, 5)]),
    "Potts, q = 3": Graph.from_edges([(0, 1), (1, 2), (0, 2), (2, 3)]),
    "Potts, q = 4": Graph.from_edges([(0, 1), (1, 2), (0, 2)]),
    "Blume–Capel": Graph.from_edges([(0, 1), (1, 2), (0, 2), (2, 3)]),
}


def _q(family: Family) -> int | None:
    return None if family.interaction is None else len(family.states)


def cases() -> list[tuple[str, str, str, str]]:
    """Return every (family, move, couplings, field) there is."""
    found = []
    for family in FAMILIES:
        for move in MOVES:
            if move in CLUSTER_MOVES and not FAMILIES[family].clusters:
                continue
            for couplings in ("uniform", "per edge"):
                for field in ("no field", "field"):
                    found.append((family, move, couplings, field))
    return found


def p_value(family_name: str, move_name: str, couplings: str, field: str, seed: int = 5) -> float:
    """Return the chi-square p-value of exact draws after one sweep of a move."""
    family, graph = FAMILIES[family_name], GRAPHS[family_name]
    rng = np.random.default_rng(seed)
    n, q = graph.n_vertices, len(family.states)
    w = np.full(graph.n_edges, 0.5)
    if couplings == "per edge":
        w = rng.normal(0, 0.6, graph.n_edges)
        w = np.abs(w) if family.attractive else w
    table = rng.normal(0, 0.4, (n, q)) if field == "field" else np.zeros((n, q))
    if family.interaction is None:
        table = 0.5 * (table - table[:, ::-1])  # an odd function of the spin
    numbers = (np.arange(q**n)[:, None] // q ** np.arange(n)) % q
    K = np.outer(SPINS, SPINS) if family.interaction is None else family.interaction
    i, j = graph.edges.T
    log_weight = (w * K[numbers[:, i], numbers[:, j]]).sum(1)
    log_weight += table[np.arange(n), numbers].sum(1)
    probabilities = boltzmann(-log_weight)
    start = rng.choice(len(numbers), size=REPLICATES, p=probabilities)
    x = (2 * numbers - 1 if family.interaction is None else numbers)[start].astype(np.int8)
    kernel_field = np.ascontiguousarray(table[:, 1] if family.interaction is None else table)
    move = MOVES[move_name](family, graph, w)
    state = seed_state(rng)
    for chain in x:
        move.sweep(chain, kernel_field, 1, state)
    after = (x > 0) if family.interaction is None else x
    counts = np.bincount(after @ q ** np.arange(n), minlength=len(numbers))
    expected = REPLICATES * probabilities
    order = np.argsort(expected)
    pooled = max(int(np.searchsorted(np.cumsum(expected[order]), FEWEST_EXPECTED)) + 1, 1)
    rare, common = order[:pooled], order[pooled:]
    observed = np.append(counts[common], counts[rare].sum())
    return float(chisquare(observed, np.append(expected[common], expected[rare].sum())).pvalue)
