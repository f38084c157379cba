"""What all chains have in common: ladders of temperatures, swaps, and how they did."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.learn.learned import Values

FEWEST = 4  # chains, and steps of an epoch, for R-hat to say something


class Chains(ABC):
    """Chains at each of some inverse temperatures, the last of which is 1.

    `states` (R, C, *event) are configurations of C ladders; `betas` (R,).
    """

    def __init__(self, states: NDArray, betas: NDArray[np.float64]) -> None:
        self.states, self.betas = states, betas
        ladders, rungs = states.shape[1], len(betas)
        self._parity = 0
        self._direction = np.zeros((ladders, rungs), np.int8)
        self._rejected, self._swaps = np.zeros(max(rungs - 1, 1)), 0
        self._trips = np.zeros(1, np.int64)
        self._means: list[NDArray[np.float64]] = []

    @property
    def samples(self) -> NDArray:
        """Configurations at β = 1, shape (C, *event)."""
        return self.states[-1]

    def begin(self, states: NDArray, rng: np.random.Generator) -> None:
        """Start anew from states (R, C, *event)."""
        self.states = np.array(states)

    @abstractmethod
    def advance(self, sweeps: int, rng: np.random.Generator) -> None:
        """Update all chains under the parameters as they are now."""

    @abstractmethod
    def energies(self) -> NDArray[np.float64]:
        """Return E of all states, shape (R, C)."""

    def swap(self, rng: np.random.Generator) -> None:
        """Propose to swap neighbouring rungs, even or odd pairs in turn."""
        rungs = len(self.betas)
        if rungs == 1:
            return
        log_weights = np.ascontiguousarray(-self.energies().T)  # (C, R)
        state = kernels.xoshiro.seed_state(rng)
        order = np.empty((log_weights.shape[0], rungs), np.int64)
        for c, logw in enumerate(log_weights):
            place = np.arange(rungs)
            kernels.tempering.swap(
                place, logw, logw, self.betas, self._parity, self._direction[c], self._rejected,
                self._trips, state,
            )  # fmt: skip
            order[c] = place
            self._direction[c] = self._direction[c][place]  # replicas move with their states
        self._parity ^= 1
        self._swaps += 1
        self.permute(order.T)

    def permute(self, order: NDArray[np.int64]) -> None:
        """Put the state of rung ``order[r, c]`` at rung r."""
        self.states = self.states[order, np.arange(order.shape[1])]

    def watch(self) -> None:
        """Remember the mean value of each chain at β = 1, for R-hat and ESS."""
        flat = self.samples.reshape(self.states.shape[1], -1)
        self._means.append(flat.mean(axis=1, dtype=float))

    def health(self) -> dict[str, float]:
        """Return how chains agreed, how often swaps were accepted, and round trips so far."""
        found = self._agreement()
        self._means = []
        if not self._swaps:
            return found
        accepted = 1.0 - 2.0 * self._rejected / (self._swaps * self.states.shape[1])
        self._rejected[:], self._swaps = 0.0, 0
        found |= {"swap_acceptance": float(accepted.min()), "round_trips": float(self._trips[0])}
        return found

    def _agreement(self) -> dict[str, float]:
        seen = np.array(self._means).T  # (C, steps)
        if seen.ndim != 2 or min(seen.shape) < FEWEST or np.ptp(seen) == 0:
            return {}
        from arviz_stats.base import array_stats

        axes = {"chain_axis": 0, "draw_axis": 1}
        return {
            "chain_rhat": float(array_stats.rhat(seen, **axes)),
            "chain_ess": float(array_stats.ess(seen, **axes)),
        }

    def arrays(self) -> Values:
        """Return what has to be known to go on."""
        return {
            "states": self.states,
            "parity": np.array(self._parity),
            "direction": self._direction,
            "rejected": self._rejected,
            "trips": self._trips,
            "swaps": np.array(self._swaps),
            "means": np.array(self._means),
        }

    def restore(self, arrays: Values) -> None:
        """Take it back."""
        self.states = np.array(arrays["states"], dtype=self.states.dtype)
        self._parity, self._swaps = int(arrays["parity"]), int(arrays["swaps"])
        self._direction = np.array(arrays["direction"], np.int8)
        self._rejected = np.array(arrays["rejected"], float)
        self._trips = np.array(arrays["trips"], np.int64)
        self._means = list(arrays["means"])
