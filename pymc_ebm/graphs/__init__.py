"""Graphs that couplings live on, and what other libraries and files say about them."""

from pymc_ebm.graphs.graph import Graph

__all__ = ["Graph"]
