"""Chains that follow an energy while its parameters change, one kind of energy a file."""

from pymc_ebm.learn.chains.chains import Chains
from pymc_ebm.learn.chains.choice import chains_for, why_no_chains

__all__ = ["Chains", "chains_for", "why_no_chains"]
