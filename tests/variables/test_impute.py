"""Missing entries of discrete data, sampled as latent spins, against enumeration."""

import numpy as np
import pymc as pm
import pytest

from arviz_stats.base import array_stats

import pymc_ebm as ebm

from tests.oracles import all_spins, boltzmann, ising_energies
from tests.statistics import bonferroni_limit

GRAPH = ebm.Graph.complete(4)
J = np.array([0.8, -0.3, 0.4, 0.5, 0.2, -0.6])
DATA = np.array([[1, np.nan, -1, np.nan], [np.nan, 1, 1, -1], [1, 1, -1, -1.0]])


def test_gaps_follow_their_conditional():
    """Means of the three gaps, beyond the Bonferroni limit once in a hundred."""
    with pm.Model() as model:
        ebm.Ising("s", J, 0.2, graph=GRAPH, observed=DATA, impute=True)
        idata = pm.sample(
            3000, tune=200, chains=2, cores=1, random_seed=1, progressbar=False, quiet=True
        )
    draws = idata.posterior["s"].to_numpy().astype(float)
    known = ~np.isnan(DATA)
    np.testing.assert_array_equal(
        draws[..., known], np.broadcast_to(DATA[known], draws[..., known].shape)
    )
    states = all_spins(4)
    z = []
    for person, row in enumerate(DATA):
        fits = np.all(np.isnan(row) | (states == row), axis=1)
        p = boltzmann(ising_energies(states[fits], GRAPH.edges, J, 0.2))
        for item in np.flatnonzero(np.isnan(row)):
            series = draws[:, :, person, item]
            ess = float(array_stats.ess(series, chain_axis=0, draw_axis=1, method="mean"))
            z.append((series.mean() - p @ states[fits][:, item]) / (series.std() / np.sqrt(ess)))
    assert len(z) == 3
    assert np.abs(z).max() < bonferroni_limit(3)
    assert model["s"] in model.free_RVs


def test_with_unknown_couplings():
    """The posterior of a coupling from half-missing data, against the marginal likelihood."""
    pair = ebm.Graph.from_edges([(0, 1)])
    full = pm.draw(ebm.Ising.dist(0.7, graph=pair, shape=(40, 2)), random_seed=1).astype(float)
    full[::2, 1] = np.nan
    with pm.Model():
        K = pm.Normal("K", 0, 1)
        ebm.Ising(
            "s",
            K,
            graph=pair,
            observed=np.ma.masked_invalid(full),
            impute=True,
            log_partition="auto",
        )
        idata = pm.sample(
            2000, tune=500, chains=2, cores=1, random_seed=1, progressbar=False, quiet=True
        )
    # a half-seen pair says nothing about K without a field: p(s_0) = 1/2
    whole = full[1::2]
    grid = np.linspace(-2, 4, 3001)
    log_p = grid * whole.prod(axis=1).sum() - len(whole) * np.log(np.cosh(grid)) - grid**2 / 2
    p = np.exp(log_p - log_p.max())
    mean = p @ grid / p.sum()
    series = idata.posterior["K"].to_numpy()
    ess = float(array_stats.ess(series, chain_axis=0, draw_axis=1, method="mean"))
    assert abs(series.mean() - mean) < 4 * series.std() / np.sqrt(ess)  # one false alarm in 16 000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ebm.Ising("s", J, graph=GRAPH, observed=DATA), "impute=True"),
        (lambda: ebm.Ising("s", J, graph=GRAPH, impute=True), "no observed data"),
        (lambda: ebm.Boltzmann("x", ebm.energies.Ring(), observed=[np.nan, 1.0], impute=True), "values are real"),
        (lambda: ebm.Ising("s", J, graph=GRAPH, observed=np.where(DATA == 1, 2, DATA), impute=True), "contains 2"),
        (lambda: ebm.Ising("s", pm.Normal("K", shape=6), graph=GRAPH, observed=DATA, impute=True,
            log_partition="pseudo"), "latent"),
    ],
)  # fmt: skip
def test_bad_input(call, message):
    with pm.Model(), pytest.raises(ValueError, match=message):
        call()
