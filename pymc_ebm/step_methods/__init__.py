"""Samplers as PyMC step methods, one a file."""

import pymc.step_methods

from pymc_ebm.step_methods import support_guard
from pymc_ebm.step_methods.block_gibbs import BlockGibbs
from pymc_ebm.step_methods.chromatic_gibbs import ChromaticGibbs
from pymc_ebm.step_methods.discrete_langevin import DiscreteLangevin
from pymc_ebm.step_methods.exchange_mh import ExchangeMH
from pymc_ebm.step_methods.gibbs_with_gradients import GibbsWithGradients
from pymc_ebm.step_methods.metropolis import Metropolis
from pymc_ebm.step_methods.parallel_tempering import ParallelTempering
from pymc_ebm.step_methods.recommendation import Recommendation, recommend
from pymc_ebm.step_methods.relaxed_nuts import RelaxedNUTS
from pymc_ebm.step_methods.swendsen_wang import SwendsenWang
from pymc_ebm.step_methods.wolff import Wolff

pymc.step_methods.STEP_METHODS.extend(
    [BlockGibbs, ChromaticGibbs, ExchangeMH, GibbsWithGradients, ParallelTempering, SwendsenWang]
)
support_guard.install()

__all__ = [
    "BlockGibbs",
    "ChromaticGibbs",
    "DiscreteLangevin",
    "ExchangeMH",
    "GibbsWithGradients",
    "Metropolis",
    "ParallelTempering",
    "Recommendation",
    "RelaxedNUTS",
    "SwendsenWang",
    "Wolff",
    "recommend",
]
