"""Identical and correlated chains: a seeding fault."""

from __future__ import annotations

import numpy as np

from arviz_stats.base import array_stats
from scipy.special import stdtr

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Result, Test
from pymc_ebm.diagnostics.monte_carlo import degrees_of_freedom
from pymc_ebm.diagnostics.series import Series

FEWEST_DRAWS = 50
REMEDY = (
    "Chains must be independent: give each its own seed (one random_seed= for pm.sample does so), "
    "and its own start."
)


def check(evidence: Evidence) -> list[Result]:
    """Test that no two chains are correlated draw by draw.

    The cross-correlation of two chains at lag zero has the variance
    ``Σ_t ρ_a(t) ρ_b(t) / N`` if they are independent (Bartlett).

    One a series: the smallest p-value of all pairs of chains, times their number.

    References
    ----------
    Bartlett, M. S. (1946). On the theoretical specification and sampling properties of
    autocorrelated time-series. JRSS Supplement 8, 27-41.
    """
    results: list[Result] = []
    for s in evidence.testable:
        if s.chains < 2 or s.draws < FEWEST_DRAWS:
            continue
        p_value, first, second = p_of_independence(s)
        results.append(
            Test(
                "independent chains", s.name, s.kind, p_value, "no two chains follow each other",
                f"chains {first} and {second} follow each other draw by draw", REMEDY,
            )
        )  # fmt: skip
    return results


def p_of_independence(s: Series) -> tuple[float, int, int]:
    """Return the probability of chains at least so correlated, and the pair that is most so."""
    centred = s.scores - s.scores.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1)
    moving = np.flatnonzero(spread > 0)
    if len(moving) < 2:
        return 1.0, 0, 1
    unit = centred[moving] / spread[moving, None]
    # estimates of ρ(t) scatter by 1/√N: beyond a fifth of the chain they only add noise
    rho = array_stats.autocov(unit, axis=1)[:, : s.draws // 5]
    tapered = rho * (1 - np.arange(rho.shape[1]) / rho.shape[1])
    correlation = unit @ unit.T / s.draws
    variance = np.maximum(2 * tapered @ tapered.T - 1, 1.0) / s.draws
    z = np.abs(correlation) / np.sqrt(variance)
    np.fill_diagonal(z, 0.0)
    a, b = np.unravel_index(int(np.argmax(z)), z.shape)
    pairs = len(moving) * (len(moving) - 1) / 2
    n_eff = 1 / float(variance[a, b])
    # Student's t of a correlation coefficient
    r = min(float(abs(correlation[a, b])), 1 - 1e-12)
    df = degrees_of_freedom(4 * n_eff)
    p_value = 2 * float(stdtr(df, -r * np.sqrt(n_eff) / np.sqrt(1 - r**2)))
    pair = sorted((int(moving[a]), int(moving[b])))
    return min(1.0, pairs * p_value), pair[0], pair[1]
