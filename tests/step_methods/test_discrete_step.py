"""What all discrete steps share: several variables, resuming, data that change, feasible starts."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from tests.oracles import all_spins, boltzmann, ising_energies

RING = ebm.Graph.from_edges([(0, 1), (1, 2), (2, 3), (0, 3)])
KW = {"compile_kwargs": {"mode": PY}}
STEPS = {
    "ChromaticGibbs": {},
    "SwendsenWang": {},
    "Wolff": {},
    "Metropolis": {},
    "BlockGibbs": {},
    "ParallelTempering": {"ladder": [0.0, 0.5, 1.0]},
    "GibbsWithGradients": {},
    "DiscreteLangevin": {},
}


def model_of_two():
    with pm.Model() as model:
        s = ebm.Ising("s", 0.3, 0.1, graph=RING)
        t = ebm.Ising("t", 0.2, graph=RING)
        pm.Normal("y", mu=s, sigma=1.0, observed=[0.3, -0.2, 0.5, 1.0])
    return model, s, t


@pytest.mark.parametrize("name", STEPS)
def test_one_step_for_several_variables(name):
    model, s, t = model_of_two()
    with model:
        step = getattr(ebm, name)([s, t], blocked=True, rng=1, **STEPS[name], **KW)
    assert type(step).__name__ == name
    assert [v.name for v in step.vars] == ["s", "t"]
    point, stats = step.step(model.initial_point(1))
    assert len(stats) == 1
    assert set(point) == {"s", "t"}


@pytest.mark.parametrize("name", STEPS)
def test_a_run_goes_on_where_it_stopped(name):
    model, s, _t = model_of_two()
    with model:
        first, second = (getattr(ebm, name)([s], rng=seed, **STEPS[name], **KW) for seed in (1, 99))
    first.setup_chain(np.random.default_rng(5), 10, 10)
    second.setup_chain(np.random.default_rng(6), 10, 10)
    point = model.initial_point(1)
    for _ in range(6):
        point, _stats = first.step(point)
    second.sampling_state = first.sampling_state
    here = there = point
    for _ in range(6):  # still tuning, then not
        here, a = first.step(here)
        there, b = second.step(there)
        np.testing.assert_array_equal(here["s"], there["s"])
        assert a == b


def test_steps_and_recommendations_follow_the_data():
    graph = ebm.Graph.complete(3)
    with pm.Model() as model:
        s = ebm.Ising("s", pm.Data("J", np.full(3, 0.6)), graph=graph)
        assert ebm.recommend(model)["s"].step == "SwendsenWang"
        step = ebm.ChromaticGibbs([s], sweeps=1, rng=1, **KW)
        for value in (0.6, -0.6):
            pm.set_data({"J": np.full(3, value)})
            step.setup_chain(np.random.default_rng(2), 0, 4000)
            point, total = model.initial_point(1), 0.0
            for _ in range(4000):
                point, _ = step.step(point)
                x = point["s"]
                total += x[0] * x[1] + x[1] * x[2] + x[0] * x[2]
            states = all_spins(3)
            p = boltzmann(ising_energies(states, graph.edges, value, 0.0))
            exact = p @ (states[:, [0, 1, 0]] * states[:, [1, 2, 2]]).sum(1)
            # the sum has a standard deviation below 2; an inefficiency of 4; 5 errors: 6e-7
            assert abs(total / 4000 - exact) < 5 * 2 * np.sqrt(4 / 4000)
        assert ebm.recommend(model)["s"].step == "ParallelTempering"


def test_chains_start_where_the_likelihood_allows():
    detections = np.array([0, 2, 0, 3])
    with pm.Model() as model:
        p = pm.Beta("p", 1, 1)
        z = ebm.Boltzmann("z", ebm.energies.BoltzmannMachine(0.5, -0.5, graph=RING))
        pm.Binomial("y", n=4, p=z * p, observed=detections)
        ebm.recommend(model)  # as pm.sample asks before it starts
    starts = np.array([model.initial_point(seed)["z"] for seed in range(20)])
    assert np.all(starts[:, detections > 0] == 1)
    assert np.ptp(starts[:, 0]) == 1  # the others are as random as ever
    logp = model.compile_logp(mode=PY)
    assert np.isfinite(logp(model.initial_point(3)))


def test_gradient_informed_chains_do_not_keep_a_parity():
    with pm.Model() as model:
        s = ebm.Ising("s", np.zeros((4, 4)), 0.0)
        pm.Normal("y", s.mean(), 20.0, observed=0.0)
        step = ebm.GibbsWithGradients([s], rng=1, **KW)
    point, seen = model.initial_point(1), set()
    for _ in range(40):
        point, _ = step.step(point)
        seen.add(int(np.abs(point["s"].sum())))
    assert {0, 2, 4} <= seen


def test_any_energy_is_tempered_and_swept():
    """A function that jumps: no gradient, no pairs; moments against enumeration."""
    with pm.Model() as model:
        x = ebm.Boltzmann(
            "x",
            lambda x: -1.0 * pt.eq(x.sum(axis=-1), 1.0) - 0.3 * x[..., 0],
            support="spin",
            shape=3,
        )
        pm.Normal("y", mu=x * x[::-1], sigma=1.0, observed=[0.5, 0.5, 0.5])
        assert ebm.recommend(model)["x"].step == "ChromaticGibbs"
        steps = [
            ebm.ChromaticGibbs([x], sweeps=1, rng=1, **KW),
            ebm.Metropolis([x], sweeps=2, rng=2, **KW),
            ebm.ParallelTempering([x], sweeps=1, ladder=[0.0, 0.5, 1.0], rng=3, **KW),
        ]
    states = all_spins(3)
    logp = (states.sum(1) == 1) + 0.3 * states[:, 0]
    logp = logp - 0.5 * ((0.5 - states * states[:, ::-1]) ** 2).sum(1)
    exact = boltzmann(-logp) @ states
    for step in steps:
        step.setup_chain(np.random.default_rng(4), 0, 1500)
        point, draws = model.initial_point(1), np.empty((1500, 3))
        for k in range(1500):
            point, _ = step.step(point)
            draws[k] = point["x"]
        # an inefficiency of at most 5; nine comparisons at 5 errors: a false alarm of 5e-6
        assert np.all(np.abs(draws.mean(0) - exact) < 5 * np.sqrt(5 / 1500))


def test_labels_have_one_order_parameter():
    def dominance(x, q=3):
        return (q * np.bincount(x, minlength=q).max() / x.size - 1) / (q - 1)

    with pm.Model():
        x = ebm.Potts("x", J=0.5, q=3, graph=ebm.Graph.complete(4))
        pm.Potential("tie", -0.1 * (x.sum() - 3.0) ** 2)
        for step in (
            ebm.ChromaticGibbs([x], rng=1, **KW),
            ebm.Metropolis([x], rng=1, **KW),
            ebm.GibbsWithGradients([x], rng=1, **KW),
        ):
            new, [stats] = step.step({"x": np.array([2, 2, 2, 1])})
            np.testing.assert_allclose(stats["magnetization"], dominance(new["x"]))


def test_labels_through_a_table_of_confusions():
    """A hidden Potts field seen through a noisy channel: marginals against enumeration."""
    table = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    seen, graph = np.array([0, 1, 2, 1]), ebm.Graph.complete(4)
    with pm.Model() as model:
        x = ebm.Potts("x", J=0.5, q=3, graph=graph)
        pm.Categorical("y", p=pt.as_tensor(table)[x], observed=seen)
        assert ebm.recommend(model)["x"].step == "SwendsenWang"
        step = ebm.ChromaticGibbs([x], sweeps=2, rng=1, **KW)
    states = np.indices((3,) * 4).reshape(4, -1).T
    i, j = graph.edges.T
    weights = np.exp(0.5 * (states[:, i] == states[:, j]).sum(1)) * table[states, seen].prod(1)
    exact = np.array([np.average(states == k, axis=0, weights=weights) for k in range(3)])
    step.setup_chain(np.random.default_rng(4), 0, 4000)
    point, draws = model.initial_point(1), np.empty((4000, 4))
    for k in range(4000):
        point, _ = step.step(point)
        draws[k] = point["x"]
    got = np.array([(draws == k).mean(axis=0) for k in range(3)])
    # an inefficiency of at most 2; twelve comparisons at 5 errors: a false alarm of 7e-6
    assert np.all(np.abs(got - exact) < 5 * np.sqrt(2 * exact * (1 - exact) / 4000))
