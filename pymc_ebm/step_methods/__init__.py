"""Samplers as PyMC step methods, one a file."""

import pymc.step_methods

from pymc_ebm.step_methods import support_guard
from pymc_ebm.step_methods.chromatic_gibbs import ChromaticGibbs

pymc.step_methods.STEP_METHODS.append(ChromaticGibbs)
support_guard.install()

__all__ = ["ChromaticGibbs"]
