"""Maximum pseudo-likelihood: every entry given all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytensor.tensor as pt

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.method import Descent, GraphDescent, Method, known_shape, needs_discrete
from pymc_ebm.learn.rows import Rows
from pymc_ebm.log_z.pseudo_likelihood import pseudo_log_likelihood


@dataclass(frozen=True)
class PseudoLikelihood(Method):
    """Maximise ``⟨Σ_i log p(x_i | x_{−i})⟩_data`` of discrete values, which needs no log Z.

    Consistent, and quick; its maximum is not that of the likelihood where data are few.

    References
    ----------
    Besag, J. (1975). Statistical analysis of non-lattice data. The Statistician 24, 179-195.
    """

    def obstacle(self, energy: Energy) -> str | None:
        """Ask for discrete values."""
        return needs_discrete(energy)

    def descent(self, learned: Learned, rows: Rows, rng: np.random.Generator) -> Descent:
        """Differentiate minus the mean pseudo-log-likelihood."""
        energy, one = known_shape(learned.energy, rows), pt.constant(1.0)
        return GraphDescent(
            learned,
            rows,
            lambda batch: -pseudo_log_likelihood(energy, one, batch).mean(),
        )
