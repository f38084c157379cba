"""Monte Carlo standard error of the mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arviz_stats.base import array_stats

from pymc_ebm.diagnostics.finding import Finding, Series

THRESHOLD = 0.1  # of the posterior standard deviation: the mean is worth 100 independent draws
FEWEST_DRAWS = 20


def check(series: Sequence[Series]) -> list[Finding]:
    """Hold the Monte Carlo error of each mean against the spread of the distribution.

    Parameters
    ----------
    series : sequence of Series
        The quantities; constant ones are left to the movement check.

    Returns
    -------
    list of Finding
        Value: MCSE of the mean in posterior standard deviations.
    """
    findings = []
    for s in series:
        if s.constant:
            continue
        if s.values.shape[1] < FEWEST_DRAWS:
            value, verdict = np.nan, "not enough"
        else:
            mcse = float(array_stats.mcse(s.values, chain_axis=0, draw_axis=1, method="mean"))
            value = mcse / float(np.std(s.values))
            verdict = "pass" if value <= THRESHOLD else "fail"
        findings.append(
            Finding(
                "MCSE / sd",
                s.name,
                s.kind,
                value,
                THRESHOLD,
                verdict,  # type: ignore[arg-type]
                "the mean is known well" if verdict == "pass" else "the mean is known badly",
                "" if verdict == "pass" else "Draw more; quote the mean with its MCSE.",
            )
        )
    return findings
