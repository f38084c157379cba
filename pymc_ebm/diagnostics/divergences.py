"""Divergences, where HMC ran."""

from __future__ import annotations

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge

THRESHOLD = 0.001  # fewer are rounding at the edges, and the identities would see a bias


def check(evidence: Evidence) -> list[Finding]:
    """Count divergent transitions.

    One; none where no Hamiltonian sampler ran. Value: share of the trajectories.
    """
    diverging = evidence.statistic("diverging", "field_diverging")
    if diverging is None:
        return []
    count, share = int(diverging.sum()), float(diverging.mean())
    return [
        judge(
            "divergences", "trajectories", "sampler", share,
            f"the integrator kept its way, but for {count} of {diverging.size} trajectories",
            f"the integrator lost its way {count} times: some region is not entered",
            "Reparametrise (non-centred), or raise target_accept to 0.95.", at_most=THRESHOLD,
        )
    ]  # fmt: skip
