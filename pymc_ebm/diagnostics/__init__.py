"""Ergodicity and mixing: one check a file, and the report that runs them."""

from pymc_ebm.diagnostics.checks import ergodicity
from pymc_ebm.diagnostics.kernel_stein import SteinTest, stein_test
from pymc_ebm.diagnostics.report import ErgodicityReport

__all__ = ["ErgodicityReport", "SteinTest", "ergodicity", "stein_test"]
