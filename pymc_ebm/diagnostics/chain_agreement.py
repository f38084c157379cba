"""Agreement of the chains' means within their own errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arviz_stats.base import array_stats
from scipy.stats import f as f_distribution

from pymc_ebm.diagnostics.finding import Finding, Series

FALSE_ALARM = 0.01  # over all quantities together
FEWEST_DRAWS = 50


def check(series: Sequence[Series]) -> list[Finding]:
    """Test that all chains have the same mean.

    With chain means ``m_c``, their MCSEs ``e_c`` and the precision-weighted mean ``m``,
    ``Q = Σ_c (m_c − m)² / e_c²`` over ``C − 1`` is held against an F distribution; its second
    degree of freedom, a quarter of the smallest ESS of a chain, allows for errors that are
    estimates themselves. The level is shared out over the quantities (Bonferroni).

    Parameters
    ----------
    series : sequence of Series
        The quantities; constant ones are left to the movement check.

    Returns
    -------
    list of Finding
        Value: the p-value.
    """
    moving = [s for s in series if not s.constant]
    level = FALSE_ALARM / max(len(moving), 1)
    findings = []
    for s in moving:
        chains, draws = s.values.shape
        if chains < 2 or draws < FEWEST_DRAWS:
            findings.append(
                Finding(
                    "chain means", s.name, s.kind, np.nan, level, "not enough",
                    f"{chains} chain(s) of {draws} draws cannot be compared",
                    f"Run at least 2 chains of {FEWEST_DRAWS} draws.",
                )
            )  # fmt: skip
            continue
        p_value = _p_value(s.values)
        passed = p_value >= level
        findings.append(
            Finding(
                "chain means",
                s.name,
                s.kind,
                p_value,
                level,
                "pass" if passed else "fail",
                "means agree within their errors" if passed else "means differ beyond their errors",
                ""
                if passed
                else "The chains describe different distributions: do not average "
                "them. Look for basins, a metastable start, or too short a warm-up.",
            )
        )
    return findings


def _p_value(values: np.ndarray) -> float:
    """Return the probability of means at least so far apart, were they equal."""
    stuck = np.ptp(values, axis=1) == 0
    if stuck.any():
        return 0.0 if np.ptp(values[stuck]) > 0 or not stuck.all() else 1.0
    means = values.mean(axis=1)
    ess = np.array(
        [array_stats.ess(c[None], chain_axis=0, draw_axis=1, method="mean") for c in values]
    )
    errors = values.std(axis=1, ddof=1) / np.sqrt(ess)
    weights = errors**-2
    center = np.sum(weights * means) / weights.sum()
    q = float(np.sum(weights * (means - center) ** 2))
    df = len(means) - 1
    return float(f_distribution.sf(q / df, df, max(float(ess.min()) / 4, 2.0)))
