"""Models and posteriors in and out: relaxed, tempered, and given the right width."""

from pymc_ebm.transforms.recover import recover
from pymc_ebm.transforms.relax import relax
from pymc_ebm.transforms.sandwich import sandwich
from pymc_ebm.transforms.temper import temper
from pymc_ebm.transforms.untemper import untemper

__all__ = ["recover", "relax", "sandwich", "temper", "untemper"]
