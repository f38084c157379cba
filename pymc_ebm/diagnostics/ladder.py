"""Tempering ladders: swaps and round trips."""

from __future__ import annotations

import numpy as np

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge

FEWEST_TRIPS = 10.0  # a chain: each brings one independent start to the target
MOST_REJECTED = 0.9
REMEDY = "Add rungs where swaps are rejected (leave ladder= out to have it tuned), or run longer."


def check(evidence: Evidence) -> list[Finding]:
    """Count round trips between the ends of the ladder and hold them against their bound.

    Round trips of the worst chain; their share of ``rounds / (2 + 2Λ)`` as a fact, Λ being the
    sum of the rejection rates; the mean swap rejection.

    References
    ----------
    Syed, S., Bouchard-Côté, A., Deligiannidis, G. and Doucet, A. (2021). Non-reversible parallel
    tempering: a scalable highly parallel MCMC scheme. JRSS B 84, 321-350.
    """
    trips = evidence.statistic("round_trips")
    if trips is None:
        return []
    per_chain = trips.sum(axis=1)
    fewest = float(per_chain.min())
    findings = [
        judge(
            "round trips", "ladder", "sampler", fewest, "replicas travel the ladder",
            "replicas do not travel the ladder: nothing new reaches the target",
            REMEDY, at_least=FEWEST_TRIPS,
        )
    ]  # fmt: skip
    barrier = evidence.statistic("barrier")
    sweeps = evidence.statistic("sweeps")
    if barrier is not None:
        rounds = sweeps.sum(axis=1) if sweeps is not None else np.full(len(trips), trips.shape[1])
        bound = float(np.mean(rounds / (2 + 2 * barrier[:, -1])))
        share = float(per_chain.mean()) / bound
        findings.append(
            Finding(
                "ladder efficiency", "round trips over rounds / (2 + 2Λ)", "sampler", share,
                np.nan, "info",
                f"Λ = {barrier[:, -1].mean():.2f}; at most {bound:.0f} trips a chain and ladder",
            )
        )  # fmt: skip
    rejection = evidence.statistic("swap_rejection")
    if rejection is not None:
        worst = float(rejection[:, -1].max())
        findings.append(
            judge(
                "swap rejection", "ladder", "sampler", worst,
                "neighbouring rungs overlap", "neighbouring rungs hardly overlap",
                REMEDY, at_most=MOST_REJECTED,
            )
        )  # fmt: skip
    return findings
