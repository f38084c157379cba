"""Contrastive divergence: chains that begin at the data."""

from __future__ import annotations

from dataclasses import dataclass

from pymc_ebm.learn.contrastive import Contrastive
from pymc_ebm.learn.counts import settle_counts


@dataclass(frozen=True)
class CD(Contrastive):
    """Contrastive divergence: k sweeps from the data themselves, anew at each step.

    Quick, and biased: no objective has this gradient, and what is learned can be far from the
    likelihood's maximum while reconstructions look right. The bias shrinks with k.

    Parameters
    ----------
    k : int, default 1
        Sweeps a step.
    centered : bool, default True
        Measure an RBM's units from their means: the same likelihood, a better-conditioned path.

    References
    ----------
    Hinton, G. E. (2002). Training products of experts by minimizing contrastive divergence. Neural
    Computation 14, 1771-1800.
    Melchior, J., Fischer, A. and Wiskott, L. (2016). How to center deep Boltzmann machines. Journal
    of Machine Learning Research 17(99), 1-61.
    """

    k: int = 1
    centered: bool = True
    restart = True

    def __post_init__(self) -> None:
        """Check the number of sweeps."""
        settle_counts(self, "k")

    def count(self, batch: int) -> int:
        """Return one chain a row of the batch."""
        return batch
