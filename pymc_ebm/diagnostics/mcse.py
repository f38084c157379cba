"""Monte Carlo standard error of the mean."""

from __future__ import annotations

from arviz_stats.base import array_stats

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge, not_enough
from pymc_ebm.diagnostics.series import FEWEST_DRAWS

THRESHOLD = 0.1  # of the posterior standard deviation: the mean is worth 100 independent draws


def check(evidence: Evidence) -> list[Finding]:
    """Hold the Monte Carlo error of each mean against the spread of the distribution.

    Value: MCSE of the mean in posterior standard deviations.
    """
    findings = []
    for s in evidence.moving:
        if s.draws < FEWEST_DRAWS:
            why = f"{s.draws} draws a chain"
            findings.append(not_enough("MCSE / sd", s.name, s.kind, why, "Draw more."))
            continue
        mcse = float(array_stats.mcse(s.values, chain_axis=0, draw_axis=1, method="mean"))
        value = mcse / float(s.values.std()) * s.share**0.5
        findings.append(
            judge(
                "MCSE / sd", s.name, s.kind, value,
                "the mean is known well", "the mean is known badly",
                "Draw more; quote the mean with its MCSE.", at_most=THRESHOLD,
            )
        )  # fmt: skip
    return findings
