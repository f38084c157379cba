"""Models in, models out: discrete variables relaxed, real ones tempered."""

from pymc_ebm.transforms.recover import recover
from pymc_ebm.transforms.relax import relax
from pymc_ebm.transforms.temper import temper
from pymc_ebm.transforms.untemper import untemper

__all__ = ["recover", "relax", "temper", "untemper"]
