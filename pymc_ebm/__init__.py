"""Energy-based models in PyMC."""

from pymc_ebm import energies
from pymc_ebm.boltzmann import Boltzmann
from pymc_ebm.diagnostics import ErgodicityReport, ergodicity
from pymc_ebm.errors import MissingPartitionError
from pymc_ebm.graphs import Graph
from pymc_ebm.ising import Ising
from pymc_ebm.potentials import energy_potential
from pymc_ebm.step_methods import ChromaticGibbs
from pymc_ebm.thermo import observables

__version__ = "0.1.0"

__all__ = [
    "Boltzmann",
    "ChromaticGibbs",
    "ErgodicityReport",
    "Graph",
    "Ising",
    "MissingPartitionError",
    "energies",
    "energy_potential",
    "ergodicity",
    "observables",
]
