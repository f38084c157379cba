"""Walks downhill: never up, to the right place, and said so."""

import numpy as np
import pytest

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.energies import DenseAssociativeMemory, Hopfield, ModernHopfield

RNG = np.random.default_rng(20261127)
N = 40
SPINS = RNG.choice([-1.0, 1.0], (3, N))
POINTS = RNG.normal(size=(4, 6))
SPHERE = RNG.normal(size=(4, 6))

NETWORKS = {
    "Hebb": Hopfield(SPINS, b=0.01 * RNG.normal(size=N)),
    "Storkey": Hopfield(SPINS, rule=ebm.Storkey()),
    "pseudo-inverse": Hopfield(SPINS, rule=ebm.PseudoInverse()),
    "cubic": DenseAssociativeMemory(SPINS, 3),
    "quartic, rectified": DenseAssociativeMemory(SPINS, 4, rectified=True),
    "exponential": DenseAssociativeMemory(SPINS, "exponential", sharpness=0.2),
    "modern": ModernHopfield(POINTS, beta=2.0),
    "modern, weighted": ModernHopfield(POINTS, 2.0, weights=[0.1, 0.2, 0.3, 0.4]),
    "sphere, quartic": DenseAssociativeMemory(SPHERE, 4, sphere=True),
    "sphere, exponential": DenseAssociativeMemory(SPHERE, "exponential", sphere=True),
}


def random_cues(network, count=30):
    (n,) = network.event_shape
    if network.states is None:
        return RNG.normal(size=(count, n))
    return RNG.choice([-1.0, 1.0], (count, n))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_energy_never_rises_and_is_that_of_the_graph(name):
    network = NETWORKS[name]
    cues = random_cues(network)
    cues[::3, 1] = np.nan
    found = network.retrieve(cues, steps=2000, random_seed=1)
    scale = np.abs(found.energies.values).max()
    assert np.diff(found.energies.values, axis=1).max() <= 1e-10 * scale
    assert np.ptp(found.energies.values, axis=1).max() > 0  # they did move
    assert found.converged.all()
    by_graph = network(found.state.values).eval(mode=PY)
    np.testing.assert_allclose(found.energy, by_graph, atol=1e-9 * scale)


def test_a_walk_that_goes_uphill_would_be_seen(monkeypatch):
    def uphill(self, states, free, update, rng, numbers):
        return -states

    monkeypatch.setattr(Hopfield, "_advance", uphill)
    network = Hopfield(SPINS, b=0.2)
    found = network.retrieve(random_cues(network), steps=3)
    assert np.diff(found.energies.values, axis=1).max() > 0
    assert not found.converged.any()


@pytest.mark.parametrize("name", [k for k, v in NETWORKS.items() if v.states is not None])
def test_states_that_stand_still_are_minima_of_single_flips(name):
    network = NETWORKS[name]
    states = network.retrieve(random_cues(network, 5), random_seed=2).state.values
    energy = network(states).eval(mode=PY)
    flipped = states[:, None, :] * (1 - 2 * np.eye(N))
    assert (network(flipped).eval(mode=PY) >= energy[:, None] - 1e-9).all()


@pytest.mark.parametrize("name", [k for k, v in NETWORKS.items() if v.states is not None])
def test_noisy_memories_with_gaps_are_found(name):
    network = NETWORKS[name]
    cues = SPINS.copy()
    cues[:, :4] *= -1
    cues[:, -6:] = np.nan
    found = network.retrieve(cues, random_seed=3)
    np.testing.assert_array_equal(found.memory, [0, 1, 2])
    assert not found.mixture.any()
    assert (found.overlap.values[[0, 1, 2], [0, 1, 2]] >= 0.9).all()


def test_masked_cues_are_cues_with_gaps():
    network = NETWORKS["Hebb"]
    masked = np.ma.masked_array(SPINS[0].astype(int), np.arange(N) < 5)
    gaps = np.where(np.arange(N) < 5, np.nan, SPINS[0])
    first, second = (network.retrieve(cue, random_seed=1) for cue in (masked, gaps))
    assert first.identical(second)
    assert first.state.dims == ("entry",)


def test_known_entries_stay_where_they_are_clamped():
    network, cue = NETWORKS["Hebb"], SPINS[0].copy()
    cue[:5] *= -1
    cue[10:] = np.nan
    held = network.retrieve(cue, clamp=True, random_seed=1)
    np.testing.assert_array_equal(held.state[:10], cue[:10])
    assert np.abs(held.state).min() == 1
    real = np.where(np.arange(6) < 2, POINTS[0], np.nan)
    found = NETWORKS["modern"].retrieve(real, clamp=True)
    np.testing.assert_array_equal(found.state[:2], POINTS[0, :2])


def test_a_mixture_of_three_is_called_one():
    patterns = RNG.choice([-1.0, 1.0], (3, 400))
    network = Hopfield(patterns)
    found = network.retrieve(np.sign(patterns.sum(axis=0)), random_seed=1)
    assert int(found.memory) == -1
    assert bool(found.mixture)
    assert np.all(np.abs(found.overlap - 0.5) < 0.15)


def test_the_reverse_of_a_memory_is_found_as_it():
    found = NETWORKS["Hebb"].retrieve(-SPINS[1], random_seed=1)
    assert int(found.memory) == 1
    assert float(found.overlap[1]) < -0.9


def test_synchronous_steps_are_signs_of_fields():
    network = Hopfield(SPINS)
    cues = random_cues(network, 4)
    once = network.retrieve(cues, steps=1, update="synchronous", random_seed=1)
    W = ebm.Hebb().weights(SPINS)
    np.testing.assert_array_equal(once.state, np.sign(cues @ W))
    assert once.attrs["update"] == "synchronous"


def test_a_neutral_state_stays():
    # two patterns of four spins: [1, -1, 1, -1] has no field in the network of their sum
    network = Hopfield([[1, 1, -1, -1], [1, -1, -1, 1]])
    field = ebm.Hebb().weights(np.array([[1.0, 1, -1, -1], [1, -1, -1, 1]])) @ [1.0, -1, 1, -1]
    found = network.retrieve([1, -1, 1, -1], random_seed=1)
    assert np.array_equal(found.state, [1, -1, 1, -1]) == (not field.any())


def test_columns_and_weights_walk_the_same_way():
    W = ebm.Hebb().weights(SPINS)
    cues = random_cues(NETWORKS["Hebb"])
    first = Hopfield(SPINS).retrieve(cues, random_seed=5)
    second = Hopfield(SPINS, weights=W).retrieve(cues, random_seed=5)
    np.testing.assert_array_equal(first.state, second.state)
    np.testing.assert_allclose(first.energies, second.energies, atol=1e-12)


def test_order_two_is_the_hopfield_network():
    cues = random_cues(NETWORKS["Hebb"], 6)
    pair, dense = Hopfield(SPINS), DenseAssociativeMemory(SPINS, 2)
    diagonal = len(SPINS) / 2  # which the Hopfield energy leaves out
    np.testing.assert_allclose(
        dense(cues).eval(mode=PY), pair(cues).eval(mode=PY) - diagonal, atol=1e-12
    )
    first, second = (e.retrieve(cues, random_seed=3).state for e in (pair, dense))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("name", "cue", "settings", "message"),
    [
        ("Hebb", np.ones(3), {}, "a cue has 40 entries"),
        ("Hebb", np.full(N, np.nan), {}, "cue 0 is all gaps"),
        ("Hebb", np.zeros(N), {}, r"cue\[0, 0\] = 0; spins are"),
        ("modern", np.full(6, np.inf), {}, "infinite"),
        ("Hebb", np.ones(N), {"update": "random"}, "none of asynchronous, synchronous"),
        ("Hebb", np.ones(N), {"steps": 0}, "steps must be 1 or more"),
    ],
)
def test_bad_cues(name, cue, settings, message):
    with pytest.raises(ValueError, match=message):
        NETWORKS[name].retrieve(cue, **settings)


def test_symbolic_parameters_are_refused():
    import pytensor.tensor as pt

    network = ModernHopfield(POINTS, beta=pt.scalar("beta"))
    with pytest.raises(ValueError, match="beta is symbolic; retrieve needs numbers"):
        network.retrieve(np.ones(6))


def test_odd_powers_on_the_sphere_are_refused():
    with pytest.raises(ValueError, match="not convex"):
        DenseAssociativeMemory(SPHERE, 3, sphere=True).retrieve(np.ones(6))
