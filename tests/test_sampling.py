"""Real-valued energies through pm.sample, against exact draws and a hand-written potential."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

import pymc_ebm as ebm

from tests.oracles import boltzmann
from tests.statistics import bonferroni_limit, z_scores

ENERGIES = {
    "ring": (ebm.energies.Ring(2.0, 0.2), 2),
    "mixture": (ebm.energies.GaussianMixture([[-1.0] * 3, [1.0] * 3], [0.5, 1.0]), 3),
    "mlp": (ebm.energies.MLP.random((4, 8, 8, 1), random_seed=1), 4),
}


@pytest.mark.parametrize("name", ENERGIES)
def test_the_compiled_gradient_is_that_of_a_hand_written_potential(name):
    """Same value, and no more operations: nothing of the random variable is left in the graph."""
    energy, d = ENERGIES[name]
    with pm.Model() as ours:
        ebm.Boltzmann("x", energy, shape=d)
    with pm.Model() as by_hand:
        x = pm.Flat("x", shape=d)
        pm.Potential("p", -energy(x))
    point = np.random.default_rng(0).normal(size=d)
    functions = [
        m.logp_dlogp_function(ravel_inputs=True)._pytensor_function for m in (ours, by_hand)
    ]
    (value, gradient), (expected, expected_gradient) = (f(point) for f in functions)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-10)
    sizes = [len(f.maker.fgraph.apply_nodes) for f in functions]
    assert sizes[0] <= sizes[1]


def test_nuts_on_a_ring_and_a_coupled_pair():
    """nutpie, no step of ours: moments against closed forms, false alarm 1 % over all of them."""
    with pm.Model() as model:
        ebm.Boltzmann("x", ebm.energies.Ring(2.0, 0.3), shape=2)
        a = pm.Normal("a")
        ebm.energy_potential("pull", (a - 1.0) ** 2, beta=0.5)  # N(0, 1) × N(1, 1) = N(½, ½)
        idata = pm.sample(2000, tune=1000, chains=4, random_seed=1, quiet=True,
                          target_accept=0.95)  # fmt: skip
    posterior = idata["posterior"]
    r = np.linspace(0.001, 5, 20_001)
    p = boltzmann((r - 2) ** 2 / (2 * 0.09) - np.log(r))
    norm = np.linalg.norm(posterior["x"].values, axis=-1)
    a = posterior["a"].values
    values = np.stack([norm, norm**2, a, a**2], axis=-1)
    z = z_scores(values, np.array([p @ r, p @ r**2, 0.5, 0.75]))
    assert np.abs(z).max() < bonferroni_limit(4)
    report = ebm.ergodicity(idata, model, quiet=True)
    assert {"x_energy", "x_norm", "pull_energy", "a", "Hamiltonian energy"} <= set(
        report.table["quantity"]
    )


def test_energies_keep_working_without_numba():
    """The graphs are plain PyTensor: the Python linker gives the same numbers."""
    x = pt.vector("x", shape=(2,))
    energy = ebm.energies.Ring(2.0, 0.2)(x)
    point = np.array([1.0, 2.0])
    values = [
        pytensor.function([x], energy, mode=mode)(point) for mode in ("NUMBA", "FAST_COMPILE")
    ]
    np.testing.assert_allclose(*values)
