"""Forward draws for prior predictive sampling: exact where possible, else chains that say so."""

from pymc_ebm.forward.draw import draw

__all__ = ["draw"]
