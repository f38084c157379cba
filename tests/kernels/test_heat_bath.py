"""Heat bath keeps the Boltzmann distribution, and a heat bath that is a little wrong does not.

Independent exact draws go in; after one sweep they must still be exact draws. All draws are
independent, so the chi-square test over all configurations is exact up to its asymptotics. False
alarm: 0.1 % a test.
"""

import numba
import numpy as np
import pytest

from scipy.stats import chisquare

from pymc_ebm import Graph
from pymc_ebm.kernels import heat_bath, heat_bath_tables
from pymc_ebm.kernels.heat_bath import uniform_coupling_sweeps, weighted_sweeps
from pymc_ebm.kernels.xoshiro import next_word, seed_state, uniform
from pymc_ebm.moves.heat_bath import HeatBath
from tests.oracles import all_spins, boltzmann, ising_energies

REPLICATES = 400_000
ALPHA = 1e-3


@numba.njit
def broken_uniform(spins, neighbors, sites, coupling, field, sweeps, state):
    """Heat bath that is up 2 % too often, relative to what it should be."""
    n, degree = neighbors.shape
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        for k in range(n):
            total = 0
            for e in range(degree):
                total += spins[neighbors[k, e]]
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            odds = np.exp(-2.0 * (coupling * total + field[sites[k]]))
            spins[sites[k]] = 1 if uniform(word) * (1.0 + odds) < 1.02 else -1
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@numba.njit
def broken_weighted(spins, indptr, indices, weights, sites, field, sweeps, state):
    """Repeat the fault with a coupling on every edge."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        for k in range(sites.size):
            i = sites[k]
            local = field[i]
            for e in range(indptr[i], indptr[i + 1]):
                local += weights[e] * spins[indices[e]]
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            spins[i] = 1 if uniform(word) * (1.0 + np.exp(-2.0 * local)) < 1.02 else -1
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


def broken_tables(weights, odds_tables=heat_bath_tables.odds_tables):
    """Make the odds against +1 four percent too small, which is up to 2 % too often up."""
    odds = odds_tables(weights)
    odds[:, :8] *= 0.96
    return odds


CASES = {
    "uniform, ring, field": (Graph.from_edges([(0, 1), (1, 2), (2, 3), (0, 3)]), 0.5, True),
    "uniform, square 3x3 (degree 4)": (Graph.square(3, 3), -0.3, True),
    "uniform, no field": (Graph.complete(4), 0.4, False),
    "weighted, complete, field": (Graph.complete(5), None, True),
    "weighted, star": (Graph.from_edges([(0, k) for k in range(1, 6)]), None, True),
}


def p_value_of_one_sweep(graph, coupling, with_field, seed=20):
    """Return the chi-square p-value of exact draws after one sweep."""
    rng = np.random.default_rng(seed)
    J = rng.normal(0, 0.6, graph.n_edges) if coupling is None else np.full(graph.n_edges, coupling)
    h = rng.normal(0, 0.4, graph.n_vertices) if with_field else np.zeros(graph.n_vertices)
    states = all_spins(graph.n_vertices)
    probabilities = boltzmann(ising_energies(states, graph.edges, J, h))
    start = rng.choice(len(states), size=REPLICATES, p=probabilities)
    spins = states[start].astype(np.int8)
    engine = HeatBath(graph, J)
    state = seed_state(rng)
    for chain in spins:
        engine.sweep(chain, h, 1, state)
    after = ((spins > 0) << np.arange(graph.n_vertices)).sum(axis=1)
    counts = np.bincount(after, minlength=len(states))
    return engine, chisquare(counts, REPLICATES * probabilities).pvalue


@pytest.mark.parametrize("case", CASES)
def test_one_sweep_keeps_exact_draws_exact(case):
    graph, coupling, with_field = CASES[case]
    engine, p_value = p_value_of_one_sweep(graph, coupling, with_field)
    assert (engine.kernel == "uniform") == case.startswith("uniform")
    assert p_value > ALPHA


def test_tables_take_the_decisions_of_exponentials():
    """Padded neighbours, one to three groups of them, fields; and couplings too strong for tables."""
    rng = np.random.default_rng(3)
    for graph in (Graph.square(4, 5, periodic=False), Graph.triangular(4, 5), Graph.complete(9)):
        n, (indptr, indices, numbers) = graph.n_vertices, graph.neighbors
        J, h = rng.normal(0, 0.5, graph.n_edges), rng.normal(0, 0.5, n)
        first = rng.choice(np.array([-1, 1], np.int8), n)
        second, words = first.copy(), seed_state(rng)
        engine = HeatBath(graph, J)
        assert engine.kernel == "tabled"
        engine.sweep(first, h, 200, words.copy())
        weighted_sweeps(second, indptr, indices, J[numbers], engine._sites, h, 200, words.copy())
        np.testing.assert_array_equal(first, second)
        engine.set_coupling(1e3 * J)
        assert engine.kernel == "sparse"


@pytest.mark.parametrize(
    "case", ["uniform, ring, field", "weighted, complete, field", "weighted, star"]
)
def test_two_percent_off_is_caught(case, monkeypatch):
    monkeypatch.setattr(heat_bath_tables, "odds_tables", broken_tables)
    monkeypatch.setattr(heat_bath, "uniform_coupling_sweeps", broken_uniform)
    monkeypatch.setattr(heat_bath, "weighted_sweeps", broken_weighted)
    _, p_value = p_value_of_one_sweep(*CASES[case])
    assert p_value < ALPHA


def test_both_kernels_take_the_same_decisions():
    graph = Graph.square(4, 4)
    rng = np.random.default_rng(3)
    h = rng.normal(0, 0.5, 16)
    start = rng.choice(np.array([-1, 1], np.int8), 16)
    engine = HeatBath(graph, np.full(graph.n_edges, 0.3))
    first, state = np.append(start, np.int8(0)), seed_state(np.random.default_rng(4))
    uniform_coupling_sweeps(first, engine._padded, engine._sites, 0.3, h, 50, state)
    second, state = start.copy(), seed_state(np.random.default_rng(4))
    indptr, indices, _ = graph.neighbors
    weights = np.full(indices.size, 0.3)
    weighted_sweeps(second, indptr, indices, weights, engine._sites, h, 50, state)
    np.testing.assert_array_equal(first[:-1], second)


@pytest.mark.parametrize("strength", [1e3, 1e300])
def test_certain_fields_do_not_overflow(strength):
    graph = Graph.square(4, 4)
    h = np.where(np.arange(16) % 2 == 0, strength, -strength)
    for J in (np.full(graph.n_edges, 800.0), np.linspace(1, 2, graph.n_edges)):
        spins = np.ones(16, np.int8)
        field = h if J[0] < 100 else 100 * h
        HeatBath(graph, J).sweep(spins, field, 3, seed_state(np.random.default_rng(0)))
        if J[0] < 100:
            np.testing.assert_array_equal(spins, np.sign(h))
        assert set(np.unique(spins)) <= {-1, 1}
