"""One table of small discrete energies that feeds every general test.

A new family is tested by a line here: an energy, and the same written by hand in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pymc_ebm import Graph, PseudoInverse, energies
from pymc_ebm.energies import Energy

RNG = np.random.default_rng(20261125)
GRAPH = Graph.from_edges([(0, 1), (1, 2), (0, 2), (2, 3)])
TREE = Graph.from_edges([(0, 1), (1, 2), (1, 3)])
LATTICE = Graph.square(2, 2, periodic=False)
J, H, D = RNG.normal(0, 0.7, 4), RNG.normal(0, 0.5, 4), RNG.normal(0, 0.5, 4)
STATE_FIELD = RNG.normal(0, 0.5, (4, 3))
COUNTS = np.array([2, 3, 4, 2])
TABLES = [RNG.normal(0, 0.7, (COUNTS[i], COUNTS[j])) for i, j in GRAPH.edges]
FIELDS = [RNG.normal(0, 0.5, k) for k in COUNTS]
SHARED = RNG.normal(0, 0.7, (3, 3))  # not symmetric
PATTERNS = RNG.choice([-1.0, 1.0], (2, 4))
INDEPENDENT = np.array([[1.0, 1, 1, -1], [1, -1, 1, 1]])
PROJECTION = INDEPENDENT.T @ np.linalg.inv(INDEPENDENT @ INDEPENDENT.T) @ INDEPENDENT
PROJECTION -= np.diag(np.diag(PROJECTION))
W, B, C = RNG.normal(0, 0.7, (4, 3)), RNG.normal(0, 0.5, 4), RNG.normal(0, 0.5, 3)


@dataclass(frozen=True)
class Family:
    """A small discrete energy.

    Parameters
    ----------
    energy : Energy
        The energy.
    by_hand : callable
        From values, shape (K, n), to energies, shape (K,), in NumPy.
    """

    energy: Energy
    by_hand: Callable[[np.ndarray], np.ndarray]

    @property
    def values(self) -> np.ndarray:
        """All configurations, shape (K, n)."""
        return configurations(self.energy)

    def log_weights(self, beta: float = 1.0) -> np.ndarray:
        """−βE of all configurations."""
        return -beta * self.by_hand(self.values)


def configurations(energy: Energy) -> np.ndarray:
    """Return all values in the support, shape (K, n)."""
    states, n = energy.states, int(np.prod(energy.event_shape))
    counts = np.full(n, len(states)) if states.counts is None else states.counts.reshape(-1)
    return states.values[np.indices(tuple(counts)).reshape(n, -1).T]


def pairs(x: np.ndarray, graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    """Return the values at both ends of every edge, shape (K, m) each."""
    return x[:, graph.edges[:, 0]], x[:, graph.edges[:, 1]]


def at(table: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return ``Σ_i table[i, x_i]``."""
    return table[np.arange(x.shape[1]), x].sum(axis=1)


def product(x: np.ndarray, couplings: np.ndarray, graph: Graph = GRAPH) -> np.ndarray:
    a, b = pairs(x, graph)
    return (couplings * a * b).sum(axis=1)


def looked_up(x: np.ndarray) -> np.ndarray:
    """Log-weight of the field with a table an edge, vertex by vertex."""
    total = sum(t[x[:, i], x[:, j]] for t, (i, j) in zip(TABLES, GRAPH.edges, strict=True))
    return total + sum(f[x[:, i]] for i, f in enumerate(FIELDS))


def shared_table(x: np.ndarray) -> np.ndarray:
    a, b = pairs(x, TREE)
    return SHARED[a, b].sum(axis=1)


def agreement(x: np.ndarray, couplings: np.ndarray, graph: Graph = GRAPH) -> np.ndarray:
    a, b = pairs(x, graph)
    return (couplings * (a == b)).sum(axis=1)


def clock(x: np.ndarray) -> np.ndarray:
    a, b = pairs(x, GRAPH)
    return (J * np.cos(2 * np.pi * (a - b) / 4)).sum(axis=1)


LABEL_WEIGHTS, LABEL_BIASES = RNG.normal(0, 0.7, (3, 3, 2)), RNG.normal(0, 0.5, (3, 3))
TAU = RNG.normal(0, 0.5, (4, 3))
ORDINAL_TABLE = np.column_stack([np.zeros(4), TAU])
TWO_STATES = RNG.normal(0, 0.7, (4, 2, 2))

# vertices 1 and 3 are hidden and joined, vertex 0 has two states and the others three
HIDDEN_GRAPH = Graph.from_edges([(0, 1), (1, 2), (1, 3), (2, 3), (0, 4), (3, 4)])
HIDDEN_TABLES = RNG.normal(0, 0.7, (6, 3, 3))
HIDDEN_FIELDS = RNG.normal(0, 0.5, (5, 3))


def hidden_summed_out(x: np.ndarray) -> np.ndarray:
    """Log-weight of vertices 0, 2 and 4, by all states of vertices 1 and 3."""
    logs = []
    for a, b in np.ndindex(3, 3):
        full = np.column_stack([x[:, 0], np.full(len(x), a), x[:, 1], np.full(len(x), b), x[:, 2]])
        i, j = pairs(full, HIDDEN_GRAPH)
        logs.append(HIDDEN_TABLES[np.arange(6), i, j].sum(axis=1) + at(HIDDEN_FIELDS, full))
    return np.logaddexp.reduce(logs, axis=0)


FAMILIES: dict[str, Family] = {
    "Ising": Family(
        energies.Ising(J, H, graph=GRAPH), lambda x: -product(x, J) - x @ H
    ),
    "Ising, one coupling on a lattice": Family(
        energies.Ising(0.6, 0.2, graph=LATTICE),
        lambda x: -product(x, np.full(4, 0.6), LATTICE) - 0.2 * x.sum(1),
    ),
    "Boltzmann machine": Family(
        energies.BoltzmannMachine(J, H, graph=GRAPH), lambda x: -product(x, J) - x @ H
    ),
    "Hopfield": Family(
        energies.Hopfield(PATTERNS, 0.1 * H),
        lambda x: -0.5 * (((x @ PATTERNS.T) ** 2).sum(1) / 4 - 2) - 0.1 * x @ H,
    ),
    "Hopfield, pseudo-inverse": Family(
        energies.Hopfield(INDEPENDENT, 0.1 * H, rule=PseudoInverse()),
        lambda x: -0.5 * np.einsum("ci,ij,cj->c", x, PROJECTION, x) - 0.1 * x @ H,
    ),
    "Hopfield, weights": Family(
        energies.Hopfield(weights=PROJECTION, b=0.1 * H),
        lambda x: -0.5 * np.einsum("ci,ij,cj->c", x, PROJECTION, x) - 0.1 * x @ H,
    ),
    "dense associative memory": Family(
        energies.DenseAssociativeMemory(INDEPENDENT, 3),
        lambda x: -4 / 3 * ((x @ INDEPENDENT.T / 4) ** 3).sum(1),
    ),
    "Potts": Family(
        energies.Potts(np.abs(J), STATE_FIELD, q=3, graph=GRAPH),
        lambda x: -agreement(x, np.abs(J)) - at(STATE_FIELD, x),
    ),
    "Potts, two states": Family(
        energies.Potts(J, [0.1, 0.4], q=2, graph=GRAPH),
        lambda x: -agreement(x, J) - np.array([0.1, 0.4])[x].sum(1),
    ),
    "Blume–Capel": Family(
        energies.BlumeCapel(J, H, D, graph=GRAPH),
        lambda x: -product(x, J) - x @ H + x**2 @ D,
    ),
    "clock": Family(energies.Clock(J, q=4, graph=GRAPH), lambda x: -clock(x)),
    "ordinal": Family(
        energies.Ordinal(0.3 * J, TAU, n_categories=COUNTS, graph=GRAPH),
        lambda x: -product(x, 0.3 * J) - at(ORDINAL_TABLE, x),
    ),
    "Markov random field": Family(
        energies.MarkovRandomField(TABLES, FIELDS, graph=GRAPH), lambda x: -looked_up(x)
    ),
    "Markov random field, one table": Family(
        energies.MarkovRandomField(SHARED, graph=TREE), lambda x: -shared_table(x)
    ),
    "Markov random field, two states": Family(
        energies.MarkovRandomField(TWO_STATES, H[:, None] * [0.0, 1.0], graph=GRAPH),
        lambda x: -sum(
            TWO_STATES[e, x[:, i], x[:, j]] for e, (i, j) in enumerate(GRAPH.edges)
        ) - x @ H,
    ),
    "Markov random field, hidden vertices": Family(
        energies.MarkovRandomField(
            HIDDEN_TABLES, HIDDEN_FIELDS, graph=HIDDEN_GRAPH, n_states=[2, 3, 3, 3, 3],
            hidden=[3, 1],
        ),
        lambda x: -hidden_summed_out(x),
    ),
    "sum of Potts and clock": Family(
        energies.Potts(J, q=4, graph=GRAPH) + 0.5 * energies.Clock(J, q=4, graph=GRAPH),
        lambda x: -agreement(x, J) - 0.5 * clock(x),
    ),
    "sum on two graphs": Family(
        energies.Ising(J, H, graph=GRAPH) + energies.Ising(0.4, graph=TREE),
        lambda x: -product(x, J) - x @ H - product(x, np.full(3, 0.4), TREE),
    ),
    "RBM": Family(
        energies.RBM(W, B, C), lambda x: -x @ B - np.logaddexp(0, C + x @ W).sum(1)
    ),
    "RBM of spins": Family(
        energies.SpinRBM(W, B, C),
        lambda x: -x @ B - np.logaddexp(C + x @ W, -C - x @ W).sum(1),
    ),
    "RBM of labels": Family(
        energies.PottsRBM(LABEL_WEIGHTS, LABEL_BIASES, C[:2]),
        lambda x: -at(LABEL_BIASES, x)
        - np.logaddexp(0, C[:2] + LABEL_WEIGHTS[np.arange(3), x].sum(axis=1)).sum(1),
    ),
    "deep Boltzmann machine": Family(
        energies.DeepBoltzmannMachine([W[:2, :2], W[2:, :1]], [B[:2], C[:2], C[2:]]),
        lambda x: -(x[:, :2] @ W[:2, :2] * x[:, 2:4]).sum(1) - (x[:, 2:4] @ W[2:, :1] * x[:, 4:]).sum(1)
        - x @ np.concatenate([B[:2], C]),
    ),
    "three spins at once": Family(
        energies.Custom(
            lambda x: 0.7 * x[..., 0] * x[..., 1] * x[..., 2] - 0.2 * x[..., 3],
            (4,),
            support="spin",
        ),
        lambda x: 0.7 * x[:, :3].prod(1) - 0.2 * x[:, 3],
    ),
    "levels": Family(
        energies.Custom(
            lambda x: 0.2 * ((x[..., 1:] - x[..., :-1]) ** 2).sum(axis=-1),
            (3,),
            support="categorical",
            n_states=4,
        ),
        lambda x: 0.2 * (np.diff(x, axis=1) ** 2).sum(1),
    ),
}  # fmt: skip
