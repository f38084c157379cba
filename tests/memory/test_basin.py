"""Basins: wide for few patterns, gone beyond capacity."""

import warnings

import numpy as np
import pytest

import pymc_ebm as ebm

RNG = np.random.default_rng(20261201)


def test_a_lone_pattern_is_found_from_half_way():
    # from anywhere nearer than to its reverse
    network = ebm.energies.Hopfield(RNG.choice([-1.0, 1.0], (1, 101)))
    levels = [0.0, 0.2, 0.4, 0.48, 0.52, 0.6]
    found = ebm.basin(network, 0, wrong=levels, trials=40, random_seed=1)
    np.testing.assert_array_equal(found.retrieved, [1, 1, 1, 1, 0, 0])
    assert 0.48 < float(found.radius) < 0.52
    assert 0 < float(found.radius_se) < 0.02


def test_many_patterns_have_small_basins():
    radii = []
    for m in (3, 20):
        patterns = RNG.choice([-1.0, 1.0], (m, 200))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = ebm.energies.Hopfield(patterns)
        radii.append(float(ebm.basin(network, 0, trials=60, random_seed=1).radius))
    assert radii[1] < radii[0] - 0.05


def test_real_memories_are_shaken():
    network = ebm.energies.ModernHopfield(RNG.normal(size=(5, 30)), beta=1.0)
    found = ebm.basin(network, 2, wrong=[0.0, 0.5, 1.0, 2.0, 8.0, 64.0], trials=60, random_seed=1)
    assert float(found.retrieved[0]) == 1
    assert float(found.retrieved[-1]) < 0.5
    assert 0.5 < float(found.radius) < 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"memory": 5}, "has 2 memories"),
        ({"memory": 0, "wrong": [0.2, 0.1]}, "must increase"),
        ({"memory": 0, "wrong": [0.2, 1.1]}, "shares of entries"),
        ({"memory": 0, "trials": 1}, "trials must be 2 or more"),
    ],
)
def test_bad_input(arguments, message):
    network = ebm.energies.Hopfield(RNG.choice([-1.0, 1.0], (2, 20)))
    with pytest.raises(ValueError, match=message):
        ebm.basin(network, **arguments)


def test_an_energy_without_memories_is_refused():
    with pytest.raises(TypeError, match="no network with memories"):
        ebm.basin(ebm.energies.Ring(), 0)
