"""Hamiltonian chains of real energies, with steps that learn their size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.chains.chains import Chains
from pymc_ebm.learn.learned import Values
from pymc_ebm.moves.hamiltonian import hamiltonian_move

LEAPFROGS = 5  # a sweep
TARGET = 0.8  # acceptance that the step size is steered to
RATE = 0.05  # by which its logarithm follows


class RealChains(Chains):
    """A sweep is one trajectory of a few leapfrog steps, accepted or not."""

    def __init__(self, energy: Energy, states: NDArray, betas: NDArray[np.float64]) -> None:
        super().__init__(states, betas)
        x = pt.tensor("x", shape=(None, *states.shape[2:]), dtype="float64")
        value = energy(x)
        gradient: Any = pytensor.grad(value.sum(), x)
        self._evaluate = pytensor.function([x], [value, gradient])
        spread = float(np.std(states)) or 1.0
        self._step = np.full(len(betas), 0.1 * spread)
        self._accepted: list[float] = []

    def advance(self, sweeps: int, rng: np.random.Generator) -> None:
        """Move."""
        shape = self.states.shape
        x = self.states.reshape(-1, *shape[2:]).astype(float)
        tail = (1,) * (x.ndim - 1)
        beta = np.repeat(self.betas, shape[1])

        def evaluate(at: NDArray) -> tuple[NDArray, NDArray]:
            energy, gradient = self._evaluate(at)
            return beta * energy, beta.reshape(-1, *tail) * gradient

        found: tuple[NDArray, ...] = evaluate(x)
        for _ in range(sweeps):
            step = np.repeat(self._step, shape[1]).reshape(-1, *tail)
            x, found, chance = hamiltonian_move(x, found, step, LEAPFROGS, evaluate, rng)
            mean = chance.reshape(shape[:2]).mean(axis=1)
            self._step *= np.exp(RATE * (mean - TARGET))
            self._accepted.append(float(mean[-1]))
        self.states = x.reshape(shape).astype(self.states.dtype)

    def energies(self) -> NDArray[np.float64]:
        """Evaluate the energy."""
        flat = self.states.reshape(-1, *self.states.shape[2:]).astype(float)
        return np.asarray(self._evaluate(flat)[0]).reshape(self.states.shape[:2])

    def health(self) -> dict[str, float]:
        """Return how often trajectories were accepted, too."""
        found = {"acceptance": float(np.mean(self._accepted))} if self._accepted else {}
        self._accepted = []
        return {**super().health(), **found}

    def arrays(self) -> Values:
        """Return step sizes, too."""
        return {**super().arrays(), "step": self._step, "accepted": np.array(self._accepted)}

    def restore(self, arrays: Values) -> None:
        """Take it back."""
        super().restore(arrays)
        self._step = np.array(arrays["step"], float)
        self._accepted = list(map(float, arrays["accepted"]))
