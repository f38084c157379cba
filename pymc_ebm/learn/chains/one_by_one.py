"""Heat-bath chains of any discrete energy, by evaluating it at every value of an entry."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.chains.chains import Chains


class OneByOneChains(Chains):
    """All chains visit an entry together; the order of entries is random."""

    def __init__(self, energy: Energy, states: NDArray, betas: NDArray[np.float64]) -> None:
        super().__init__(states, betas)
        assert energy.states is not None
        self._values = energy.states.values
        self._absent = energy.states.absent()
        x = pt.tensor("x", shape=(None, *states.shape[2:]), dtype="int64")
        self._energy = pytensor.function([x], energy(x))

    def advance(self, sweeps: int, rng: np.random.Generator) -> None:
        """Sweep."""
        _rungs, chains, *event = self.states.shape
        q, n = self._values.size, int(np.prod(event))
        x = self.states.reshape(-1, n).astype(np.int64)
        beta = np.repeat(self.betas, chains)
        for _ in range(sweeps):
            for i in rng.permutation(n):
                trials = np.repeat(x[None], q, axis=0)
                trials[:, :, i] = self._values[:, None]
                energy = self._energy(trials.reshape(q * len(x), *event)).reshape(q, -1)
                log_weights = -beta * energy
                if self._absent is not None:
                    log_weights = log_weights + self._absent.reshape(n, q)[i][:, None]
                chosen = np.argmax(log_weights + rng.gumbel(size=log_weights.shape), axis=0)
                x[:, i] = self._values[chosen]
        self.states = x.reshape(self.states.shape).astype(self.states.dtype)

    def energies(self) -> NDArray[np.float64]:
        """Evaluate the energy."""
        flat = self.states.reshape(-1, *self.states.shape[2:]).astype(np.int64)
        return np.asarray(self._energy(flat)).reshape(self.states.shape[:2])
