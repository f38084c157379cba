"""Effective sample size of the bulk and the tails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from arviz_stats.base import array_stats

from pymc_ebm.diagnostics.finding import Finding, Series

PER_CHAIN = 100.0  # Vehtari et al. (2021): 400 over four chains
METHODS: dict[str, dict[str, Any]] = {
    "bulk": {"method": "bulk"},
    "tail": {"method": "tail", "prob": (0.05, 0.95)},
}
FEWEST_DRAWS = 20


def check(series: Sequence[Series]) -> list[Finding]:
    """Count how many independent draws the chains are worth.

    Parameters
    ----------
    series : sequence of Series
        The quantities; constant ones are left to the movement check.

    Returns
    -------
    list of Finding
        Two for each quantity: bulk and tail. A quantity of fewer than ten distinct values has no
        tails to speak of, and gets the first only.
    """
    findings = []
    for s in series:
        if s.constant:
            continue
        threshold = PER_CHAIN * s.values.shape[0]
        has_tails = len(np.unique(s.values)) >= 10
        for method, options in METHODS.items() if has_tails else [("bulk", METHODS["bulk"])]:
            if s.values.shape[1] < FEWEST_DRAWS:
                value, verdict = np.nan, "not enough"
            else:
                value = float(array_stats.ess(s.values, chain_axis=0, draw_axis=1, **options))
                verdict = "pass" if value >= threshold else "fail"
            findings.append(
                Finding(
                    f"{method} ESS",
                    s.name,
                    s.kind,
                    value,
                    threshold,
                    verdict,  # type: ignore[arg-type]
                    "enough independent draws"
                    if verdict == "pass"
                    else "draws are too few or too correlated",
                    ""
                    if verdict == "pass"
                    else "Draw more, or let each draw move further (sweeps=, a better step).",
                )
            )
    return findings
