"""Rank-normalised R-hat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arviz_stats.base import array_stats

from pymc_ebm.diagnostics.finding import Finding, Series

THRESHOLD = 1.01  # Vehtari et al. (2021)
FEWEST_DRAWS = 20


def check(series: Sequence[Series]) -> list[Finding]:
    """Compare the spread between chains with the spread within.

    Parameters
    ----------
    series : sequence of Series
        The quantities; constant ones are left to the movement check.

    Returns
    -------
    list of Finding

    References
    ----------
    Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Bürkner, P.-C. (2021). Rank-
    normalization, folding, and localization: an improved R-hat. Bayesian Analysis 16(2), 667-718.
    """
    findings = []
    for s in series:
        if s.constant:
            continue
        if s.values.shape[0] < 2 or s.values.shape[1] < FEWEST_DRAWS:
            findings.append(
                Finding(
                    "R-hat", s.name, s.kind, np.nan, THRESHOLD, "not enough",
                    f"{s.values.shape[0]} chain(s) of {s.values.shape[1]} draws cannot be compared",
                    f"Run at least 2 chains of {FEWEST_DRAWS} draws.",
                )
            )  # fmt: skip
            continue
        value = float(array_stats.rhat(s.values, chain_axis=0, draw_axis=1))
        passed = value < THRESHOLD
        findings.append(
            Finding(
                "R-hat",
                s.name,
                s.kind,
                value,
                THRESHOLD,
                "pass" if passed else "fail",
                "chains agree" if passed else "chains have not reached one distribution",
                ""
                if passed
                else "Run longer. If it stays, the chains sit in different basins: "
                "use tempering or cluster moves, or look at each chain apart.",
            )
        )
    return findings
