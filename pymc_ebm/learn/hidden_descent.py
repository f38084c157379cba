"""Gradients of energies whose hidden units are part of a configuration, as deep machines' are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray

from pymc_ebm.learn.chain_descent import ChainDescent
from pymc_ebm.learn.chains import chains_for
from pymc_ebm.learn.chains.clamped import ClampedChains
from pymc_ebm.learn.learned import Learned, Values

HIDDEN_SWEEPS = 10  # of hidden units, given a row of data


class HiddenDescent(ChainDescent):
    """Hidden units are part of a configuration: they are drawn for the data, too."""

    def __init__(
        self, restart: bool, k: int, learned: Learned, start: NDArray, betas: NDArray,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        energy: Any = learned.energy
        self._restart, self._k = restart, k
        self._clamped = ClampedChains(energy, np.arange(energy.n_visible, energy.event_shape[0]))
        whole = self._clamped.draw(start, 1, rng)
        self._chains = chains_for(energy, whole.reshape(len(betas), -1, whole.shape[1]), betas, rng)
        full, negative = (pt.matrix(name, dtype="int64") for name in ("full", "negative"))
        loss: Any = energy(full).mean() - energy(negative).mean()
        gradient: Any = pytensor.grad(loss, list(learned.free.values()))
        self._names = list(learned.free)
        self._evaluate: Any = pytensor.function([full, negative], gradient)

    def gradient(self, batch: NDArray, rng: np.random.Generator) -> tuple[float, Values]:
        """Draw hidden units of the data, move the chains, then evaluate."""
        full = self._clamped.draw(batch, HIDDEN_SWEEPS, rng)
        found = self._evaluate(full, self._moved(full, rng).astype(np.int64))
        return float("nan"), dict(zip(self._names, map(np.asarray, found), strict=True))
