"""Tempered persistent chains: each has hot companions that it swaps states with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pymc_ebm.learn.contrastive import Contrastive
from pymc_ebm.learn.counts import settle_counts, whole


@dataclass(frozen=True)
class TemperedPCD(Contrastive):
    """Persistent chains with companions at higher temperatures, kept through training.

    A chain at β = 1 crosses between modes by swapping its state for that of a hotter one. The
    history holds the lowest swap acceptance and the round trips between the ends of the ladders.

    Parameters
    ----------
    chains : int, default 25
        Ladders.
    ladder : sequence of float or int, default 10
        Inverse temperatures, increasing, the last one 1; or how many, evenly spaced from 0 to 1.
        An RBM's scale both layers' joint energy.
    k : int, default 1
        Sweeps a step, before the swap.
    centered : bool, default True
        As for `CD`.

    References
    ----------
    Desjardins, G., Courville, A., Bengio, Y., Vincent, P. and Delalleau, O. (2010). Tempered Markov
    chain Monte Carlo for training of restricted Boltzmann machines. AISTATS.
    """

    chains: int = 25
    ladder: Sequence[float] | int = 10
    k: int = 1
    centered: bool = True

    def __post_init__(self) -> None:
        """Check counts and ladder; keep the ladder as numbers."""
        settle_counts(self, "chains", "k")
        if np.ndim(self.ladder) == 0:
            rungs = np.linspace(0.0, 1.0, whole("TemperedPCD", "ladder", self.ladder, 2))
        else:
            rungs = np.asarray(self.ladder, float)
        bad = rungs.ndim != 1 or rungs.size < 2 or not rungs[0] >= 0
        bad = bad or not np.all(np.diff(rungs) > 0)
        if bad or rungs[-1] != 1.0:
            raise ValueError(
                f"TemperedPCD: ladder={self.ladder!r} must increase from 0 or more to 1."
            )
        object.__setattr__(self, "ladder", tuple(float(b) for b in rungs))

    def obstacle(self, energy):
        """Ask for chains, and for real values for a lowest rung above zero."""
        coldest_last: Any = self.ladder
        if energy.states is None and coldest_last[0] == 0.0:
            return "real values have no distribution at β = 0; start the ladder above it"
        return super().obstacle(energy)

    def count(self, batch: int) -> int:
        """Return the number of ladders."""
        return self.chains
