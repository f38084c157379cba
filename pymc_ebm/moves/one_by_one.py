"""Updates of one entry after another, where log-probabilities have to be evaluated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph

# from the log-weights of an entry's states, its state and randomness to its next state
Choice = Callable[[NDArray[np.float64], int, np.random.Generator], int]


def heat_bath(log_weights: NDArray[np.float64], number: int, rng: np.random.Generator) -> int:
    """Draw a state from the conditional distribution, whatever the present one."""
    del number
    return int(np.argmax(log_weights + rng.gumbel(size=log_weights.size)))


def metropolis(log_weights: NDArray[np.float64], number: int, rng: np.random.Generator) -> int:
    """Propose another state and accept it with ``min(1, ratio)``, lazily."""
    q = log_weights.size
    other = (number + int(rng.integers(1, q))) % q
    gain = min(log_weights[other] - log_weights[number], 0.0)
    return other if rng.random() < kernels.metropolis.LAZINESS * np.exp(gain) else number


def sweep(
    x: NDArray[np.int8],
    states: NDArray[np.int64],
    graph: Graph,
    conditions: Any,
    tied: Callable[[NDArray], NDArray[np.float64]],
    values: NDArray[np.int64],
    sweeps: int,
    choose: Choice,
    rng: np.random.Generator,
) -> None:
    """Visit all entries in random order, `sweeps` times; x, shape (batch, n), changes in place.

    Couplings and fields are those of `Conditions`; ``tied`` takes arrays of shape
    ``(q, *values.shape)`` and returns what else depends on them, one number each.
    """
    batch, n = x.shape
    q, spins = states.size, conditions.interaction is None
    indptr, indices, edge_numbers = graph.neighbors
    first = graph.edges[:, 0]
    trial = np.repeat(values[None], q, axis=0)
    flat = trial.reshape(q, -1)
    for _ in range(sweeps):
        for entry in rng.permutation(batch * n):
            b, i = divmod(int(entry), n)
            around = slice(indptr[i], indptr[i + 1])
            edges, neighbors = edge_numbers[around], x[b, indices[around]]
            coupling = np.broadcast_to(conditions.coupling[b], graph.n_edges)[edges]
            if spins:
                force = conditions.field[b, i] + coupling @ neighbors
                log_weights, number = np.array([-force, force]), (int(x[b, i]) + 1) // 2
            else:
                K, number = conditions.interaction[b], int(x[b, i])
                if K.ndim == 2:
                    pulls = np.where((first[edges] == i)[:, None], K[:, neighbors].T, K[neighbors])
                else:
                    forward = K[edges, :, neighbors]
                    backward = K[edges, neighbors, :]
                    pulls = np.where((first[edges] == i)[:, None], forward, backward)
                log_weights = conditions.field[b, i] + coupling @ pulls
            flat[:, entry] = states
            new = choose(log_weights + tied(trial), number, rng)
            x[b, i] = 2 * new - 1 if spins else new
            flat[:, entry] = states[new]
