"""Kernel Stein tests: their size on correct chains, and what they see."""

import numpy as np
import pytest

from scipy.stats import binom, kstest

from pymc_ebm import stein_test
from pymc_ebm.diagnostics import kernel_stein
from pymc_ebm.diagnostics.evidence import Evidence
from tests.diagnostics.test_identities import drawn, exact, gaussian_draws, ising, potts


def autoregression(rho, d, rng, chains=4, draws=300):
    x = rng.normal(size=(chains, draws, d))
    x[:, 1:] *= np.sqrt(1 - rho**2)
    for t in range(1, draws):
        x[:, t] += rho * x[:, t - 1]
    return x


@pytest.mark.parametrize(("rho", "d"), [(0.0, 2), (0.9, 2)])
def test_size_on_correct_chains(rho, d):
    """150 runs at 5 %, within the 99.9 % points of a binomial (2 … 18 or so)."""
    rng = np.random.default_rng(1)
    p = [
        stein_test(x, -x, random_seed=rng).p_value
        for x in (autoregression(rho, d, rng) for _ in range(150))
    ]
    low, high = binom.ppf([0.0005, 0.9995], 150, 0.05)
    assert low <= np.sum(np.array(p) < 0.05) <= high
    assert kstest(p, "uniform").pvalue > 1e-3


def test_the_linear_version_has_its_size():
    rng = np.random.default_rng(2)
    p = [
        stein_test(x, -x, method="linear").p_value
        for x in (autoregression(0.7, 2, rng) for _ in range(300))
    ]
    low, high = binom.ppf([0.0005, 0.9995], 300, 0.05)
    assert low <= np.sum(np.array(p) < 0.05) <= high


@pytest.mark.parametrize("declare", [ising, potts], ids=lambda f: f.__name__)
def test_size_for_discrete_draws(declare):
    target, codes, probability, given = exact(declare)
    rng = np.random.default_rng(3)
    p = []
    for _ in range(150):
        rows = rng.choice(len(codes), size=(4, 100), p=probability)
        p.append(
            kernel_stein.discrete_stein_test(
                drawn(target, codes[rows], given), random_seed=rng
            ).p_value
        )
    low, high = binom.ppf([0.0005, 0.9995], 150, 0.05)
    assert low <= np.sum(np.array(p) < 0.05) <= high


def test_the_kernel_is_stein_s():
    """Its mean over exact draws is zero: checked by quadrature in one dimension."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    kernel, _parts = kernel_stein._imq_stein_kernel(nodes[:, None], -nodes[:, None], 1.3)
    weights = weights / weights.sum()
    np.testing.assert_allclose(kernel @ weights, 0, atol=1e-6)


def test_the_discrete_kernel_is_stein_s(monkeypatch):
    target, codes, probability, given = exact(potts)
    draws = drawn(target, codes[None], given)
    captured = {}

    def keep(kernel, *_):
        captured["kernel"] = kernel
        return 0.0, 1.0

    monkeypatch.setattr(kernel_stein, "bootstrapped", keep)
    kernel_stein.discrete_stein_test(draws)
    np.testing.assert_allclose(captured["kernel"] @ probability, 0, atol=1e-6)


def test_it_sees_what_moments_do_not_and_names_the_direction():
    """Mean and variance are right, the shape is not."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(4, 1000, 3))
    x[..., 1] = rng.choice([-1, 1], size=(4, 1000)) * np.sqrt(0.75) + 0.5 * x[..., 1]
    test = stein_test(x, -x)
    assert test.p_value < 1e-3
    assert test.direction == 1
    assert test.share > 0.6
    assert stein_test(x, -x, method="linear").p_value > test.p_value


def test_the_report_says_too_wide():
    x = 1.3 * np.random.default_rng(5).normal(size=(4, 500, 3))
    [result] = kernel_stein.check(Evidence(reals=gaussian_draws(x)))
    assert result.p_value < 1e-4
    assert "too wide" in result.fails
    [short] = kernel_stein.check(Evidence(reals=gaussian_draws(x[:, :30])))
    assert short.verdict == "not enough"


def test_bad_input():
    with pytest.raises(ValueError, match=r"x has shape \(4, 5\)"):
        stein_test(np.zeros((4, 5)), np.zeros((4, 5)))
    with pytest.raises(ValueError, match="neither 'quadratic' nor 'linear'"):
        stein_test(np.zeros((1, 5, 1)), np.zeros((1, 5, 1)), method="cubic")
