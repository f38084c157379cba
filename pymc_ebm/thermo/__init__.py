"""Observables of sampled models."""

from pymc_ebm.thermo.observables import observables

__all__ = ["observables"]
