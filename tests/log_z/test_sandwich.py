"""The corrected width of a pseudo-likelihood's posterior."""

import sys

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import pymc_ebm as ebm

GRAPH = ebm.Graph.complete(4)
TRUTH = np.array([0.6, 0.0, -0.5, 0.3, 0.0, 0.8])
PEOPLE = 800


@pytest.fixture(scope="module")
def fitted():
    data = pm.draw(ebm.Ising.dist(TRUTH, graph=GRAPH, shape=(PEOPLE, 4)), random_seed=1)
    with pm.Model(coords={"edge": list("abcdef")}) as model:
        J = pm.Normal("J", 0, 5, dims="edge")
        ebm.Ising("s", J, graph=GRAPH, observed=data, log_partition="pseudo")
        idata = pm.sample(1000, chains=2, cores=1, random_seed=1, progressbar=False, quiet=True)
    return data, model, idata


def test_width_is_that_of_the_estimator(fitted):
    """Beside the sampling distribution of the maximum pseudo-likelihood, by Newton's method.

    With 200 data sets its standard deviation is known to 5 %; Godambe's, from one data set, to about
    as much: 25 % is five times both together.
    """
    _, model, idata = fitted
    corrected = ebm.sandwich(idata, model, random_seed=1)
    got = corrected.posterior["J"].std(["chain", "draw"]).to_numpy()
    np.testing.assert_allclose(got, _estimator_sd(), rtol=0.25)
    mean = idata.posterior["J"].mean(["chain", "draw"])
    np.testing.assert_allclose(corrected.posterior["J"].mean(["chain", "draw"]), mean, atol=1e-10)
    assert list(corrected.posterior["J"]["edge"].to_numpy()) == list("abcdef")


def _estimator_sd() -> np.ndarray:
    from scipy.optimize import minimize

    i, j = GRAPH.edges.T
    rows = pm.draw(ebm.Ising.dist(TRUTH, graph=GRAPH, shape=(200, PEOPLE, 4)), random_seed=2)

    def minus(J, s):
        matrix = np.zeros((4, 4))
        matrix[i, j] = matrix[j, i] = J
        force = s @ matrix
        weight = s - np.tanh(force)
        slope = weight[:, i] * s[:, j] + weight[:, j] * s[:, i]
        return np.logaddexp(0, -2 * s * force).sum(), -slope.sum(axis=0)

    found = [minimize(minus, TRUTH, args=(s.astype(float),), jac=True).x for s in rows]
    return np.std(found, axis=0)


def test_simulated_and_observed_scores_agree(fitted, monkeypatch):
    """Variance of the score from the 800 people, and from 2 000 simulated data sets: within 25 %."""
    _, model, idata = fitted
    observed = ebm.sandwich(idata, model, random_seed=1).posterior["J"].std(["chain", "draw"])
    module = sys.modules[ebm.sandwich.__module__]
    monkeypatch.setattr(module, "OBSERVATIONS", 10**9)
    simulated = ebm.sandwich(idata, model, simulations=2000, random_seed=1)
    np.testing.assert_allclose(simulated.posterior["J"].std(["chain", "draw"]), observed, rtol=0.25)


def test_bad_input(fitted):
    _, model, idata = fitted
    other = xr.DataTree.from_dict({"posterior": idata.posterior.to_dataset().rename(J="K")})
    with pytest.raises(ValueError, match=r"no draws of \['J'\]"):
        ebm.sandwich(other, model)
    with pm.Model() as exact:
        pm.Normal("J")
    with pytest.raises(ValueError, match="log_partition='pseudo'"):
        ebm.sandwich(idata, exact)
