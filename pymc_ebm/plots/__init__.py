"""Plots on ArviZ's PlotCollection: one plot a file, any of its backends."""

from pymc_ebm.plots.autocorrelation import plot_autocorrelation
from pymc_ebm.plots.basins import plot_basins
from pymc_ebm.plots.energy import plot_energy
from pymc_ebm.plots.energy_rank import plot_energy_rank
from pymc_ebm.plots.energy_trace import plot_energy_trace
from pymc_ebm.plots.fantasies import plot_fantasies
from pymc_ebm.plots.filters import plot_filters
from pymc_ebm.plots.free_energy import plot_free_energy
from pymc_ebm.plots.ladder import plot_ladder
from pymc_ebm.plots.lattice import plot_lattice
from pymc_ebm.plots.learning import plot_learning
from pymc_ebm.plots.overview import overview
from pymc_ebm.plots.reconstructions import plot_reconstructions
from pymc_ebm.plots.sweep import plot_sweep
from pymc_ebm.plots.transitions import plot_transitions

__all__ = [
    "overview",
    "plot_autocorrelation",
    "plot_basins",
    "plot_energy",
    "plot_energy_rank",
    "plot_energy_trace",
    "plot_fantasies",
    "plot_filters",
    "plot_free_energy",
    "plot_ladder",
    "plot_lattice",
    "plot_learning",
    "plot_reconstructions",
    "plot_sweep",
    "plot_transitions",
]
