"""Dense associative memory: the energy by hand, the sphere, and its random variable."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from scipy.integrate import quad
from scipy.special import logsumexp

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.energies import DenseAssociativeMemory

RNG = np.random.default_rng(20261129)
SPINS = RNG.choice([-1.0, 1.0], (3, 8))


@pytest.mark.parametrize("order", [2, 3, 5])
@pytest.mark.parametrize("rectified", [False, True])
def test_the_energy_by_hand(order, rectified):
    x = RNG.choice([-1.0, 1.0], (6, 8))
    u = x @ SPINS.T / 8
    u = np.maximum(u, 0) if rectified else u
    energy = DenseAssociativeMemory(SPINS, order, rectified=rectified)
    np.testing.assert_allclose(energy(x).eval(mode=PY), -8 / order * (u**order).sum(1), atol=1e-12)


def test_the_exponential_energy_by_hand():
    x = RNG.choice([-1.0, 1.0], (6, 8))
    energy = DenseAssociativeMemory(SPINS, "exponential", sharpness=0.7)
    expected = -logsumexp(0.7 * x @ SPINS.T, axis=1) / 0.7
    np.testing.assert_allclose(energy(x).eval(mode=PY), expected, atol=1e-12)


def test_on_the_sphere_the_direction_counts_and_the_length_is_confined():
    energy = DenseAssociativeMemory(RNG.normal(size=(3, 5)), 4, sphere=True)
    x = RNG.normal(size=5)
    one, two = energy(np.stack([x, 2 * x])).eval(mode=PY)
    assert two - one == pytest.approx(1.5 * x @ x, rel=1e-12)
    lengths = np.linalg.norm(energy.memories.eval(mode=PY), axis=1)
    np.testing.assert_allclose(lengths, np.sqrt(5))


def test_directions_have_the_distribution_on_the_sphere():
    # two dimensions: the angle's density is exp(−β E) on the circle; log Z = that integral
    # times ∫ r exp(−β r²/2) dr = 1/β
    beta, energy = 1.5, DenseAssociativeMemory([[1.0, 0.2], [-0.5, 1.0]], 4, sphere=True)
    x = pt.vector("x")
    value = pytensor.function([x], energy(x), mode=PY)

    def on_circle(angle):
        at = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])
        return np.exp(-beta * (value(at) - 1.0))  # ½ |x|² = 1 there

    circle, _ = quad(on_circle, 0, 2 * np.pi)
    found = ebm.estimate_log_partition(energy, beta=beta, random_seed=1, progressbar=False)
    # four standard errors: a false alarm in 16 000
    assert abs(float(found.log_z) - np.log(circle / beta)) < 4 * float(found.log_z_se)


def test_spins_are_drawn_by_enumeration_in_forward_draws():
    with pm.Model():
        s = ebm.DenseAssociativeMemory("s", SPINS, order=3, beta=1.5)
    draws = pm.draw(s, 20_000, random_seed=1)
    every = 1 - 2 * ((np.arange(256)[:, None] >> np.arange(8)) & 1)
    logs = 1.5 * 8 / 3 * ((every @ SPINS.T / 8) ** 3).sum(axis=1)
    p = np.exp(logs - logsumexp(logs))
    mean = p @ every
    z = (draws.mean(axis=0) - mean) / np.sqrt((1 - mean**2) / len(draws))
    assert np.abs(z).max() < 4.5  # a false alarm in 18 000


def test_it_is_put_back_as_it_was():
    for settings in ({"order": 4}, {"order": "exponential", "sharpness": 0.5}):
        energy = DenseAssociativeMemory(SPINS, **settings)
        numbers = {k: v.eval(mode=PY) for k, v in energy.parameters.items()}
        back = DenseAssociativeMemory.from_settings(numbers, energy.settings())
        np.testing.assert_allclose(back(SPINS).eval(mode=PY), energy(SPINS).eval(mode=PY))


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((SPINS, 1), {}, "whole number from 2 on"),
        ((SPINS, 2.5), {}, "whole number from 2 on"),
        ((SPINS, "cubic"), {}, "'exponential'"),
        ((2 * SPINS,), {}, r"patterns\[0, 0\] = -?2"),
        (([[0.0, 0.0], [1.0, 0.0]],), {"sphere": True}, "pattern 0 is zero"),
        ((SPINS, "exponential"), {"sharpness": 0.0}, "sharpness must be positive"),
        ((SPINS[0],), {}, "expected a matrix"),
    ],
)
def test_bad_input(arguments, settings, message):
    with pytest.raises(ValueError, match=message):
        DenseAssociativeMemory(*arguments, **settings)
