"""Small energies and data to learn from."""

from __future__ import annotations

import numpy as np
import pytensor

from pymc_ebm import Graph, energies
from pymc_ebm.dependence import PY
from tests.families import configurations

RNG = np.random.default_rng(20261126)
GRAPH = Graph.from_edges([(0, 1), (1, 2), (0, 2), (2, 3)])
W, B, C = RNG.normal(0, 0.8, (4, 2)), RNG.normal(0, 0.5, 4), RNG.normal(0, 0.5, 2)

DISCRETE = {
    "RBM": energies.RBM(W, B, C),
    "Ising": energies.Ising(RNG.normal(0, 0.6, 4), RNG.normal(0, 0.4, 4), graph=GRAPH),
    "hidden vertex": energies.MarkovRandomField(
        RNG.normal(0, 0.7, (4, 3, 3)), RNG.normal(0, 0.4, (4, 3)), graph=GRAPH,
        n_states=[2, 3, 2, 3], hidden=[2],
    ),
}  # fmt: skip
DISCRETE["spins"] = energies.SpinRBM(W, B, C)
DISCRETE["labels"] = energies.PottsRBM(RNG.normal(0, 0.7, (3, 3, 2)), RNG.normal(0, 0.4, (3, 3)), C)


def _levels():
    strength, slope = (pytensor.shared(v, name=n) for v, n in ((0.3, "strength"), (-0.4, "slope")))
    return energies.Custom(
        lambda x: strength * (x[..., 1] - x[..., 0]) ** 2 + slope * x[..., 2] * x[..., 0],
        (3,), support="categorical", n_states=3,
    )  # fmt: skip


DISCRETE["levels"] = _levels()
REAL = {
    "Gaussian": energies.Gaussian([0.5, -1.0], [1.5, 0.7]),
    "precision": energies.Gaussian([0.5, -1.0], precision=[[2.0, 0.6], [0.6, 1.0]]),
    "mixture": energies.GaussianMixture([[-1.5, 0.0], [1.5, 1.0]], [0.8, 1.1], [0.3, 0.7]),
    "GaussianRBM": energies.GaussianRBM([[1.5, -0.5], [0.3, 1.2]], [0.2, -0.1], [0.4, -0.6], 0.8),
}
ALL = {**DISCRETE, **REAL}


def probabilities(energy):
    """Return all configurations and their probabilities."""
    values = configurations(energy)
    value = energy(values).eval(mode=PY)
    weights = np.exp(value.min() - value)
    return values, weights / weights.sum()


def draws(energy, size, seed):
    """Draw independent rows, exactly."""
    rng = np.random.default_rng(seed)
    if energy.states is not None:
        values, p = probabilities(energy)
        return values[rng.choice(len(p), size, p=p)]
    numbers = {k: np.asarray(v.eval(mode=PY)) for k, v in energy.parameters.items()}
    return energy.exact_draws(rng, size, energy.event_shape, 1.0, **numbers)


def deep():
    """Return a deep Boltzmann machine of 4, 4 and 4 units."""
    rng = np.random.default_rng(8)
    return energies.DeepBoltzmannMachine(
        [rng.normal(0, 0.7, (4, 4)), rng.normal(0, 0.7, (4, 4))],
        [rng.normal(0, 0.4, 4) for _ in range(3)],
    )
