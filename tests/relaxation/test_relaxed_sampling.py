"""NUTS on relaxed models, spins recovered, against enumeration; one model a family, 20 if slow."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from scipy import stats

import pymc_ebm as ebm

from pymc_ebm.relaxation.relaxed_variable import RelaxedVariable
from tests.oracles import all_spins, ising_energies, products
from tests.small_models import all_states
from tests.statistics import FALSE_ALARM, bonferroni_limit, z_scores

MODELS_A_FAMILY = 20
GRID = 400  # values of the likelihood's parameter


def ising(rng):
    n = 12
    edges = np.array([(i, j) for i in range(n) for j in range(i + 1, n) if rng.random() < 0.4])
    J, h = rng.normal(0, 0.4, len(edges)), rng.normal(0, 0.3, n)
    states = all_spins(n)
    ebm.Ising("x", J, h, graph=ebm.Graph.from_edges(edges, n))
    return states, -ising_energies(states, edges, J, h), states


def potts(rng):
    graph = ebm.Graph.complete(6)
    J, h = rng.normal(0, 0.6, graph.n_edges), rng.normal(0, 0.5, (6, 3))
    states = all_states(6, (0, 1, 2))
    i, j = graph.edges.T
    ebm.Potts("x", J, h, q=3, graph=graph)
    fields = h[np.arange(6), states].sum(axis=1)
    return states, (states[:, i] == states[:, j]) @ J + fields, states - 1


def rbm(rng):
    W, b, c = rng.normal(0, 1, (8, 6)), rng.normal(0, 0.5, 8), rng.normal(0, 0.5, 6)
    states = all_states(8, (0, 1))
    ebm.RBM("x", W, b, c)
    return states, states @ b + np.logaddexp(0, c + states @ W).sum(axis=1), 2 * states - 1


def hopfield(rng):
    patterns, b = rng.choice([-1.0, 1.0], (3, 12)), rng.normal(0, 0.2, 12)
    states = all_spins(12)
    ebm.Hopfield("x", patterns, b, beta=1.2)
    weight = 0.5 * ((states @ patterns.T) ** 2).sum(axis=1) / 12 + states @ b
    return states, 1.2 * weight, states


def normal(x, x_now, rng):
    """Observe with noise of unknown width; return log p(y | x, θ) of each entry and value, prior."""
    y = x_now + rng.normal(0, 1.0, x_now.size)
    sigma = pm.Gamma("theta", 4, 4)
    pm.Normal("y", mu=x, sigma=sigma, observed=y)
    prior = stats.gamma(4, scale=1 / 4)
    return lambda value, theta: stats.norm.logpdf(y[:, None], value, theta), prior


def bernoulli(x, x_now, rng):
    """Observe signs, some of them wrong."""
    y = (x_now > 0) ^ (rng.random(x_now.size) < 0.25)
    flip = pm.Beta("theta", 3, 6)
    pm.Bernoulli("y", p=pt.where(x > 0, 1 - flip, flip), observed=y)
    return lambda value, theta: stats.bernoulli.logpmf(
        y[:, None], np.where(value > 0, 1 - theta, theta)
    ), stats.beta(3, 6)


def poisson(x, x_now, rng):
    """Observe counts whose rate depends on the value."""
    y = rng.poisson(np.exp(0.3 + 0.5 * x_now))
    rate = pm.Gamma("theta", 4, 3)
    pm.Poisson("y", mu=rate * pm.math.exp(0.5 * x), observed=y)
    return lambda value, theta: stats.poisson.logpmf(
        y[:, None], theta * np.exp(0.5 * value)
    ), stats.gamma(4, scale=1 / 3)


FAMILIES = [ising, potts, rbm, hopfield]
CHILDREN = [normal, bernoulli, poisson]


def build(family, k):
    """Return a model, its states, what moments are taken of, and the exact weights and θ mean."""
    rng = np.random.default_rng(1000 * FAMILIES.index(family) + k)
    with pm.Model() as model:
        states, log_p, coded = family(rng)
        x = model["x"]
        x_now = states[rng.choice(len(states), p=np.exp(log_p - np.logaddexp.reduce(log_p)))]
        likelihood, prior = CHILDREN[k % 3](x, x_now, rng)
    theta = prior.ppf((np.arange(GRID) + 0.5) / GRID)  # equally probable under the prior
    n, values = states.shape[1], np.unique(states)
    table = np.stack([np.broadcast_to(likelihood(v, theta), (n, GRID)) for v in values], axis=1)
    which = np.searchsorted(values, states)
    joint = log_p[:, None] + sum(table[i, which[:, i]] for i in range(n))
    weights = np.exp(joint - joint.max())
    return model, coded, weights / weights.sum(), theta


def scores(family, k, draws=1000, sample=None):
    """Return z scores of all first and second moments and of the mean of θ."""
    model, coded, weights, theta = build(family, k)
    exact = np.append(weights.sum(axis=1) @ products(coded), weights.sum(axis=0) @ theta)
    if sample is None:
        with ebm.relax(model):
            idata = pm.sample(draws, tune=1000, chains=4, cores=1, random_seed=k, progressbar=False,
                              compute_convergence_checks=False, target_accept=0.9)  # fmt: skip
        idata = ebm.recover(idata, model, random_seed=k, progressbar=False)
    else:
        idata = sample(model)
    x = idata.posterior["x"].to_numpy().astype(float)
    x = {"potts": x - 1, "rbm": 2 * x - 1}.get(family.__name__, x)
    values = np.concatenate([products(x), idata.posterior["theta"].to_numpy()[..., None]], axis=-1)
    moving = np.ptp(values, axis=(0, 1)) > 0
    return z_scores(values[..., moving], exact[moving])


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_moments_agree_with_enumeration(family):
    """False alarm: 1 % a family."""
    z = scores(family, FAMILIES.index(family))
    assert np.abs(z).max() < bonferroni_limit(z.size, FALSE_ALARM)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_moments_of_twenty_models(family):
    """False alarm: 1 % a family; the z scores are printed."""
    z = np.concatenate([scores(family, k, draws=2000) for k in range(MODELS_A_FAMILY)])
    limit = bonferroni_limit(z.size, FALSE_ALARM)
    print(
        f"{family.__name__}: {z.size} moments, largest |z| {np.abs(z).max():.2f}, limit {limit:.2f}"
    )
    assert np.abs(z).max() < limit


def test_a_wrong_conditional_is_caught(monkeypatch):
    """Spins drawn with log-odds 40 % too small."""
    exact = RelaxedVariable.draw
    monkeypatch.setattr(RelaxedVariable, "draw", lambda self, f, rng: exact(self, 0.6 * f, rng))
    z = scores(ising, 0)
    assert np.abs(z).max() > bonferroni_limit(z.size, 1e-4)
