"""Acceptance rates, and cluster sizes."""

from __future__ import annotations

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge

NAMES = ("acceptance_rate", "mean_tree_accept", "acceptance", "field_acceptance", "accept")
LOWEST = 0.05  # below it a chain mostly stands still


def check(evidence: Evidence) -> list[Finding]:
    """Report how often proposals were accepted, and how large clusters were.

    The chain with the lowest acceptance; cluster sizes as a fact.
    """
    findings = []
    acceptance = evidence.statistic(*NAMES)
    if acceptance is not None:
        lowest = float(acceptance.astype(float).mean(axis=1).min())
        findings.append(
            judge(
                "acceptance", "proposals", "sampler", lowest,
                "proposals are accepted", "almost no proposal is accepted",
                "Take smaller steps, tune longer, or use another step method.", at_least=LOWEST,
            )
        )  # fmt: skip
    sizes = evidence.statistic("cluster_size")
    if sizes is not None:
        findings.append(
            Finding(
                "cluster size",
                "flipped at once",
                "sampler",
                float(sizes.mean()),
                float("nan"),
                "info",
                f"mean per chain from {sizes.mean(axis=1).min():.3g} to "
                f"{sizes.mean(axis=1).max():.3g} sites",
            )
        )
    return findings
