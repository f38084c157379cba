"""The Gaussian RBM against sums over hidden configurations and integrals on a grid."""

import numpy as np
import pymc as pm
import pytest

from scipy.special import logsumexp
from scipy.stats import kstest, norm

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from tests.statistics import bonferroni_limit, iid_z_scores

RNG = np.random.default_rng(5)
W, B, C = RNG.normal(0, 1.0, (3, 4)), RNG.normal(0, 0.5, 3), RNG.normal(0, 0.5, 4)
SIGMA = np.array([0.7, 1.0, 1.4])
HIDDEN = (np.arange(16)[:, None] >> np.arange(4)) & 1


def by_hand(v):
    """−log Σ_h exp(−E(v, h)), with the joint energy as it stands in the docstring."""
    joint = (
        0.5 * (((v - B) / SIGMA) ** 2).sum(axis=-1)[:, None]
        - (v / SIGMA**2) @ W @ HIDDEN.T
        - HIDDEN @ C
    )
    return -logsumexp(-joint, axis=1)


def test_the_energy_is_the_sum_over_hidden_units():
    v = RNG.normal(0, 2, (50, 3))
    energy = ebm.energies.GaussianRBM(W, B, C, SIGMA)
    np.testing.assert_allclose(energy(v).eval(mode=PY), by_hand(v), rtol=1e-12)
    rows = energy.replace(W=np.repeat(W[None], 2, 0), b=[B, B], c=[C, C], sigma=[SIGMA, SIGMA])
    np.testing.assert_allclose(rows(v[:2]).eval(mode=PY), by_hand(v[:2]), rtol=1e-12)


@pytest.mark.parametrize("rows", [1, 2])
def test_log_z_is_the_integral(rows):
    energy = ebm.energies.GaussianRBM(W[:rows], B[:rows], C, SIGMA[:rows])
    axis = np.linspace(-14, 14, 1401)
    grid = np.stack(np.meshgrid(*[axis] * rows, indexing="ij"), axis=-1)
    log_weights = -energy(grid).eval(mode=PY)
    integral = logsumexp(log_weights) + rows * np.log(axis[1] - axis[0])
    assert float(ebm.log_partition(energy).eval(mode=PY)) == pytest.approx(integral, abs=1e-9)


def test_hidden_means_are_conditional_probabilities():
    v = RNG.normal(0, 2, (5, 3))
    joint = (v / SIGMA**2) @ W @ HIDDEN.T + HIDDEN @ C
    p = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    energy = ebm.energies.GaussianRBM(W, B, C, SIGMA)
    np.testing.assert_allclose(energy.hidden_means(v).eval(mode=PY), p @ HIDDEN)


def test_draws_are_exact():
    """Means and products of independent draws, false alarm 1 %; and a marginal as a mixture."""
    energy = ebm.energies.GaussianRBM(W, B, C, SIGMA)
    draws = pm.draw(ebm.GaussianRBM.dist(W, B, C, SIGMA, shape=(40_000, 3)), random_seed=1)
    log_p = HIDDEN @ C + (((HIDDEN @ W.T) * B + 0.5 * (HIDDEN @ W.T) ** 2) / SIGMA**2).sum(axis=1)
    p = np.exp(log_p - logsumexp(log_p))
    means = B + HIDDEN @ W.T
    products = draws[:, [0, 0, 1]] * draws[:, [1, 2, 2]]
    found = np.column_stack([draws, draws**2, products])
    cross = (means[:, [0, 0, 1]] * means[:, [1, 2, 2]]).T @ p
    exact = np.concatenate([p @ means, p @ (means**2 + SIGMA**2), cross])
    assert np.abs(iid_z_scores(found, exact)).max() < bonferroni_limit(9)
    assert (
        kstest(draws[:, 0], lambda x: norm.cdf(x[:, None], means[:, 0], SIGMA[0]) @ p).pvalue > 1e-3
    )
    assert energy.n_hidden == 4


def test_bad_input():
    with pytest.raises(ValueError, match="sigma must be positive, got -1"):
        ebm.energies.GaussianRBM(W, sigma=-1.0)
    with pytest.raises(ValueError, match=r"sigma has shape \(2,\)"):
        ebm.energies.GaussianRBM(W, sigma=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"W has shape \(3,\); expected a matrix"):
        ebm.energies.GaussianRBM(W[:, 0])
    with pm.Model(), pytest.raises(ebm.MissingPartitionError, match="log_partition='auto'"):
        ebm.GaussianRBM("v", W, sigma=pm.HalfNormal("sigma"), observed=np.ones((4, 3)))
