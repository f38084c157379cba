"""Energies E(x; θ) as PyTensor graphs, one family a file."""

from pymc_ebm.energies.blume_capel import BlumeCapel
from pymc_ebm.energies.boltzmann_machine import BoltzmannMachine
from pymc_ebm.energies.clock import Clock
from pymc_ebm.energies.continuous_hopfield import ContinuousHopfield
from pymc_ebm.energies.custom import Custom
from pymc_ebm.energies.deep_boltzmann_machine import DeepBoltzmannMachine
from pymc_ebm.energies.dense_associative_memory import DenseAssociativeMemory
from pymc_ebm.energies.double_well import DoubleWell
from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.energy_attention import EnergyAttention
from pymc_ebm.energies.gaussian import Gaussian
from pymc_ebm.energies.gaussian_mixture import GaussianMixture
from pymc_ebm.energies.gaussian_rbm import GaussianRBM
from pymc_ebm.energies.hopfield import Hopfield
from pymc_ebm.energies.ising import Ising
from pymc_ebm.energies.markov_random_field import MarkovRandomField
from pymc_ebm.energies.mlp import MLP
from pymc_ebm.energies.modern_hopfield import ModernHopfield
from pymc_ebm.energies.ordinal import Ordinal
from pymc_ebm.energies.potts import Potts
from pymc_ebm.energies.potts_rbm import PottsRBM
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.energies.ring import Ring
from pymc_ebm.energies.spin_rbm import SpinRBM

__all__ = [
    "MLP",
    "RBM",
    "BlumeCapel",
    "BoltzmannMachine",
    "Clock",
    "ContinuousHopfield",
    "Custom",
    "DeepBoltzmannMachine",
    "DenseAssociativeMemory",
    "DoubleWell",
    "Energy",
    "EnergyAttention",
    "Gaussian",
    "GaussianMixture",
    "GaussianRBM",
    "Hopfield",
    "Ising",
    "MarkovRandomField",
    "ModernHopfield",
    "Ordinal",
    "Potts",
    "PottsRBM",
    "Ring",
    "SpinRBM",
]
