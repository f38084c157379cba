"""Persistent contrastive divergence: chains that go on."""

from __future__ import annotations

from dataclasses import dataclass

from pymc_ebm.learn.contrastive import Contrastive
from pymc_ebm.learn.counts import settle_counts


@dataclass(frozen=True)
class PCD(Contrastive):
    """Persistent contrastive divergence: chains go on from step to step, k sweeps each.

    With steps small enough for the chains to keep up, a stochastic gradient of the likelihood.
    Chains that stay in one mode mislead it; see `TemperedPCD`.

    Parameters
    ----------
    chains : int, default 100
        Chains; they start at rows of the data.
    k : int, default 1
        Sweeps a step.
    centered : bool, default True
        As for `CD`.

    References
    ----------
    Tieleman, T. (2008). Training restricted Boltzmann machines using approximations to the
    likelihood gradient. ICML.
    """

    chains: int = 100
    k: int = 1
    centered: bool = True

    def __post_init__(self) -> None:
        """Check the counts."""
        settle_counts(self, "chains", "k")

    def count(self, batch: int) -> int:
        """Return the number of chains."""
        return self.chains
