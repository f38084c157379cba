"""The exchange step against the posterior on a fine grid with the exact log Z."""

import functools

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from arviz_stats.base import array_stats
from pytensor.compile.mode import Mode

import pymc_ebm as ebm

from pymc_ebm.forward.auxiliary import AuxiliaryDraws
from tests.oracles import all_spins, boltzmann

PY = Mode(linker="py", optimizer=None)
TORUS = ebm.Graph.square(6, 6)
TUNE, DRAWS = 400, 2000
OBSERVED = pm.draw(ebm.Ising.dist(0.3, graph=TORUS, shape=(3, 6, 6)), random_seed=2)
LIMIT = 4.0  # of a z-score: a false alarm in 16 000


def run(model, variables, seed, mutate=None, draws=DRAWS):
    """Advance one chain; return the parameters in their own coordinates."""
    with model:
        step = ebm.ExchangeMH(variables)
    if mutate:
        mutate(step)
    point = model.initial_point()
    step.setup_chain(np.random.default_rng(seed), TUNE, draws)
    rows = []
    for t in range(TUNE + draws):
        if t == TUNE:
            step.stop_tuning()
        point, [stats] = step.step(point)
        if t >= TUNE:
            rows.append([point[v.name] for v in step.vars])
    return np.array(rows, float), stats


def z_score(draws, mean):
    ess = float(array_stats.ess(draws[None], chain_axis=0, draw_axis=1, method="mean"))
    return (draws.mean() - mean) / (draws.std() / np.sqrt(ess))


def coupling_model(observed):
    with pm.Model() as model:
        J = pm.Normal("J", 0.0, 0.3)
        ebm.Ising("s", J, graph=TORUS, observed=observed, log_partition="exchange")
    return model


@functools.cache
def exact_posterior():
    grid = np.linspace(-0.2, 0.7, 901)
    i, j = TORUS.edges.T
    flat = OBSERVED.reshape(-1, 36).astype(float)
    K = pt.dscalar()
    log_z = ebm.log_partition(ebm.energies.Ising(K, graph=TORUS), method="torus")
    evaluate = pytensor.function([K], log_z, mode=PY)
    S = (flat[:, i] * flat[:, j]).sum()
    log_p = np.array([k * S - len(flat) * evaluate(k) - 0.5 * (k / 0.3) ** 2 for k in grid])
    p = np.exp(log_p - log_p.max())
    return grid, p / p.sum()


@pytest.mark.parametrize("how", ["elimination", "coupling from the past", "runs"])
def test_posterior_of_a_coupling(how):
    def force(step):
        [data] = step._data
        data.draws._eliminates = how == "elimination"
        data.draws.prepare(np.full(TORUS.n_edges, 0.3))
        if how == "runs":
            data.draws._strongest = 0.0

    model = coupling_model(OBSERVED)
    rows, stats = run(model, [model["J"]], 1, force)
    grid, p = exact_posterior()
    mean = p @ grid
    assert abs(z_score(rows[:, 0], mean)) < LIMIT
    assert abs(z_score((rows[:, 0] - mean) ** 2, p @ (grid - mean) ** 2)) < LIMIT
    assert stats["auxiliary_exact"] == (how != "runs")


def test_auxiliary_data_at_the_wrong_parameters_are_caught():
    """A broken copy draws x at 0.9 of the proposed coupling."""

    def break_it(step):
        [data] = step._data
        draw = data.draws.draw
        data.draws.draw = lambda coupling, *rest: draw(0.9 * coupling, *rest)

    model = coupling_model(OBSERVED)
    rows, _ = run(model, [model["J"]], 1, break_it, 2 * DRAWS)
    grid, p = exact_posterior()
    assert abs(z_score(rows[:, 0], p @ grid)) > LIMIT


def test_coupling_and_field_of_many_observations():
    """Two parameters, binary units, against a grid over all 512 configurations."""
    graph = ebm.Graph.square(3, 3, periodic=False)
    energy = ebm.energies.BoltzmannMachine(0.6, -0.4, graph=graph)
    data = pm.draw(ebm.Boltzmann.dist(energy, shape=(30, 3, 3)), random_seed=1)
    with pm.Model() as model:
        W, b = pm.Normal("W", 0, 1), pm.Normal("b", 0, 1)
        unknown = ebm.energies.BoltzmannMachine(W, b, graph=graph)
        ebm.Boltzmann("v", unknown, observed=data, log_partition="exchange")
    rows, _ = run(model, [W, b], 3)
    v = (all_spins(9) + 1) // 2
    i, j = graph.edges.T
    features = np.column_stack([(v[:, i] * v[:, j]).sum(1), v.sum(1)]).astype(float)
    flat = data.reshape(-1, 9)
    seen = np.array([(flat[:, i] * flat[:, j]).sum(), flat.sum()])
    grids = np.meshgrid(np.linspace(-1.5, 3, 181), np.linspace(-2.5, 1.5, 161), indexing="ij")
    theta = np.column_stack([g.ravel() for g in grids])
    log_z = np.array([np.logaddexp.reduce(features @ t) for t in theta])
    log_p = theta @ seen - len(flat) * log_z - 0.5 * (theta**2).sum(1)
    p = np.exp(log_p - log_p.max())
    mean = p @ theta / p.sum()
    assert abs(z_score(rows[:, 0], mean[0])) < LIMIT
    assert abs(z_score(rows[:, 1], mean[1])) < LIMIT


def test_auxiliary_draws_of_states_are_exact_where_they_say_so():
    """Potts states on a ring with a chord, by elimination; a false alarm in a thousand."""
    from scipy.stats import chisquare

    graph = ebm.Graph.from_edges([(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)])
    rng = np.random.default_rng(0)
    coupling, field = rng.normal(size=5), rng.normal(size=(4, 3))
    draws, exact = AuxiliaryDraws(graph, np.eye(3), 10).draw(
        coupling, field, np.zeros((20_000, 4), np.int8), rng
    )
    numbers = np.array(list(np.ndindex(3, 3, 3, 3)))
    i, j = graph.edges.T
    energies = -(numbers[:, i] == numbers[:, j]).astype(float) @ coupling - field[
        np.arange(4), numbers
    ].sum(1)
    counts = np.bincount(draws @ 3 ** np.arange(4)[::-1], minlength=81)
    assert exact
    assert chisquare(counts, 20_000 * boltzmann(energies)).pvalue > 1e-3


def test_pm_sample_assigns_it_and_keeps_nuts_for_the_rest():
    with pm.Model():
        scale = pm.HalfNormal("scale", 0.5)
        J = pm.Normal("J", 0.0, scale)
        ebm.Ising("s", J, graph=TORUS, observed=OBSERVED, log_partition="exchange")
        idata = pm.sample(
            200, tune=300, chains=2, cores=1, random_seed=1, progressbar=False, quiet=True
        )
        again = pm.sample(
            200, tune=300, chains=2, cores=1, random_seed=1, progressbar=False, quiet=True
        )
    assert idata.sample_stats["auxiliary_exact"].all()
    assert 0.1 < float(idata.sample_stats["acceptance"].mean()) < 0.6
    np.testing.assert_array_equal(idata.posterior["J"], again.posterior["J"])
    assert float(idata.posterior["scale"].std()) > 0


def test_steps_that_would_be_wrong_are_refused():
    with coupling_model(OBSERVED) as model:
        with pytest.raises(NotImplementedError, match="ExchangeMH"):
            model.dlogp()
        for step in (pm.NUTS, pm.Metropolis, pm.Slice, pm.DEMetropolisZ):
            with pytest.raises(
                ValueError, match=r"log Z of 's' depends on it.*ebm.ExchangeMH\(\[J\]\)"
            ):
                step([model["J"]])
        with pytest.raises(ValueError, match="auxiliary_sweeps"):
            ebm.ExchangeMH([model["J"]], auxiliary_sweeps=0)
    with pm.Model():
        a = pm.Normal("a")
        with pytest.raises(ValueError, match="log_partition='exchange'"):
            ebm.ExchangeMH([a])
    with pm.Model():
        a, J = pm.Normal("a"), pm.Normal("J")
        ebm.Ising("s", J, graph=TORUS, observed=OBSERVED, log_partition="exchange")
        with pytest.raises(ValueError, match="'a' enters none of"):
            ebm.ExchangeMH([a])
    with pm.Model(), pytest.raises(ValueError, match="real values"):
        ebm.Boltzmann(
            "x",
            ebm.energies.Ring(2.0, pm.HalfNormal("w")),
            observed=np.ones(2),
            log_partition="exchange",
        )
