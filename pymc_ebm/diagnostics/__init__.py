"""Ergodicity and mixing: one check a file, and the report that runs them."""

from pymc_ebm.diagnostics.report import ErgodicityReport, ergodicity

__all__ = ["ErgodicityReport", "ergodicity"]
