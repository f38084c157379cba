"""Models in, models out: discrete variables relaxed, real ones tempered."""

from pymc_ebm.transforms.recover import recover
from pymc_ebm.transforms.relax import relax

__all__ = ["recover", "relax"]
