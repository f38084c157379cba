"""Perfect draws against enumeration: chi-square over all configurations, false alarm 0.1 % a case."""

import warnings

import numpy as np
import pymc as pm
import pytest

from scipy.stats import chisquare

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.forward.coupling_from_the_past import NotCoalescedError, draw_ferromagnet
from pymc_ebm.forward.elimination import draw_by_elimination, has_low_tree_width
from tests.oracles import KAUFMAN, all_spins, boltzmann, ising_energies

RNG = np.random.default_rng(5)
GRAPH = ebm.Graph.from_edges([(0, 1), (1, 2), (2, 3), (0, 3), (3, 4), (4, 5), (1, 4)])
TREE = ebm.Graph.from_edges([(0, 3), (3, 1), (3, 4), (2, 5)])  # two trees


def p_value(draws, probabilities, q=2):
    numbers = draws.astype(int) @ q ** np.arange(draws.shape[1])
    counts = np.bincount(numbers, minlength=len(probabilities))
    return chisquare(counts, len(draws) * probabilities).pvalue


@pytest.mark.parametrize("signs", ["ferromagnet", "gauged"])
def test_coupling_from_the_past_is_exact(signs):
    rng = np.random.default_rng(5)
    J = np.abs(rng.normal(0, 0.6, 7))
    if signs == "gauged":
        gauge = rng.choice([-1, 1], 6)
        J = J * gauge[GRAPH.edges[:, 0]] * gauge[GRAPH.edges[:, 1]]
    h = rng.normal(0, 0.4, 6)
    draws = draw_ferromagnet(GRAPH, J, h, np.random.default_rng(1), 40_000)
    exact = boltzmann(ising_energies(all_spins(6), GRAPH.edges, J, h))
    assert p_value(draws > 0, exact) > 1e-3
    broken = draw_ferromagnet(GRAPH, 0.9 * J, h, np.random.default_rng(1), 40_000)
    assert p_value(broken > 0, exact) < 1e-3


@pytest.mark.parametrize("graph", [TREE, GRAPH], ids=["trees", "cycles"])
@pytest.mark.parametrize("q", [2, 3])
def test_elimination_is_exact(q, graph):
    n, rng = graph.n_vertices, np.random.default_rng(q)
    K, w, field = np.eye(q), rng.normal(0, 1, graph.n_edges), rng.normal(0, 0.5, (n, q))
    numbers = (np.arange(q**n)[:, None] // q ** np.arange(n)) % q
    i, j = graph.edges.T
    log_weight = (w * K[numbers[:, i], numbers[:, j]]).sum(1) + field[np.arange(n), numbers].sum(1)
    draws = draw_by_elimination(graph, w, K, field, np.random.default_rng(1), 60_000)
    assert p_value(draws, boltzmann(-log_weight), q) > 1e-3
    broken = draw_by_elimination(graph, 0.8 * w, K, field, np.random.default_rng(1), 60_000)
    assert p_value(broken, boltzmann(-log_weight), q) < 1e-3


def test_reach_of_elimination():
    assert has_low_tree_width(ebm.Graph.square(10, 40, periodic=False), 2)
    assert not has_low_tree_width(ebm.Graph.square(40, 40), 2)
    assert not has_low_tree_width(ebm.Graph.square(400, 400), 2)


def test_pm_draw_is_perfect_at_the_critical_point():
    """64 independent draws of 16×16 spins, no warning; Kaufman's energy within 4 standard errors."""
    graph = ebm.Graph.square(16, 16)
    s = ebm.Ising.dist(1.0, graph=graph, beta=0.4406868)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", message="Numba will use object mode")
        draws = pm.draw(s, 64, random_seed=1).reshape(64, -1)
    energy = ising_energies(draws, graph.edges, 1.0, 0.0) / 256
    assert abs(energy.mean() - KAUFMAN[16]) < 4 * energy.std(ddof=1) / 8


def test_below_the_critical_temperature_it_says_so():
    graph = ebm.Graph.square(16, 16)
    J = np.full(graph.n_edges, 0.8)
    with pytest.raises(NotCoalescedError, match=r"not coalesced after \d+ sweeps: \d+ of 256"):
        draw_ferromagnet(graph, J, np.zeros(256), np.random.default_rng(1), 1, budget=2**20)
    frustrated = ebm.Graph.triangular(3, 3)
    assert draw_ferromagnet(frustrated, np.full(27, -1.0), np.zeros(9), RNG, 1) is None


def test_a_potts_tree_too_large_to_enumerate_is_drawn_exactly():
    """A chain of 40 states: P(neighbours agree) = e^J / (e^J + q − 1). Within 4 standard errors."""
    chain = ebm.Graph.from_edges([(k, k + 1) for k in range(39)])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", message="Numba will use object mode")
        draws = pm.draw(ebm.Potts.dist(0.8, q=3, graph=chain), 2000, random_seed=1)
    agree = (draws[:, 1:] == draws[:, :-1]).mean(axis=1)
    exact = np.exp(0.8) / (np.exp(0.8) + 2)
    assert abs(agree.mean() - exact) < 4 * agree.std(ddof=1) / np.sqrt(2000)


def test_forward_draws_of_the_other_families():
    """Enumerated families; and a Potts field too large for it, by long runs that say so."""
    families = {
        "potts": (ebm.energies.Potts(0.6, q=3, graph=GRAPH), 3, 0),
        "blume-capel": (ebm.energies.BlumeCapel(0.5, 0.1, 0.3, graph=GRAPH), 3, -1),
        "rbm": (ebm.energies.RBM(RNG.normal(0, 1, (6, 2)), 0.1, 0.2), 2, 0),
        "cubic": (
            ebm.energies.Custom(lambda x: x.prod() + 0.1 * x.sum(), (6,), support="spin"), 2, -1,
        ),
    }  # fmt: skip
    for energy, q, lowest in families.values():
        numbers = (np.arange(q**6)[:, None] // q ** np.arange(6)) % q
        values = numbers + lowest if q == 3 or lowest == 0 else 2 * numbers - 1
        exact = boltzmann(energy(values).eval(mode=PY))
        many = ebm.Boltzmann.dist(energy, shape=(1000, 6))
        draws = pm.draw(many, 40, random_seed=2).reshape(40_000, 6)
        coded = draws - lowest if q == 3 or lowest == 0 else (draws + 1) // 2
        assert p_value(coded, exact, q) > 1e-3
    large = ebm.Potts.dist(0.5, q=3, graph=ebm.Graph.square(8, 8))
    with pytest.warns(UserWarning, match=r"Potts: forward draws.*R-hat 1\.0"):
        draws = pm.draw(large, 4, random_seed=1)
    assert set(np.unique(draws)) == {0, 1, 2}
    wide = ebm.energies.RBM.random(30, 4, scale=0.5, random_seed=1)
    assert pm.draw(ebm.Boltzmann.dist(wide), 3, random_seed=1).shape == (3, 30)
    odd = ebm.energies.Custom(lambda x: x.prod(), (30,), support="spin")
    with pytest.raises(ValueError, match=r"2\^30 configurations.*pm\.sample"):
        pm.draw(ebm.Boltzmann.dist(odd))
