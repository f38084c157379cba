"""The old place of `pymc_ebm.graphs.frustration`."""

from pymc_ebm.graphs.frustration import Frustration, find_frustration

__all__ = ["Frustration", "find_frustration"]
