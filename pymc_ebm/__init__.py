"""Energy-based models in PyMC."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pymc_ebm import energies
from pymc_ebm.energies.learning_rules import Hebb, Perceptron, PseudoInverse, Storkey
from pymc_ebm.errors import MissingPartitionError
from pymc_ebm.forward.simulate import simulate
from pymc_ebm.graphs import Graph
from pymc_ebm.log_z.exact import log_partition
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
from pymc_ebm.variables.boltzmann import Boltzmann
from pymc_ebm.variables.dense_associative_memory import DenseAssociativeMemory
from pymc_ebm.variables.gaussian_rbm import GaussianRBM
from pymc_ebm.variables.hopfield import Hopfield
from pymc_ebm.variables.ising import Ising
from pymc_ebm.variables.markov_random_field import MarkovRandomField
from pymc_ebm.variables.modern_hopfield import ModernHopfield
from pymc_ebm.variables.potential import energy_potential
from pymc_ebm.variables.potts import Potts
from pymc_ebm.variables.rbm import RBM

if TYPE_CHECKING:
    from pymc_ebm.diagnostics import ErgodicityReport, SteinTest, ergodicity, stein_test
    from pymc_ebm.learn import (
        CD,
        PCD,
        DenoisingScoreMatching,
        FitResult,
        MaximumLikelihood,
        NoiseContrastive,
        PseudoLikelihood,
        RatioMatching,
        ScoreMatching,
        TemperedPCD,
        fit,
        load,
        score,
        two_sample,
    )
    from pymc_ebm.log_z.estimated import LogPartitionTable, estimate_log_partition
    from pymc_ebm.log_z.sandwich import sandwich
    from pymc_ebm.log_z.site_log_likelihood import compute_site_log_likelihood
    from pymc_ebm.memory.basin import basin
    from pymc_ebm.memory.capacity import capacity
    from pymc_ebm.memory.replica_theory import replica_capacity, replica_overlap
    from pymc_ebm.plots import (
        plot_autocorrelation,
        plot_basins,
        plot_energy,
        plot_energy_rank,
        plot_energy_trace,
        plot_fantasies,
        plot_filters,
        plot_free_energy,
        plot_ladder,
        plot_lattice,
        plot_learning,
        plot_reconstructions,
        plot_sweep,
        plot_transitions,
    )
    from pymc_ebm.relaxation.recover import recover
    from pymc_ebm.relaxation.relax import relax
    from pymc_ebm.tempering.temper import temper
    from pymc_ebm.tempering.untemper import untemper
    from pymc_ebm.thermo.observables import observables

__version__ = "0.1.0"

__all__ = [
    "CD",
    "PCD",
    "RBM",
    "BlockGibbs",
    "Boltzmann",
    "ChromaticGibbs",
    "DenoisingScoreMatching",
    "DenseAssociativeMemory",
    "DiscreteLangevin",
    "ErgodicityReport",
    "ExchangeMH",
    "FitResult",
    "GaussianRBM",
    "GibbsWithGradients",
    "Graph",
    "Hebb",
    "Hopfield",
    "Ising",
    "LogPartitionTable",
    "MarkovRandomField",
    "MaximumLikelihood",
    "Metropolis",
    "MissingPartitionError",
    "ModernHopfield",
    "NoiseContrastive",
    "ParallelTempering",
    "Perceptron",
    "Potts",
    "PseudoInverse",
    "PseudoLikelihood",
    "RatioMatching",
    "RelaxedNUTS",
    "ScoreMatching",
    "SteinTest",
    "Storkey",
    "SwendsenWang",
    "TemperedPCD",
    "Wolff",
    "basin",
    "capacity",
    "compute_site_log_likelihood",
    "energies",
    "energy_potential",
    "ergodicity",
    "estimate_log_partition",
    "fit",
    "load",
    "log_partition",
    "observables",
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
    "recommend",
    "recover",
    "relax",
    "replica_capacity",
    "replica_overlap",
    "sandwich",
    "score",
    "simulate",
    "stein_test",
    "temper",
    "two_sample",
    "untemper",
]


_LEARNING = (
    "CD", "PCD", "DenoisingScoreMatching", "FitResult", "MaximumLikelihood", "NoiseContrastive",
    "PseudoLikelihood", "RatioMatching", "ScoreMatching", "TemperedPCD", "fit", "load", "score",
    "two_sample",
)  # fmt: skip

# loaded at first use: these need ArviZ's statistics, which take a second to import
_LATER = {
    "ErgodicityReport": "diagnostics",
    "SteinTest": "diagnostics",
    "ergodicity": "diagnostics",
    "stein_test": "diagnostics",
    "LogPartitionTable": "log_z.estimated",
    "estimate_log_partition": "log_z.estimated",
    "sandwich": "log_z.sandwich",
    "compute_site_log_likelihood": "log_z.site_log_likelihood",
    **dict.fromkeys(("basin", "capacity", "replica_capacity", "replica_overlap"), "memory"),
    "observables": "thermo",
    "recover": "relaxation.recover",
    "relax": "relaxation.relax",
    "temper": "tempering.temper",
    "untemper": "tempering.untemper",
    **dict.fromkeys(_LEARNING, "learn"),
    **{name: "plots" for name in __all__ if name.startswith("plot_")},
}


def __getattr__(name: str) -> Any:
    """Load at first use what takes long to import."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
