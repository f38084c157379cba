"""Integrated autocorrelation time with a self-consistent window."""

from __future__ import annotations

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge, not_enough
from pymc_ebm.diagnostics.series import FEWEST_DRAWS, autocorrelation_time

LENGTHS = 50.0  # autocorrelation times in all chains together, before the estimate can be trusted


def check(evidence: Evidence) -> list[Finding]:
    """Count the autocorrelation times that the draws span.

    Value: ``τ = 1 + 2 Σ_{t ≤ W} ρ(t)`` in draws, W being the first window of at least 5 τ.
    Threshold: a fiftieth of all draws. "Not enough" if no window is that long.

    References
    ----------
    Sokal, A. (1997). Monte Carlo methods in statistical mechanics: foundations and new
    algorithms, equation 3.19.
    """
    findings = []
    for s in evidence.moving:
        if s.kind == "variable":
            continue
        if s.draws < FEWEST_DRAWS:
            why = f"{s.draws} draws a chain"
            findings.append(not_enough("autocorrelation time", s.name, s.kind, why, "Draw more."))
            continue
        tau, closed = autocorrelation_time(s.autocorrelation)
        threshold = s.values.size / s.share / LENGTHS
        if not closed:
            findings.append(
                not_enough(
                    "autocorrelation time", s.name, s.kind,
                    f"longer than {tau:.0f} draws, a fifth of what the chain shows",
                    "Run longer chains, or let each draw move further.",
                )
            )  # fmt: skip
            continue
        findings.append(
            judge(
                "autocorrelation time", s.name, s.kind, tau,
                "the chains span many of them", "the chains span too few of them",
                "Run longer, or let each draw move further.", at_most=threshold,
            )
        )  # fmt: skip
    return findings
