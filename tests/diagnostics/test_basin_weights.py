"""Weights of basins on plain arrays: a known mixture, and draws that occupy it rightly or not."""

import numpy as np
import pytest

from scipy.stats import binom

from pymc_ebm.diagnostics.basin_weights import bridge, weigh
from pymc_ebm.diagnostics.proposals import Product, Student

CENTERS, WIDTHS, SHARES = np.array([-3.0, 3.0]), np.array([0.25, 1.0]), np.array([0.7, 0.3])
D = 5


def log_density(x):
    """Return that of a narrow and a wide normal mode, normalised up to (2π)^{d/2}."""
    squares = np.sum((x[..., None, :] - CENTERS[:, None]) ** 2, axis=-1) / WIDTHS**2
    return np.logaddexp.reduce(np.log(SHARES) - D * np.log(WIDTHS) - squares / 2, axis=-1)


def draws(narrow, rng, size=(4, 500)):
    which = (rng.random(size) > narrow).astype(int)
    return CENTERS[which][..., None] + WIDTHS[which][..., None] * rng.normal(size=(*size, D))


def weighed(x, rng, count=400):
    proposals = [
        Student(np.full(D, c), 1.2 * w * np.eye(D)) for c, w in zip(CENTERS, WIDTHS, strict=True)
    ]
    points = np.stack([q.sample(count, rng) for q in proposals])
    log_q = np.stack([q.log_density(points) for q in proposals], axis=-1)
    return weigh(
        log_density(points), log_q, log_density(x),
        np.stack([q.log_density(x) for q in proposals], axis=-1),
    )  # fmt: skip


def test_weights_and_their_errors_are_right_and_the_test_keeps_its_level():
    """100 runs on exact draws: errors within 0.25 of the scatter (3.5 standard errors), level 5 %."""
    rng = np.random.default_rng(1)
    runs = [weighed(draws(0.7, rng), rng) for _ in range(100)]
    z = [(r.share[0] - 0.7) / (r.share[0] * r.relative_error[0]) for r in runs]
    assert np.std(z) == pytest.approx(1, abs=0.25)
    assert abs(np.mean(z)) < 4 / np.sqrt(100)
    assert sum(r.p_value[0] < 0.05 for r in runs) <= binom.isf(0.001, 100, 0.05)


@pytest.mark.parametrize("narrow", [0.0, 0.002, 0.5, 1.0])
def test_a_wrong_occupancy_is_seen(narrow):
    """Whether or not the draws have seen both modes."""
    rng = np.random.default_rng(2)
    found = weighed(draws(narrow, rng), rng)
    assert found.share[0] == pytest.approx(0.7, abs=5 * 0.7 * found.relative_error[0])
    assert np.all(found.p_value < 1e-6)


def test_a_bridge_needs_no_draws_and_gains_by_them():
    """Z of a standard normal from proposals half as wide again: log √(2π)."""
    rng = np.random.default_rng(3)
    y, x = 1.5 * rng.normal(size=2000), rng.normal(size=2000)

    def ratio(u):
        return -(u**2) / 2 + u**2 / (2 * 1.5**2) + np.log(1.5 * np.sqrt(2 * np.pi))

    alone, alone_variance, _ = bridge(ratio(y), np.array([]), 1.0)
    both, variance, _ = bridge(ratio(y), ratio(x), 1.0)
    assert variance < alone_variance
    for log_z, error in ((alone, alone_variance**0.5), (both, variance**0.5)):
        assert log_z == pytest.approx(np.log(2 * np.pi) / 2, abs=4 * error)


def test_proposals_have_the_densities_they_are_drawn_from():
    """The mean of p/q over draws of q is one: for Student's t up to its constant, for sites exactly."""
    rng = np.random.default_rng(4)
    log_q = np.log(rng.dirichlet([1.0, 2.0, 3.0], size=4))
    product = Product(log_q)
    x = product.sample(20_000, rng)
    ratio = np.exp(4 * np.log(1 / 3) - product.log_density(x))
    assert ratio.mean() == pytest.approx(1, abs=5 * ratio.std() / np.sqrt(len(x)))
    student = Student(np.array([1.0, -1.0]), np.array([[2.0, 0.0], [0.5, 0.3]]))
    y = student.sample(20_000, rng)
    constant = np.log(1 / (2 * np.pi))  # Γ(7/2) / (Γ(5/2) 5π) = 1/(2π)
    target = -np.sum((y - [1, -1]) ** 2, axis=1) / 2 - np.log(2 * np.pi)
    ratio = np.exp(target - student.log_density(y) - constant)
    assert ratio.mean() == pytest.approx(1, abs=5 * ratio.std() / np.sqrt(len(y)))
