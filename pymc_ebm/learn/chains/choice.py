"""Which chains fit an energy."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.chains.chains import Chains
from pymc_ebm.learn.chains.joint import JointChains
from pymc_ebm.learn.chains.one_by_one import OneByOneChains
from pymc_ebm.learn.chains.pairwise import PairwiseChains
from pymc_ebm.learn.chains.real import RealChains


def why_no_chains(energy: Energy) -> str | None:
    """Say why no chain can follow an energy; None if one can."""
    if getattr(energy, "batch_shape", ()):
        return "its rows differ, and a chain follows one energy"
    return None


def chains_for(
    energy: Energy, states: NDArray, betas: NDArray[np.float64], rng: np.random.Generator
) -> Chains:
    """Return the chains that fit; `states` (R, C, *event) are where they start."""
    if energy.states is None:
        return RealChains(energy, states, betas)
    if Coded.of(energy) is not None:
        return PairwiseChains(energy, states, betas)
    if energy.with_hidden() is not energy:
        return JointChains(energy, states, betas, rng)
    return OneByOneChains(energy, states, betas)
