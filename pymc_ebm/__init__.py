"""Energy-based models in PyMC."""

from typing import TYPE_CHECKING, Any

from pymc_ebm import energies
from pymc_ebm.boltzmann import Boltzmann
from pymc_ebm.errors import MissingPartitionError
from pymc_ebm.graphs import Graph
from pymc_ebm.hopfield import Hopfield
from pymc_ebm.ising import Ising
from pymc_ebm.markov_random_field import MarkovRandomField
from pymc_ebm.partition import log_partition
from pymc_ebm.potentials import energy_potential
from pymc_ebm.potts import Potts
from pymc_ebm.rbm import RBM
from pymc_ebm.simulate import simulate
from pymc_ebm.step_methods import (
    BlockGibbs,
    ChromaticGibbs,
    DiscreteLangevin,
    ExchangeMH,
    GibbsWithGradients,
    Metropolis,
    ParallelTempering,
    RelaxedNUTS,
    SwendsenWang,
    Wolff,
    recommend,
)
from pymc_ebm.thermo import observables

if TYPE_CHECKING:
    from pymc_ebm.diagnostics import ErgodicityReport, SteinTest, ergodicity, stein_test
    from pymc_ebm.estimation import LogPartitionTable, estimate_log_partition
    from pymc_ebm.plots import (
        plot_autocorrelation,
        plot_basins,
        plot_energy,
        plot_energy_rank,
        plot_energy_trace,
        plot_ladder,
        plot_lattice,
        plot_sweep,
        plot_transitions,
    )
    from pymc_ebm.transforms import recover, relax, sandwich, temper, untemper

__version__ = "0.1.0"

__all__ = [
    "RBM",
    "BlockGibbs",
    "Boltzmann",
    "ChromaticGibbs",
    "DiscreteLangevin",
    "ErgodicityReport",
    "ExchangeMH",
    "GibbsWithGradients",
    "Graph",
    "Hopfield",
    "Ising",
    "LogPartitionTable",
    "MarkovRandomField",
    "Metropolis",
    "MissingPartitionError",
    "ParallelTempering",
    "Potts",
    "RelaxedNUTS",
    "SteinTest",
    "SwendsenWang",
    "Wolff",
    "energies",
    "energy_potential",
    "ergodicity",
    "estimate_log_partition",
    "log_partition",
    "observables",
    "plot_autocorrelation",
    "plot_basins",
    "plot_energy",
    "plot_energy_rank",
    "plot_energy_trace",
    "plot_ladder",
    "plot_lattice",
    "plot_sweep",
    "plot_transitions",
    "recommend",
    "recover",
    "relax",
    "sandwich",
    "simulate",
    "stein_test",
    "temper",
    "untemper",
]


def __getattr__(name: str) -> Any:
    """Load at first use what needs ArviZ's statistics, which take a second to import."""
    if name in ("ErgodicityReport", "SteinTest", "ergodicity", "stein_test"):
        from pymc_ebm import diagnostics

        return getattr(diagnostics, name)
    if name in ("LogPartitionTable", "estimate_log_partition"):
        from pymc_ebm import estimation

        return getattr(estimation, name)
    if name in ("recover", "relax", "sandwich", "temper", "untemper"):
        from pymc_ebm import transforms

        return getattr(transforms, name)
    if name.startswith("plot_") and name in __all__:
        from pymc_ebm import plots

        return getattr(plots, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
