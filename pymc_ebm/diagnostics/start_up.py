"""Start-up bias: whether the first draws belong to the distribution of the others."""

from __future__ import annotations

import numpy as np

from arviz_stats.base import array_stats

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Result, Test
from pymc_ebm.diagnostics.monte_carlo import p_of_squares
from pymc_ebm.diagnostics.series import FIRST_WINDOW, WINDOW, Series, autocorrelation_time

FEWEST_DRAWS = 100
WINDOWS = (0.01, 0.025, 0.05, 0.1, 0.25)  # of a chain
REMEDY = "The warm-up was too short: raise tune=, or drop the first draws before using any."


def check(evidence: Evidence) -> list[Result]:
    """Compare the means of several first windows with the second half of the same chain.

    One a series that has at least 100 draws a chain.
    """
    return [
        Test(
            "start-up", s.name, s.kind, p_of_start(s), "the first draws look like the others",
            "the first draws do not belong to the distribution of the others", REMEDY,
        )
        for s in evidence.testable
        if s.draws >= FEWEST_DRAWS and s.share == 1
    ]  # fmt: skip


def p_of_start(s: Series) -> float:
    """Return the probability of first windows at least so far off in a stationary chain.

    The variance of a window's mean comes from the autocovariance of the second half,
    ``Var = (γ₀ + 2 Σ_{t<k} (1 − t/k) γ_t) / k``, cut off at five autocorrelation times. The
    values are normal scores, so that one rare but legitimate start cannot make an alarm.
    """
    half = s.draws // 2
    later = s.scores[:, half:]
    covariance = array_stats.autocov(later - later.mean(axis=1, keepdims=True), axis=1).mean(axis=0)
    tau, _closed = autocorrelation_time(covariance / covariance[0])
    memory = int(
        min(max(WINDOW * tau, FIRST_WINDOW), half // 2)
    )  # beyond it, autocovariances are noise
    # a mean that is estimated lowers every autocovariance by its own variance
    covariance = covariance[:memory] + covariance[0] * tau / later.shape[1]
    ess = later.size / max(tau, 1.0) / 2  # a variance from autocovariances is known half as well
    later_variance = covariance[0] * max(tau, 1.0) / later.shape[1]
    p_values = []
    for window in WINDOWS:
        k = max(int(window * s.draws), 4)
        lags = np.arange(1, min(k, memory))
        total = covariance[0] + 2 * np.sum((1 - lags / k) * covariance[1 : len(lags) + 1])
        variance = max(total, covariance[0] / k) / k
        first = s.scores[:, :k].mean(axis=1) - later.mean(axis=1)
        each = float(np.sum(first**2)) / (variance + later_variance)
        p_values.append(p_of_squares(each, s.chains, ess))
        common = first.mean() ** 2 / ((variance + later_variance) / s.chains)
        p_values.append(p_of_squares(float(common), 1, ess))
    return min(1.0, len(p_values) * min(p_values))
