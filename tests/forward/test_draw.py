"""Forward draws: exact where they claim to be, honest where they are not."""

import warnings

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from scipy.stats import chisquare

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.forward import draw
from tests.oracles import all_spins, boltzmann, ising_energies
from tests.statistics import bonferroni_limit, iid_z_scores


def core(energy):
    return {name: value.eval(mode=PY) for name, value in energy.parameters.items()}


def test_few_spins_are_drawn_from_the_enumerated_distribution():
    rng = np.random.default_rng(2)
    graph = ebm.Graph.triangular(3, 3)
    J, h = rng.normal(0, 0.4, graph.n_edges), rng.normal(0, 0.4, (3, 3))
    energy = ebm.energies.Ising(J, h, graph=graph)
    spins = draw(energy, rng, core(energy), np.array(0.8), (200_000,)).reshape(-1, 9)
    p = boltzmann(ising_energies(all_spins(9), graph.edges, J, h.reshape(-1)), 0.8)
    counts = np.bincount(((spins > 0) << np.arange(9)).sum(axis=1), minlength=512)
    assert chisquare(counts, 200_000 * p).pvalue > 1e-3  # false alarm 0.1 %


def test_a_batch_of_fields_gives_each_its_own_distribution():
    graph = ebm.Graph.from_edges([(0, 1)])
    h = np.linspace(-1, 1, 3)[:, None] * np.ones(2)
    energy = ebm.energies.Ising(0.5, h, graph=graph)
    rng = np.random.default_rng(3)
    draws = np.stack([draw(energy, rng, core(energy), np.array(1.0), (3,)) for _ in range(4000)])
    expected = [
        boltzmann(ising_energies(all_spins(2), graph.edges, 0.5, row)) @ all_spins(2) for row in h
    ]
    z = iid_z_scores(draws.reshape(4000, -1), np.ravel(expected))
    assert np.abs(z).max() < bonferroni_limit(z.size)


def test_many_spins_run_a_chain_and_say_how_it_mixed():
    energy = ebm.energies.Ising(
        -0.2, graph=ebm.Graph.triangular(9, 9)
    )  # frustrated: no perfect draws
    rng = np.random.default_rng(4)
    with pytest.warns(UserWarning, match=r"heat-bath sweeps .* R-hat 1\.0\d\d and bulk ESS \d+\.$"):
        spins = draw(energy, rng, core(energy), np.array(1.0), (4000,))
    assert spins.shape == (4000, 9, 9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once an energy is enough
        draw(energy, rng, core(energy), np.array(1.0), (1,))


def test_a_chain_that_cannot_mix_says_so():
    glass = np.triu(np.random.default_rng(1).normal(0, 3, (40, 40)), 1)
    energy = ebm.energies.Ising(glass + glass.T)
    with pytest.warns(UserWarning, match="THEY DID NOT MIX"):
        draw(energy, np.random.default_rng(0), core(energy), np.array(1.0), (1,))


def test_real_energies_without_a_closed_form_run_langevin_chains():
    energy = ebm.energies.Custom(lambda x: pt.sum(x**4) / 4 + pt.sum(x**2) / 2, (2,))
    rng = np.random.default_rng(6)
    with pytest.warns(UserWarning, match="MALA steps"):
        x = draw(energy, rng, {}, np.array(1.0), (3000,))
    grid = np.linspace(-6, 6, 4001)
    p = boltzmann(grid**4 / 4 + grid**2 / 2)
    z = iid_z_scores(np.concatenate([x, x**2], axis=1), np.repeat([p @ grid, p @ grid**2], 2))
    assert np.abs(z).max() < bonferroni_limit(4)


def test_an_energy_that_needs_its_batch_is_drawn_as_one():
    center = np.array([[0.0], [5.0], [10.0]])
    rv = ebm.Boltzmann.dist(lambda x: 0.5 * pt.sum((x - center) ** 2, axis=-1), shape=(3, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draws = pm.draw(rv, draws=60, random_seed=1)
    z = iid_z_scores(draws.reshape(60, -1), np.repeat(center.reshape(-1), 2))
    assert np.abs(z).max() < bonferroni_limit(6)


def test_draws_depend_on_the_seed_alone():
    rv = ebm.Ising.dist(0.4, graph=ebm.Graph.square(5, 6))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, again, other = (pm.draw(rv, random_seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert first.dtype == np.int64


def test_prior_and_posterior_predictive():
    graph = ebm.Graph.square(3, 3)
    with pm.Model(coords={"row": range(3), "column": range(3)}):
        s = ebm.Ising("s", 0.3, graph=graph, dims=("row", "column"))
        pm.Normal("y", s, 0.5, observed=np.ones((3, 3)))
        idata = pm.sample_prior_predictive(300, random_seed=1)
        prior = idata["prior"]["s"]
        assert prior.dims == ("chain", "draw", "row", "column")
        p = boltzmann(ising_energies(all_spins(9), graph.edges, 0.3, 0.0))
        i, j = graph.edges.T
        pairs = prior.values.reshape(-1, 9)
        z = iid_z_scores((pairs[:, i] * pairs[:, j]).astype(float),
                         p @ (all_spins(9)[:, i] * all_spins(9)[:, j]))  # fmt: skip
        assert np.abs(z).max() < bonferroni_limit(z.size)
        trace = pm.sample(
            20, tune=20, chains=2, quiet=True, compute_convergence_checks=False, random_seed=1
        )
        predictive = pm.sample_posterior_predictive(trace, progressbar=False, random_seed=1)
    assert predictive["posterior_predictive"]["y"].shape == (2, 20, 3, 3)
