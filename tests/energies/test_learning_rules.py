"""Weights of Hopfield networks against their definitions, and what they promise."""

import warnings

import numpy as np
import pytest

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.energies import Hopfield

RNG = np.random.default_rng(20261126)
PATTERNS = RNG.choice([-1.0, 1.0], (4, 30))


def storkey_by_loops(patterns):
    """Write the rule as the paper does, index by index."""
    n = patterns.shape[1]
    W = np.zeros((n, n))
    for xi in patterns:
        new = W.copy()
        for i in range(n):
            for j in range(n):
                if i == j:
                    continue
                h_ij = sum(W[i, k] * xi[k] for k in range(n) if k not in (i, j))
                h_ji = sum(W[j, k] * xi[k] for k in range(n) if k not in (i, j))
                new[i, j] += (xi[i] * xi[j] - xi[i] * h_ji - h_ij * xi[j]) / n
        W = new
    return W


def test_storkey_is_the_rule_of_the_paper():
    patterns = PATTERNS[:3, :12]
    np.testing.assert_allclose(
        ebm.Storkey().weights(patterns), storkey_by_loops(patterns), atol=1e-14
    )


def test_the_pseudo_inverse_projects():
    W = ebm.PseudoInverse().weights(PATTERNS)
    projection = PATTERNS.T @ np.linalg.inv(PATTERNS @ PATTERNS.T) @ PATTERNS
    expected = projection - np.diag(np.diag(projection))
    np.testing.assert_allclose(W, expected, atol=1e-12)


def test_correlated_patterns_are_fixed_points_of_the_pseudo_inverse_and_not_of_hebb():
    base = RNG.choice([-1.0, 1.0], 60)
    correlated = np.where(RNG.random((8, 60)) < 0.15, -base, base)
    for rule, holds in ((ebm.PseudoInverse(), True), (ebm.Hebb(), False)):
        W = rule.weights(correlated)
        assert bool((correlated * (correlated @ W) > 0).all()) == holds


def test_a_perceptron_keeps_its_margin():
    patterns = RNG.choice([-1.0, 1.0], (30, 60))  # α = .5, far beyond Hebb's .138
    W = ebm.Perceptron(margin=0.3).weights(patterns)
    stability = patterns * (patterns @ W) / np.linalg.norm(W, axis=1)
    assert stability.min() >= 0.3
    np.testing.assert_array_equal(W, W.T)
    assert not np.diag(W).any()


def test_a_margin_out_of_reach_is_reported():
    patterns = RNG.choice([-1.0, 1.0], (60, 20))
    with pytest.warns(UserWarning, match="miss the margin 2 after 5 epochs"):
        ebm.Perceptron(margin=2.0, epochs=5).weights(patterns)


def test_gardner_s_limit():
    # α_c(κ = 0) = 2 (Gardner 1988)
    assert ebm.Perceptron(margin=0.0).limit(100) == pytest.approx(200)


@pytest.mark.parametrize("rule", [ebm.Hebb(), ebm.PseudoInverse(), ebm.Storkey()])
def test_the_energy_is_that_of_the_weights(rule):
    network = Hopfield(PATTERNS, b=0.1, rule=rule)
    s = RNG.choice([-1.0, 1.0], (5, 30))
    W = rule.weights(PATTERNS)
    expected = -0.5 * np.einsum("ci,ij,cj->c", s, W, s) - 0.1 * s.sum(axis=1)
    np.testing.assert_allclose(network(s).eval(mode=PY), expected, atol=1e-12)
    by_weights = Hopfield(weights=W, b=0.1)
    np.testing.assert_allclose(by_weights(s).eval(mode=PY), expected, atol=1e-12)
    form = network.pairwise_form()
    i, j = form.graph.edges.T
    np.testing.assert_allclose(form.J.eval(mode=PY), W[i, j], atol=1e-12)


def test_a_network_is_put_back_as_it_was():
    for rule in (ebm.Hebb(), ebm.PseudoInverse(), ebm.Storkey()):
        network = Hopfield(PATTERNS, rule=rule)
        numbers = {k: v.eval(mode=PY) for k, v in network.parameters.items()}
        back = Hopfield.from_settings(numbers, network.settings())
        assert back(PATTERNS).eval(mode=PY) == pytest.approx(network(PATTERNS).eval(mode=PY))
        assert np.array_equal(back.memories.eval(mode=PY), PATTERNS)


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (([[1, 0, -1]],), {}, r"patterns\[0, 1\] = 0; spins are −1 or \+1"),
        (([[1, 0], [0, 1]],), {}, r"Values in \{0, 1\} become spins by 2 v − 1"),
        (([[1, np.inf]],), {}, "must be finite"),
        ((), {}, "pass patterns, or weights"),
        (([1, -1],), {}, "expected a matrix"),
        (([[1, -1]],), {"weights": np.eye(2), "rule": ebm.Hebb()}, "not both"),
        (([[1, -1]],), {"rule": ebm.Hebb}, "pass Hebb()"),
        (([[1, -1]],), {"rule": "hebb"}, "rule is a str"),
        ((), {"weights": [[0, 1], [2, 0]]}, r"weights\[0, 1\] = 1 and weights\[1, 0\] = 2"),
        ((), {"weights": [[0, 1]]}, "expected a square matrix"),
        (([[1, -1, 1]],), {"weights": np.zeros((2, 2))}, "patterns have 3 spins"),
        (
            ([[1, -1, 1], [1, 1, 1], [1, -1, 1]],),
            {"rule": ebm.PseudoInverse()},
            "pattern 2 repeats pattern 0",
        ),
        (
            ([[1, -1, 1], [-1, 1, -1]],),
            {"rule": ebm.PseudoInverse()},
            "pattern 1 is the reverse of pattern 0",
        ),
        (
            ([[1, 1], [1, -1], [-1, -1]],),
            {"rule": ebm.PseudoInverse()},
            "pattern 2 is the reverse of pattern 0",
        ),
        (([[1, -1]], [1.0, 2.0, 3.0]), {}, "b has shape"),
    ],
)
def test_bad_input(arguments, settings, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Hopfield(*arguments, **settings)


def test_too_many_patterns_are_reported_with_their_load():
    with pytest.warns(UserWarning, match=r"load of α = 0.4, and Hebb\(\) holds about 0.138"):
        Hopfield(RNG.choice([-1.0, 1.0], (40, 100)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Hopfield(RNG.choice([-1.0, 1.0], (5, 100)))
        Hopfield(RNG.choice([-1.0, 1.0], (40, 100)), rule=ebm.PseudoInverse())
