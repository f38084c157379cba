"""Chains over visible and hidden variables of an energy whose hidden ones are summed out."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.chains.chains import Chains
from pymc_ebm.learn.chains.clamped import ClampedChains
from pymc_ebm.learn.chains.pairwise import PairwiseChains
from pymc_ebm.learn.learned import Values

HIDDEN_SWEEPS = 10  # of hidden entries, where chains begin anew


class JointChains(Chains):
    """Heat bath of the joint energy; samples are its visible entries.

    Which entries these are, the energy says by ``hidden.visible``; otherwise they are the first.
    Rungs scale the joint energy.
    """

    def __init__(
        self,
        energy: Energy,
        states: NDArray,
        betas: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        joint = energy.with_hidden()
        assert joint.event_shape is not None
        parts, n = getattr(energy, "hidden", None), int(np.prod(joint.event_shape))
        nv = states.shape[2]
        self._seen = np.arange(nv) if parts is None else parts.visible
        self._event = joint.event_shape
        self._clamped = ClampedChains(joint, np.setdiff1d(np.arange(n), self._seen))
        self.betas = betas
        self._chains = PairwiseChains(joint, self._completed(states, rng), betas)
        super().__init__(states, betas)

    def _completed(self, states: NDArray, rng: np.random.Generator) -> NDArray:
        """Draw hidden entries that go with visible ones, under the parameters as they are."""
        rungs = [
            self._clamped.draw(rows, HIDDEN_SWEEPS, rng, float(beta))
            for rows, beta in zip(states, self.betas, strict=True)
        ]
        return np.stack(rungs).reshape(*states.shape[:2], *self._event).astype(float)

    @property
    def states(self) -> NDArray:
        """The visible entries, shape (R, C, nv)."""
        whole = self._chains.states
        return whole.reshape(*whole.shape[:2], -1)[..., self._seen]

    @states.setter
    def states(self, states: NDArray) -> None:
        """Ignore the visible entries alone: `begin` and `restore` set all."""

    def begin(self, states: NDArray, rng: np.random.Generator) -> None:
        """Draw hidden entries that go with the states."""
        self._chains.states = self._completed(states, rng)

    def advance(self, sweeps: int, rng: np.random.Generator) -> None:
        """Sweep over all."""
        self._chains.advance(sweeps, rng)

    def energies(self) -> NDArray[np.float64]:
        """Return the joint energy."""
        return self._chains.energies()

    def permute(self, order: NDArray[np.int64]) -> None:
        """Move hidden entries with the visible ones."""
        self._chains.permute(order)

    def arrays(self) -> Values:
        """Return hidden entries, too."""
        return {**super().arrays(), "whole": self._chains.states}

    def restore(self, arrays: Values) -> None:
        """Take it back."""
        super().restore(arrays)
        self._chains.states = np.array(arrays["whole"], float)
