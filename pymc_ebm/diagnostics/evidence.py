"""What the checks look at: everything about a trace and its model, gathered once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import xarray as xr

from numpy.typing import NDArray

from pymc_ebm.diagnostics.basins import Basins, basins_of_reals, basins_of_states
from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.real_target import RealDraws
from pymc_ebm.diagnostics.series import Series
from pymc_ebm.diagnostics.transformations import Symmetry


@dataclass(frozen=True)
class Evidence:
    """Draws as the checks read them. Each check takes what it needs and skips what is not there."""

    # energies, order parameters, slow directions, entries of variables
    series: Sequence[Series] = ()
    # the draws, of dims (chain, draw, ...); may be lazy
    posterior: xr.Dataset = field(default_factory=xr.Dataset)
    sampler: xr.Dataset = field(default_factory=xr.Dataset)  # statistics of the sampler
    # unconstrained coordinates and scores, where the model has a gradient
    reals: RealDraws | None = None
    # discrete variables with the conditional probabilities of their entries
    discretes: Sequence[DiscreteDraws] = ()
    # transformations that leave the model's log-probability unchanged
    symmetries: Sequence[Symmetry] = ()
    # (chains,); which chains started from the same point
    superchains: NDArray[np.int64] | None = None
    probe: bool = False  # whether to start short runs from dispersed points
    # randomness of bootstraps and probes
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    missing: Sequence[str] = ()  # free variables of the model that the trace does not hold

    @property
    def moving(self) -> list[Series]:
        """The series that some chain changes."""
        return [s for s in self.series if not s.constant]

    @property
    def testable(self) -> list[Series]:
        """The series whose sums over draws are near normal."""
        return [s for s in self.series if s.testable]

    @cached_property
    def basins(self) -> list[Basins]:
        """The local minima that the draws lead to, where the density is the same at all draws."""
        found = [] if self.reals is None or not self.reals.fixed else [basins_of_reals(self.reals)]
        return found + [basins_of_states(d) for d in self.discretes if d.fixed]

    def statistic(self, *names: str) -> NDArray | None:
        """Return a sampler's statistic of shape (chains, draws), the first name that is there."""
        for name in names:
            if name in self.sampler and set(self.sampler[name].dims) == {"chain", "draw"}:
                return np.asarray(self.sampler[name].transpose("chain", "draw").values)
        return None
