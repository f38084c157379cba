"""Symmetries, basins and probes: what draws alone do not show."""

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import pymc_ebm as ebm

from pymc_ebm.diagnostics import occupancy, probe, symmetry
from pymc_ebm.diagnostics.finding import decide
from pymc_ebm.diagnostics.gather import gather

pytestmark = pytest.mark.usefixtures("interpreted")
MEANS = np.array([[-8.0, 0.0], [8.0, 0.0]])


def tree(**variables):
    data = {k: (("chain", "draw", *(f"{k}_{i}" for i in range(np.ndim(v) - 2))), v)
            for k, v in variables.items()}  # fmt: skip
    return xr.DataTree.from_dict({"posterior": xr.Dataset(data)})


def judged(check, model, **variables):
    evidence, _notes = gather(tree(**variables), model, probe=True)
    return {f.quantity: f for f in decide(check(evidence))}


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture(scope="module")
def torus():
    with pm.Model() as model:
        ebm.Ising("s", 0.3, graph=ebm.Graph.square(4, 4))
    return model


@pytest.fixture(scope="module")
def two_modes():
    with pm.Model() as model:
        energy = ebm.energies.GaussianMixture(MEANS, weights=[0.8, 0.2])
        ebm.Boltzmann("x", energy, shape=2)
    return model


def spins(rng, up=0.5, shape=(4, 4), draws=500):
    return np.where(rng.random((4, draws, *shape)) < up, 1, -1).astype(np.int8)


def test_the_symmetries_of_a_torus_are_found(torus, rng):
    found = judged(symmetry.check, torus, s=spins(rng))
    assert set(found) == {"s: flip", "s: shift along axis 0", "s: shift along axis 1"}
    assert all(f.verdict == "pass" for f in found.values())
    assert "chains crossed" in found["s: flip"].meaning


def test_a_sample_of_one_phase_lacks_the_flip(torus, rng):
    found = judged(symmetry.check, torus, s=spins(rng, up=0.95))
    assert found["s: flip"].verdict == "fail"
    assert "crossed 0 to" in found["s: flip"].meaning
    assert found["s: shift along axis 0"].verdict == "pass"


def test_a_striped_sample_lacks_the_shift(torus, rng):
    stripes = spins(rng)
    stripes[..., 0, :] = np.where(rng.random(stripes[..., 0, :].shape) < 0.9, 1, -1)
    found = judged(symmetry.check, torus, s=stripes)
    assert found["s: shift along axis 0"].verdict == "fail"
    assert found["s: shift along axis 1"].verdict == "pass"


def test_a_field_breaks_the_flip_and_disorder_the_shift(rng):
    graph = ebm.Graph.square(4, 4)
    with pm.Model() as model:
        ebm.Ising("s", rng.normal(size=graph.n_edges), 0.1, graph=graph)
    assert judged(symmetry.check, model, s=spins(rng)) == {}


def test_components_flip_by_themselves(rng):
    graph = ebm.Graph.from_edges([(0, 1), (2, 3)])
    with pm.Model() as model:
        ebm.Ising("s", 0.5, graph=graph)
    found = judged(symmetry.check, model, s=spins(rng, shape=(4,)))
    assert {"s: flip", "s: flip of component 0", "s: flip of component 1"} <= set(found)


@pytest.mark.parametrize("count", [2, 4])
def test_patterns_of_a_hopfield_network_may_be_exchanged(count, rng):
    """Two patterns always; four if the product of three of them is the fourth."""
    patterns = rng.choice([-1, 1], size=(count, 40))
    if count == 4:
        patterns[3] = patterns[0] * patterns[1] * patterns[2]
    with pm.Model() as model:
        ebm.Hopfield("s", patterns, beta=3.0)
    noise = np.where(rng.random((4, 400, 40)) < 0.05, -1, 1)
    signs = rng.choice([-1, 1], size=(4, 400, 1))
    everywhere = patterns[rng.integers(count, size=(4, 400))] * noise * signs
    found = judged(symmetry.check, model, s=everywhere)
    exchanges = {name for name in found if "minima" in name}
    assert exchanges
    assert all(found[name].verdict == "pass" for name in exchanges)
    one = patterns[0] * noise * signs  # the flip is there, the other patterns are not
    found = judged(symmetry.check, model, s=one)
    assert found["s: flip"].verdict == "pass"
    assert any(found[name].verdict == "fail" for name in exchanges)


def test_patterns_that_cannot_be_exchanged_are_not(rng):
    with pm.Model() as model:
        ebm.Hopfield("s", rng.choice([-1, 1], size=(3, 40)), beta=3.0)
    found = judged(symmetry.check, model, s=spins(rng, shape=(40,)))
    assert not any("minima" in name for name in found)


def test_labels_of_a_mixture_may_be_exchanged(rng):
    """Means and scales of two components together, neither alone."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 3, shape=2)
        sigma = pm.HalfNormal("sigma", 1, shape=2)
        parts = pm.Normal.dist(mu, sigma, shape=2)
        pm.Mixture("y", w=[0.5, 0.5], comp_dists=parts, observed=rng.normal(size=10))
    swapped = rng.random((4, 500, 1)) < 0.5
    mean = np.where(swapped, [1.0, -1.0], [-1.0, 1.0]) + 0.1 * rng.normal(size=(4, 500, 2))
    scale = np.where(swapped, [1.0, 2.0], [2.0, 1.0]) * np.exp(0.1 * rng.normal(size=(4, 500, 2)))
    [(name, finding)] = judged(symmetry.check, model, mu=mean, sigma=scale).items()
    assert name == "mu, sigma: slices 0 ↔ 1"
    assert finding.verdict == "pass"
    stuck = judged(symmetry.check, model, mu=np.sort(mean), sigma=scale)
    assert stuck[name].verdict == "fail"


def test_hidden_units_of_a_network_may_be_exchanged(rng):
    with pm.Model() as model:
        weights = pm.Normal("W", 0, 1, shape=(3, 2))
        outer = pm.Normal("v", 0, 1, shape=2)
        x = rng.normal(size=(20, 3))
        pm.Normal("y", pm.math.tanh(x @ weights) @ outer, 1, observed=rng.normal(size=20))
    found = judged(
        symmetry.check, model, W=rng.normal(size=(4, 300, 3, 2)), v=rng.normal(size=(4, 300, 2))
    )
    assert "W, v: slices 0 ↔ 1" in found


def test_states_of_a_potts_variable_may_be_exchanged(rng):
    with pm.Model() as model:
        ebm.Potts("s", 0.3, q=3, graph=ebm.Graph.square(3, 3))
    states = rng.integers(3, size=(4, 500, 3, 3))
    found = judged(symmetry.check, model, s=states)
    assert {"s: states 0 ↔ 1", "s: states 0 ↔ 2", "s: states 1 ↔ 2"} <= set(found)
    states[states == 2] = 1
    failed = judged(symmetry.check, model, s=states)
    assert failed["s: states 0 ↔ 1"].verdict == "fail"


def test_signs_and_exchanges_of_real_variables_are_found(rng):
    with pm.Model() as model:
        ebm.Boltzmann("x", lambda x: ((x**2 - 4) ** 2).sum() / 4, shape=2)
    x = rng.choice([-2, 2], size=(4, 500, 2)) + 0.2 * rng.normal(size=(4, 500, 2))
    found = judged(symmetry.check, model, x=x)
    names = {"all variables: x → −x", "x: sign of x[0]", "x: sign of x[1]"}
    assert names <= set(found)
    assert any("exchange of entries 0, 1" in name for name in found)
    assert all(f.verdict == "pass" for f in found.values())
    x[..., 1] = np.abs(x[..., 1])
    found = judged(symmetry.check, model, x=x)
    assert found["x: sign of x[1]"].verdict == "fail"
    assert found["x: sign of x[0]"].value > 1e-3
    assert next(f for n, f in found.items() if "exchange" in n).verdict == "fail"


def test_a_lone_coincidence_is_no_symmetry(rng):
    """Entries that agree in every draw must not pass for exchangeable."""
    with pm.Model() as model:
        ebm.Ising("s", 0.0, [1.0, 2.0, 3.0], graph=ebm.Graph.complete(3))
    assert judged(symmetry.check, model, s=np.ones((4, 100, 3), np.int8)) == {}


def mixture(rng, stay, weights=(0.8, 0.2), start=None, draws=1000):
    label = np.zeros((4, draws), int)
    label[:, 0] = (rng.random(4) < weights[1]) if start is None else start
    for t in range(1, draws):
        anew = (rng.random(4) < weights[1]).astype(int)
        label[:, t] = np.where(rng.random(4) < stay, label[:, t - 1], anew)
    return MEANS[label] + rng.normal(size=(4, draws, 2)), label


def test_basins_are_counted_and_their_relaxation_time_is_known(two_modes, rng):
    """The label is a Markov chain with λ₂ = stay: its relaxation time is −1 / ln(stay)."""
    x, label = mixture(rng, 0.9, draws=2000)
    evidence, _notes = gather(tree(x=x), two_modes)
    [basins] = evidence.basins
    assert basins.count == 2
    np.testing.assert_allclose(np.sort(basins.minima[:, 0]), [-8, 8], atol=1e-3)
    kept = np.round(np.arange(basins.labels.shape[1]) * basins.spacing).astype(int)
    assert np.isclose((basins.labels == 0).mean(), (label[:, kept] == 0).mean(), atol=0.1)
    assert basins.energies[1] - basins.energies[0] == pytest.approx(np.log(4), abs=1e-6)
    found = {f.check: f for f in decide(occupancy.check(evidence))}
    assert found["basin occupancy"].verdict == "pass"
    assert found["relaxation time"].verdict == "pass"


def test_the_relaxation_time_is_that_of_the_chain(rng):
    """20 000 labelled draws of a two-state chain: the estimate is good to about 10 %."""
    from pymc_ebm.diagnostics.basins import Basins

    _x, label = mixture(rng, 0.95, draws=5000)
    basins = Basins("x", label, MEANS, np.zeros(2), 1.0, 0.0)
    assert basins.relaxation_time == pytest.approx(-1 / np.log(0.95), rel=0.25)
    apart = Basins("x", np.repeat([[0], [1]], 100, axis=1), MEANS, np.zeros(2), 1.0, 0.0)
    assert apart.relaxation_time == np.inf


def test_chains_in_different_basins_disagree_on_occupancy(two_modes, rng):
    x, _ = mixture(rng, 1.0, start=[0, 0, 1, 1])
    found = judged(occupancy.check, two_modes, x=x)
    assert found["real variables: basin 0"].verdict == "fail"
    assert found["real variables"].verdict == "fail"
    assert found["real variables"].value == np.inf


def test_a_probe_finds_the_mode_that_no_chain_saw_and_weighs_it(two_modes, rng):
    x, _ = mixture(rng, 1.0, start=[0, 0, 0, 0])
    found = judged(probe.check, two_modes, x=x)["real variables"]
    assert found.verdict == "fail"
    assert found.value == pytest.approx(0.2, abs=0.03)  # importance sampling of 400 draws a mode
    both, _ = mixture(rng, 0.7)
    assert judged(probe.check, two_modes, x=both)["real variables"].verdict == "pass"


def test_a_probe_of_spins_finds_the_other_phase(rng):
    """A cold 6×6 torus in no field: all down is as probable as all up."""
    graph = ebm.Graph.square(6, 6)
    with pm.Model() as model:
        ebm.Ising("s", 1.0, graph=graph)
    up = spins(rng, up=0.999, shape=(6, 6), draws=200)
    found = judged(probe.check, model, s=up)["s"]
    assert found.verdict == "fail"
    assert found.value == pytest.approx(0.5, abs=0.02)
    half = up.copy()
    half[:, ::2] *= -1
    assert judged(probe.check, model, s=half)["s"].verdict == "pass"


def test_without_recurring_minima_basins_say_nothing(torus, rng):
    with pm.Model() as model:
        graph = ebm.Graph.square(16, 16)
        ebm.Ising("s", rng.normal(size=graph.n_edges), graph=graph)
    found = judged(occupancy.check, model, s=spins(rng, shape=(16, 16), draws=100))
    assert found["s"].verdict == "info"
    assert "minimum of their own" in found["s"].meaning
    assert judged(probe.check, model, s=spins(rng, shape=(16, 16), draws=100)) == {}
