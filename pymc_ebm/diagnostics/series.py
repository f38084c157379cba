"""One scalar over all draws, with what several checks need of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from pymc_ebm.diagnostics.finding import Kind

WINDOW = 5.0  # autocorrelation times (Sokal 1997)
FIRST_WINDOW = 6  # an antithetic chain's first sums are near zero
SLOWER = 1.5
SHORTEST = 0.05  # autocorrelation time of an antithetic chain
LOPSIDED = 0.9  # share of one value beyond which sums over draws are far from normal
FEWEST_DRAWS = 20  # in a chain, before anything is estimated from it


@dataclass(frozen=True)
class Series:
    """One scalar over all draws."""

    name: str  # what the scalar is called
    kind: Kind  # how much its failure says: an energy or order parameter speaks for the whole model
    values: NDArray  # (chains, draws); the draws
    share: float = 1.0  # which part of all draws these are

    @cached_property
    def constant(self) -> bool:
        """Whether no chain ever changes the value."""
        return bool(np.all(np.ptp(self.values, axis=1) == 0))

    @cached_property
    def some_chain_constant(self) -> bool:
        """Whether some chain never changes the value."""
        return bool(np.any(np.ptp(self.values, axis=1) == 0))

    @cached_property
    def testable(self) -> bool:
        """Whether sums of it are near normal: it moves, and no single value makes up nearly all.

        A spin that is up in 99 draws of 100 has a handful of excursions; two of them in the same
        draw of two chains are a coincidence, not a correlation.
        """
        if self.some_chain_constant:
            return False
        _values, counts = np.unique(self.values, return_counts=True)
        return bool(counts.max() <= LOPSIDED * self.values.size)

    @property
    def chains(self) -> int:
        """How many chains there are."""
        return int(self.values.shape[0])

    @property
    def draws(self) -> int:
        """How many draws a chain has."""
        return int(self.values.shape[1])

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Normal scores of the pooled ranks: Gaussian margins, whatever the tails of the values."""
        ranks = rankdata(self.values, axis=None).reshape(self.values.shape)
        return ndtri((ranks - 0.375) / (self.values.size + 0.25))

    @cached_property
    def autocovariance(self) -> NDArray[np.float64]:
        """Autocovariance of the normal scores within each chain, shape (chains, draws)."""
        return array_stats.autocov(self.scores, axis=1)

    @cached_property
    def autocorrelation(self) -> NDArray[np.float64]:
        """Autocorrelation function of the normal scores around their common mean.

        Around each chain's own mean, chains that are too short would look as if they had mixed.
        """
        covariance = self.autocovariance.mean(axis=0) + self.scores.mean(axis=1).var()
        if covariance[0] <= 0:
            return np.concatenate([[1.0], np.zeros(self.draws - 1)])
        return covariance / covariance[0]

    @cached_property
    def chain_ess(self) -> NDArray[np.float64]:
        """Effective sample size of the mean of the normal scores, one a chain."""
        pooled = self.autocovariance.mean(axis=0)
        if pooled[0] <= 0:
            return np.full(self.chains, float(self.draws))
        common = autocorrelation_time(pooled / pooled[0])[0]
        own = [autocorrelation_time(c / c[0])[0] if c[0] > 0 else 1.0 for c in self.autocovariance]
        # the common time is known best; a chain that is clearly slower than the others has its own
        return self.draws / np.maximum(common, np.array(own) / SLOWER)


def autocorrelation_time(autocorrelation: NDArray) -> tuple[float, bool]:
    """Return the integrated autocorrelation time, and whether the window closed.

    Shapes: `autocorrelation` (draws,).

    Notes
    -----
    ``τ = 1 + 2 Σ_{t ≤ W} ρ(t)``, W being the first window of at least 5 τ (Sokal 1997, equation
    3.19).
    """
    taus = 2 * np.cumsum(autocorrelation) - 1
    lags = np.arange(len(taus))
    reached = (lags >= WINDOW * taus) & (lags >= min(FIRST_WINDOW, len(taus) - 1))
    window = int(np.argmax(reached))
    # beyond half of a chain there are fewer pairs than the estimate needs
    closed = bool(reached.any()) and window <= len(taus) // 2
    return float(max(taus[window if closed else len(taus) // 5], SHORTEST)), closed
