"""Drift: whether the second half of the chains tells what the first half told."""

from __future__ import annotations

import numpy as np

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Result, Test, not_enough
from pymc_ebm.diagnostics.monte_carlo import p_of_squares
from pymc_ebm.diagnostics.series import Series

FEWEST_DRAWS = 100
REMEDY = (
    "The chains are still on their way: drop the first half and run as long again, until the "
    "halves agree."
)


def check(evidence: Evidence) -> list[Result]:
    """Test stationarity: a trend common to the chains, and a trend of any of them.

    The contrast between the means of the halves of each chain's normal scores, in standard errors
    from the chain's ESS, is summed over chains (a common trend) and its squares are (any trend).

    One a series.

    References
    ----------
    Geweke, J. (1992). Evaluating the accuracy of sampling-based approaches to the calculation of
    posterior moments. Bayesian Statistics 4, 169-193.
    """
    results: list[Result] = []
    for s in evidence.testable:
        if s.share < 1:
            continue
        if s.draws < FEWEST_DRAWS:
            why = f"{s.draws} draws a chain show no trend"
            results.append(not_enough("drift", s.name, s.kind, why, f"Draw {FEWEST_DRAWS}."))
            continue
        results.append(
            Test(
                "drift", s.name, s.kind, p_of_no_trend(s), "both halves tell the same",
                "the second half differs from the first", REMEDY,
            )
        )  # fmt: skip
    return results


def p_of_no_trend(s: Series) -> float:
    """Return the probability of halves at least so different, were the chains stationary."""
    half = s.draws // 2
    contrast = s.scores[:, -half:].mean(axis=1) - s.scores[:, :half].mean(axis=1)
    error = 2 * s.scores.std(axis=1, ddof=1) / np.sqrt(s.chain_ess)
    z = contrast / error
    ess = float(s.chain_ess.mean())
    any_trend = p_of_squares(float(np.sum(z**2)), len(z), ess)
    common = p_of_squares(float(z.sum() ** 2 / len(z)), 1, ess * len(z))
    return min(2 * min(any_trend, common), 1.0)
