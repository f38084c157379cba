"""ChromaticGibbs inside pm.sample: exact moments, children, tuning, batches, bad input."""

import logging

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

import pymc_ebm as ebm

from pymc_ebm.kernels import heat_bath, heat_bath_tables
from tests.kernels.test_heat_bath import broken_tables, broken_uniform, broken_weighted
from tests.oracles import KAUFMAN, all_spins, boltzmann, ising_energies, products, spin_moments
from tests.statistics import bonferroni_limit, z_scores

SPINS = 12
STATES = all_spins(SPINS)


def random_model(seed):
    """Return a graph of 12 spins, couplings of both signs and a field; every kind in turn."""
    rng = np.random.default_rng(seed)
    kind = seed % 5
    if kind == 0:
        graph = ebm.Graph.square(3, 4)
    elif kind == 1:
        graph = ebm.Graph.square(3, 4, periodic=False)
    elif kind == 2:
        graph = ebm.Graph.complete(12)
    elif kind == 3:
        pairs = np.column_stack(np.triu_indices(12, k=1))
        graph = ebm.Graph.from_edges(pairs[rng.random(len(pairs)) < 0.3], 12)
    else:
        graph = ebm.Graph.from_edges([(k, (k + 1) % 12) for k in range(12)])
    scale = 0.15 if kind == 2 else 0.4
    one_for_all = seed % 4 == 0
    J = scale * rng.choice([-1, 1]) if one_for_all else rng.normal(0, scale, graph.n_edges)
    return graph, J, rng.normal(0, 0.3, graph.shape)


def worst_z_over_twenty_models(draws, random_seed):
    """Sample 20 random models in one pm.sample; return the largest |z| and the number of moments."""
    models = [random_model(seed) for seed in range(20)]
    with pm.Model():
        variables = [
            ebm.Ising(f"s{k}", J, h, graph=graph) for k, (graph, J, h) in enumerate(models)
        ]
        step = [ebm.ChromaticGibbs([v], sweeps=6) for v in variables]
        idata = pm.sample(
            draws, tune=100, chains=2, cores=1, step=step, random_seed=random_seed, quiet=True,
            compute_convergence_checks=False,
        )  # fmt: skip
    worst, count = 0.0, 0
    for k, (graph, J, h) in enumerate(models):
        exact = spin_moments(
            STATES, boltzmann(ising_energies(STATES, graph.edges, J, h.reshape(-1)))
        )
        drawn = idata["posterior"][f"s{k}"].values.reshape(2, draws, SPINS)
        z = z_scores(products(drawn), exact)
        worst, count = max(worst, float(np.abs(z).max())), count + z.size
    return worst, count


def test_moments_of_twenty_random_models_agree_with_enumeration():
    """All 1 560 first and second moments; false alarm 1 % over all of them together."""
    worst, count = worst_z_over_twenty_models(2000, random_seed=1)
    print(f"largest |z| {worst:.2f} of {count} moments, limit {bonferroni_limit(count):.2f}")
    assert count == 20 * (12 + 66)
    assert worst < bonferroni_limit(count)


def test_the_same_test_catches_a_heat_bath_that_is_two_percent_off(monkeypatch):
    monkeypatch.setattr(heat_bath, "uniform_coupling_sweeps", broken_uniform)
    monkeypatch.setattr(heat_bath, "weighted_sweeps", broken_weighted)
    monkeypatch.setattr(heat_bath_tables, "odds_tables", broken_tables)
    worst, count = worst_z_over_twenty_models(2000, random_seed=1)
    print(f"broken: largest |z| {worst:.2f}, limit {bonferroni_limit(count):.2f}")
    assert worst > bonferroni_limit(count)


def test_kaufmans_energy_at_the_critical_point():
    """Within 4 MCSE: false alarm 1e-4."""
    with pm.Model() as model:
        for size in (16, 32):
            ebm.Ising(f"s{size}", 1.0, graph=ebm.Graph.square(size, size), beta=0.4406868)
        idata = pm.sample(
            2000, tune=500, chains=2, cores=1, random_seed=3, quiet=True,
            compute_convergence_checks=False,
        )  # fmt: skip
    energy = ebm.observables(idata, model)
    for size in (16, 32):
        per_spin = energy[f"s{size}_energy"].values[..., None] / size**2
        z = z_scores(per_spin, np.array([KAUFMAN[size]]))
        print(f"L={size}: {per_spin.mean():.6f}, exact {KAUFMAN[size]}, z = {z[0]:.2f}")
        assert abs(z[0]) < 4
    # the step's own record of the energy is the energy of the draw it belongs to
    recorded = idata["sample_stats"]["spin_energy"].values[..., 0]
    np.testing.assert_allclose(recorded, energy["s16_energy"])
    np.testing.assert_allclose(
        idata["sample_stats"]["magnetization"].values[..., 1], energy["s32_magnetization"]
    )
    assert set(np.unique(idata["sample_stats"]["sweeps"])) <= set(range(1, 4097))


@pytest.fixture(scope="module")
def joint_posterior():
    """Spins and the parameters of their likelihood together, by brute force and quadrature."""
    rng = np.random.default_rng(4)
    graph = ebm.Graph.square(3, 3)
    truth = np.where(rng.random((3, 3)) < 0.6, 1, -1)
    y = truth * 0.8 + rng.normal(0, 0.7, (3, 3))
    counts = rng.poisson(np.exp(0.4 * truth))
    counts_mask = rng.random((3, 3)) < 0.7
    with pm.Model() as model:
        s = ebm.Ising("s", 0.25, 0.1, graph=graph)
        mu = pm.Normal("mu", 0.5, 1.0)
        pm.Normal("y", mu * s, 0.7, observed=y)
        pm.Poisson("n", pt.exp(0.4 * s[counts_mask]), observed=counts[counts_mask])
    states = all_spins(9)
    log_prior = -ising_energies(states, graph.edges, 0.25, 0.1)
    mask = counts_mask.reshape(-1)
    rate = np.exp(0.4 * states[:, mask])
    log_counts = (counts.reshape(-1)[mask] * np.log(rate) - rate).sum(axis=1)
    grid = np.linspace(-4, 5, 2001)
    squares = -0.5 * ((y.reshape(-1) - grid[:, None, None] * states) ** 2).sum(-1) / 0.49
    log_joint = log_prior + log_counts + squares - 0.5 * (grid[:, None] - 0.5) ** 2
    joint = np.exp(log_joint - log_joint.max())
    joint /= joint.sum()
    moments = joint.sum(axis=0) @ products(states)
    in_mu = joint.sum(axis=1)
    return model, moments, np.array([in_mu @ grid, in_mu @ grid**2])


def test_children_stay_right_while_their_parameters_are_sampled(joint_posterior):
    """NUTS on the mean, heat bath on the spins; all moments, false alarm 1 % together."""
    model, spin_truth, mu_truth = joint_posterior
    with model:
        idata = pm.sample(
            6000, tune=500, chains=2, cores=1, random_seed=5, quiet=True,
            compute_convergence_checks=False,
        )  # fmt: skip
    spins = idata["posterior"]["s"].values.reshape(2, -1, 9)
    mu = idata["posterior"]["mu"].values
    z = np.concatenate(
        [
            z_scores(products(spins), spin_truth),
            z_scores(np.stack([mu, mu**2], axis=-1), mu_truth),
        ]
    )
    assert np.abs(z).max() < bonferroni_limit(z.size)


def step_repeatedly(step, point, name, draws, seed=1):
    """Run a step by hand and return the values of one variable, shape (1, draws, size)."""
    step.setup_chain(np.random.default_rng(seed), 0, draws)
    values = np.empty((draws, point[name].size))
    for t in range(draws):
        point, _ = step.step(point)
        values[t] = point[name].reshape(-1)
    return values[None]


def test_boltzmann_machine_in_zero_one_coding():
    rng = np.random.default_rng(6)
    W = np.triu(rng.normal(0, 1.0, (5, 5)), 1)
    W, b = W + W.T, rng.normal(0, 0.5, 5)
    with pm.Model() as model:
        v = ebm.Boltzmann("v", ebm.energies.BoltzmannMachine(W, b), beta=0.8)
        pm.Bernoulli("y", p=pt.where(v > 0, 0.9, 0.3), observed=[1, 0, 1, 1, 0])
        step = ebm.ChromaticGibbs([v], sweeps=2)
    units = (all_spins(5) + 1) // 2
    log_p = 0.8 * (0.5 * np.einsum("ki,ij,kj->k", units, W, units) + units @ b)
    p_one = np.where(units > 0, 0.9, 0.3)
    log_p += np.log(np.where([1, 0, 1, 1, 0], p_one, 1 - p_one)).sum(axis=1)
    p = boltzmann(-log_p)
    point, [stats] = step.step(model.initial_point(0))
    by_hand = -0.5 * point["v"] @ W @ point["v"] - b @ point["v"]
    np.testing.assert_allclose(stats["spin_energy"], by_hand)
    np.testing.assert_allclose(stats["magnetization"], point["v"].mean())
    drawn = step_repeatedly(step, point, "v", 20_000)
    z = z_scores(products(drawn), p @ products(units))
    assert np.abs(z).max() < bonferroni_limit(z.size)


def test_batches_with_a_field_each_and_random_couplings():
    """Three independent fields on one graph; J and beta are variables, held at the point's value."""
    graph = ebm.Graph.complete(3)
    h = np.linspace(-1, 1, 9).reshape(3, 3)
    with pm.Model() as model:
        J = pm.Normal("J", shape=3)
        beta = pm.HalfNormal("beta")
        s = ebm.Ising("s", J, h, graph=graph, beta=beta, shape=(3, 3), log_partition=J.sum())
        step = ebm.ChromaticGibbs([s], sweeps=1)
    point = model.initial_point(0) | {"J": np.array([0.5, -0.3, 0.8]), "beta_log__": np.log(1.3)}
    states = all_spins(3)
    exact = np.stack(
        [boltzmann(ising_energies(states, graph.edges, point["J"], row), 1.3) @ states for row in h]
    )
    drawn = step_repeatedly(step, point, "s", 20_000)
    z = z_scores(drawn, exact.reshape(-1))
    assert np.abs(z).max() < bonferroni_limit(9)


def test_step_does_not_touch_its_input_and_repeats_with_the_seed():
    with pm.Model() as model:
        s = ebm.Ising("s", 0.4, graph=ebm.Graph.square(6, 6))
        step = ebm.ChromaticGibbs([s])
    point = model.initial_point(0)
    before = point["s"].copy()
    first = step_repeatedly(step, point, "s", 10, seed=3)
    np.testing.assert_array_equal(point["s"], before)
    np.testing.assert_array_equal(first, step_repeatedly(step, point, "s", 10, seed=3))


def test_the_same_seed_gives_the_same_draws_on_any_number_of_cores():
    with pm.Model():
        p = pm.Beta("p", 2, 5)
        s = ebm.Ising("s", 0.4, graph=ebm.Graph.square(5, 4))
        pm.Bernoulli("y", p=pt.where(s > 0, 1 - p, p), observed=np.eye(5, 4) > 0)
        runs = [
            pm.sample(30, tune=30, chains=2, cores=cores, random_seed=3, quiet=True,
                      compute_convergence_checks=False, swendsen_wang={"sweeps": 2})
            for cores in (1, 2)
        ]  # fmt: skip
    for name in ("s", "p"):
        np.testing.assert_array_equal(*(run["posterior"][name] for run in runs))
    assert set(runs[0]["sample_stats"]["sweeps"].values.ravel()) == {2}


def test_state_can_be_stored_and_restored():
    """A trace backend that writes to disk keeps it beside the draws."""
    with pm.Model() as model:
        s = ebm.Ising("s", 0.4, graph=ebm.Graph.square(6, 6))
        step = ebm.ChromaticGibbs([s])
    step.setup_chain(np.random.default_rng(1), 100, 100)
    point = model.initial_point(0)
    for _ in range(60):
        point, _ = step.step(point)
    state = step.sampling_state
    expected, _ = step.step(point)
    step.setup_chain(np.random.default_rng(9), 100, 100)
    step.sampling_state = state
    again, _ = step.step(point)
    np.testing.assert_array_equal(expected["s"], again["s"])


def test_tuning_gives_slow_models_more_sweeps_and_fast_models_few():
    sweeps = {}
    for name, beta in (("fast", 0.1), ("critical", 0.4406868)):
        with pm.Model() as model:
            s = ebm.Ising("s", 1.0, graph=ebm.Graph.square(32, 32), beta=beta)
            step = ebm.ChromaticGibbs([s])
        step.setup_chain(np.random.default_rng(1), 400, 100)
        point = model.initial_point(1)
        for _ in range(400):
            point, _ = step.step(point)
        step.stop_tuning()
        sweeps[name] = step.sweeps
    assert sweeps["fast"] <= 3
    assert sweeps["critical"] >= 64


def test_it_is_assigned_by_itself_and_says_so(caplog):
    with pm.Model() as model, caplog.at_level(logging.INFO, logger="pymc.ebm"):
        x = pm.Normal("x")
        s = ebm.Ising("s", 0.4, graph=ebm.Graph.square(4, 4))
        pm.Normal("y", x * s, observed=np.ones((4, 4)))
        _, selected = pm.sampling.mcmc.assign_step_methods(model)
        assert selected[ebm.SwendsenWang] == [model.rvs_to_values[s]]
        ebm.ChromaticGibbs([s])
    assert "s: heat-bath sweeps over 2 colours of 16 entries, with y as field" in caplog.text


def impossible_data(s):
    pm.Bernoulli("y", p=pt.where(s > 0, 1.0, 1.0), observed=np.zeros((3, 3)))
    step = ebm.ChromaticGibbs([s])
    step.step(pm.modelcontext(None).initial_point(0))


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda s, x: ebm.ChromaticGibbs([x]), "cannot sample 'x'.*Leave the step out"),
        (lambda s, x: ebm.ChromaticGibbs([ring()]), "'ring', a real-valued energy"),
        (lambda s, x: ebm.ChromaticGibbs([s], sweeps=0), "sweeps must be a positive integer, got 0"),
        (lambda s, x: ebm.ChromaticGibbs([s], sweeps=1.5), "got 1.5"),
        (lambda s, x: [pm.Normal("y", s.sum(), observed=1.0), ebm.SwendsenWang([s])],
         "'y' ties several entries of 's' together.*ChromaticGibbs"),
        (lambda s, x: impossible_data(s), r"entry \(0, 0\) probability zero .* at both values"),
        (lambda s, x: pm.Metropolis([s]), r"pm.Metropolis does not fit 's'.*ChromaticGibbs\(\[s\]\)"),
        (lambda s, x: pm.BinaryGibbsMetropolis([s]), "pm.BinaryGibbsMetropolis does not fit 's'"),
        (lambda s, x: pm.NUTS([s]), "pm.NUTS does not fit 's'"),
        (lambda s, x: pm.Metropolis(), "pm.Metropolis does not fit 's'"),
    ],
)  # fmt: skip
def test_steps_that_do_not_fit_are_refused(build, says):
    with pm.Model():
        s = ebm.Ising("s", 0.4, graph=ebm.Graph.square(3, 3))
        x = pm.Normal("x")
        with pytest.raises(ValueError, match=says):
            build(s, x)


def ring():
    return ebm.Boltzmann("ring", ebm.energies.Ring(), shape=2)


def test_other_steps_still_work():
    with pm.Model():
        s = ebm.Ising("s", 0.4, graph=ebm.Graph.square(3, 3))
        n, b, x = pm.Poisson("n", 3), pm.Bernoulli("b", 0.5), pm.Normal("x")
        pm.Metropolis([n])
        pm.BinaryGibbsMetropolis([b])
        pm.NUTS([x])
        pm.Slice([x])
        ebm.ChromaticGibbs([s])
