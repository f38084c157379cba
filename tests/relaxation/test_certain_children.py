"""A child's log-likelihood is compared between states, never bounded."""

import numpy as np
import pymc as pm
import pytest

import pymc_ebm as ebm

from pymc_ebm.dependence import PY


@pytest.mark.parametrize("family", ["spins", "states"])
def test_many_observations_of_an_entry_move_the_noise(family):
    """With 120 000 observations a state's log-likelihood lies below -1e5; so does its prior's rival."""
    y = np.random.default_rng(0).normal(size=(2, 120_000)) + np.array([[1.0], [0.0]])
    graph = ebm.Graph.from_edges([(0, 1)])
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma", 2.0)
        if family == "spins":
            s = ebm.Ising("s", 0.3, graph=graph)
            truth, mean = np.array([1, -1], np.int8), 0.5 * (s + 1)
        else:
            s = ebm.Potts("s", 0.3, q=3, graph=graph)
            truth, mean = np.array([1, 0], np.int8), s
        pm.Normal("y", mu=mean[:, None], sigma=sigma, observed=y)
    relaxed = ebm.relax(model)
    point = relaxed.initial_point()
    ours, exact = relaxed.compile_logp(mode=PY), model.compile_logp(mode=PY)
    grid = [-0.3, 0.0, 0.3, 0.6]
    got = [float(ours({**point, "sigma_log__": np.array(v)})) for v in grid]
    expected = [float(exact({"s": truth, "sigma_log__": np.array(v)})) for v in grid]
    np.testing.assert_allclose(np.diff(got), np.diff(expected), rtol=1e-4)
