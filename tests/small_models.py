"""Models small enough to sum over: one of each kind that can be relaxed."""

from __future__ import annotations

from itertools import product

import numpy as np
import pymc as pm
import pytensor.tensor as pt

import pymc_ebm as ebm

from tests.oracles import all_spins

GRAPHS = {n: ebm.Graph.complete(n) for n in (3, 4, 5)}
SPARSE = ebm.Graph.from_edges([(0, 1), (1, 2), (2, 3), (3, 0), (0, 4)])
RNG = np.random.default_rng(7)
DATA = RNG.normal(size=6).round(1)
COUNTS = RNG.poisson(2.0, size=6)
PATTERNS = RNG.choice([-1.0, 1.0], size=(2, 5))
WEIGHTS = RNG.normal(size=(4, 2)).round(2)


def all_states(n: int, states: tuple[int, ...]) -> np.ndarray:
    """Return every configuration, shape (q**n, n)."""
    return np.array(list(product(states, repeat=n))).reshape(len(states) ** n, n).astype(int)


def summed(states: np.ndarray):
    """Return log Z as a sum over configurations, as `log_partition` takes it."""
    return lambda energy: pt.logsumexp(-energy(pt.constant(states)))


def lattice_with_noise():
    """Declare a periodic lattice observed through normal noise of unknown width, some sites twice."""
    s = ebm.Ising("s", J=0.35, h=0.1, graph=ebm.Graph.square(3, 3))
    sigma = pm.HalfNormal("sigma")
    pm.Normal("y", mu=s, sigma=sigma, observed=np.resize(DATA, (3, 3)))
    pm.Normal("again", mu=0.5 * s[0], sigma=2 * sigma, observed=DATA[:3])


def glass_with_flips():
    """Declare frustrated known couplings, random fields and temperature, a Bernoulli child."""
    h = pm.Normal("h", shape=5)
    beta = pm.Uniform("beta", 0.2, 2.0)
    J = np.array([0.5, -0.8, 0.3, 1.1, -0.4])
    s = ebm.Ising("s", J=J, h=h, beta=beta, graph=SPARSE, log_partition=summed(all_spins(5)))
    flip = pm.Beta("flip", 2, 3)
    pm.Bernoulli("y", p=pt.where(s > 0, 1 - flip, flip), observed=DATA[:5] > 0)


def random_couplings():
    """Declare couplings of unknown sign."""
    J = pm.Normal("J", 0, 0.5, shape=6)
    s = ebm.Ising("s", J=J, graph=GRAPHS[4], log_partition=summed(all_spins(4)))
    pm.Normal("y", mu=s, sigma=1.0, observed=DATA[:4])


def machine_with_counts():
    """Declare units in {0, 1}; Poisson counts of unknown rates; a real child that is not observed."""
    energy = ebm.energies.BoltzmannMachine(
        [0.5, -0.8, 0.3, 1.1, -0.4], [0.2, -0.1, 0.4, 0.0, -0.6], graph=SPARSE
    )
    v = ebm.Boltzmann("v", energy, beta=1.3)
    rate = pm.Gamma("rate", 2.0, 1.0)
    pm.Poisson("y", mu=rate * (1 + v), observed=COUNTS[:5])
    x = pm.TruncatedNormal("x", mu=v, sigma=1.0, lower=-1.0, upper=3.0, shape=5)
    pm.Normal("seen", mu=x**2, sigma=1.0, observed=DATA[:5])


def certain_evidence():
    """Declare data that some values of the spins make impossible."""
    s = ebm.Ising("s", J=0.7, graph=GRAPHS[3])
    p = pm.Beta("p", 1, 1)
    pm.Bernoulli("y", p=pt.where(s > 0, 1.0, p), observed=[0, 1, 1])


def three_states():
    """Declare Potts states with fields of their own, means looked up by state, unknown coupling."""
    J = pm.Normal("J", 0.3, 0.5)
    s = ebm.Potts(
        "s", J, np.arange(12).reshape(2, 2, 3) / 10, q=3, graph=ebm.Graph.square(2, 2, periodic=False),
        log_partition=summed(all_states(4, (0, 1, 2)).reshape(-1, 2, 2)),
    )  # fmt: skip
    mu = pm.Normal("mu", shape=3)
    pm.Normal("y", mu=mu[s], sigma=1.0, observed=DATA[:4].reshape(2, 2))


def repelling_states():
    """Declare antiferromagnetic Potts states, known couplings."""
    s = ebm.Potts("s", np.array([-0.7, 0.4, 0.6]), q=4, graph=GRAPHS[3], beta=1.5)
    pm.Poisson("y", mu=1.0 + s, observed=COUNTS[:3])


def two_states():
    """Declare Potts states that are 0 and 1, one of them in a field."""
    s = ebm.Potts("s", 0.8, [0.3, 0.0], q=2, graph=GRAPHS[3], beta=0.7)
    mu = pm.Normal("mu", shape=2)
    pm.Normal("y", mu=mu[s], sigma=1.0, observed=DATA[:3])


def spin_one():
    """Declare Blume–Capel spins in {-1, 0, 1}."""
    energy = ebm.energies.BlumeCapel(0.6, 0.2, 0.1, graph=ebm.Graph.complete(4))
    s = ebm.Boltzmann("s", energy)
    pm.Normal("y", mu=s, sigma=pm.HalfNormal("sigma"), observed=DATA[:4])


def memory():
    """Declare a Hopfield network at an unknown temperature."""
    beta = pm.Uniform("beta", 0.4, 3.0)
    s = ebm.Hopfield("s", PATTERNS, 0.1, beta=beta, log_partition=summed(all_spins(5)))
    pm.Normal("y", mu=s, sigma=1.0, observed=DATA[:5])


def restricted_machine():
    """Declare an RBM whose visible units are observed with errors."""
    v = ebm.RBM("v", WEIGHTS, [0.1, -0.2, 0.3, 0.0], [0.5, -0.5])
    flip = pm.Beta("flip", 2, 3)
    pm.Bernoulli("y", p=pt.where(v > 0, 1 - flip, flip), observed=DATA[:4] > 0)


def random_weights():
    """Declare an RBM with unknown weights at a temperature."""
    W = pm.Normal("W", shape=(3, 2))
    v = ebm.RBM("v", W, 0.3, [0.5, -0.5], beta=0.8, log_partition=summed(all_states(3, (0, 1))))
    pm.Normal("y", mu=v, sigma=1.0, observed=DATA[:3])


def batch():
    """Declare two independent copies that share a field."""
    h = pm.Normal("h")
    ebm.Ising("s", J=0.4, h=h, graph=GRAPHS[3], shape=(2, 3), log_partition=summed(all_spins(3)))
    pm.Normal("y", mu=h, sigma=1.0, observed=DATA)


MODELS = {
    lattice_with_noise: ("fourier", "edges", "modes"),
    glass_with_flips: ("edges", "modes"),
    random_couplings: ("edges",),
    machine_with_counts: ("edges", "modes"),
    certain_evidence: ("modes",),
    three_states: ("edges",),
    repelling_states: ("edges", "modes"),
    two_states: ("edges", "modes"),
    spin_one: ("edges", "modes"),
    memory: ("patterns", "edges"),
    restricted_machine: ("edges", "modes"),
    random_weights: ("edges",),
    batch: ("modes",),
}


def build(declare) -> pm.Model:
    """Return the model of one of the functions above."""
    with pm.Model() as model:
        declare()
    return model
