"""Hamiltonian Monte Carlo of many chains at once: ``H(x, p) = U(x) + ½ |p|²``.

Leapfrog steps of size ε, ``p ← p − ½ε ∇U(x)``, ``x ← x + ε p``, ``p ← p − ½ε ∇U(x)``, are
reversible and keep volumes; the energy is kept up to O(ε²). One step is the Metropolis-adjusted
Langevin algorithm with ``½ε²`` as its step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numpy.typing import NDArray

# Positions (C, ...) → U (C,), its gradient (C, ...), and whatever else is to be kept of a position
Evaluate = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], ...]]


def leapfrog(
    x: NDArray[np.float64],
    momentum: NDArray[np.float64],
    found: tuple[NDArray[np.float64], ...],
    step: Any,
    steps: int,
    evaluate: Evaluate,
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.float64], ...]]:
    """Return where chains (C, ...) are after `steps`, and what `evaluate` found there."""
    for _ in range(steps):
        momentum = momentum - 0.5 * step * found[1]
        x = x + step * momentum
        found = evaluate(x)
        momentum = momentum - 0.5 * step * found[1]
    return x, momentum, found


def hamiltonian_move(
    x: NDArray[np.float64],
    found: tuple[NDArray[np.float64], ...],
    step: Any,
    steps: int,
    evaluate: Evaluate,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], tuple[NDArray[np.float64], ...], NDArray[np.float64]]:
    """Move chains to their trajectories' ends or leave them; also return acceptance chances."""
    axes = tuple(range(1, x.ndim))
    momentum = rng.standard_normal(x.shape)
    with np.errstate(all="ignore"):  # a trajectory that diverges is rejected
        new_x, new_momentum, new = leapfrog(x, momentum, found, step, steps, evaluate)
        gain = found[0] - new[0] + 0.5 * (momentum**2 - new_momentum**2).sum(axis=axes)
        chance = np.exp(np.minimum(np.nan_to_num(gain, nan=-np.inf), 0.0))
    moved = rng.random(len(x)) < chance

    def chosen(there: NDArray, here: NDArray) -> NDArray:
        return np.where(moved.reshape(-1, *(1,) * (there.ndim - 1)), there, here)

    return chosen(new_x, x), tuple(map(chosen, new, found)), chance
