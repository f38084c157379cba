"""Tree depth, where NUTS ran."""

from __future__ import annotations

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge

THRESHOLD = 0.05  # of the draws; fewer cost time, not truth


def check(evidence: Evidence) -> list[Finding]:
    """Count the trajectories that ended for want of depth rather than by a U-turn.

    One; none where no NUTS ran.
    """
    reached = evidence.statistic("reached_max_treedepth", "maxdepth_reached")
    if reached is None:
        return []
    share = float(reached.mean())
    return [
        judge(
            "tree depth", "trajectories", "sampler", share,
            "trajectories turn by themselves",
            "trajectories are cut off before they turn: a slow walk",
            "Rescale or rotate the variables; raise max_treedepth if that cannot be done.",
            at_most=THRESHOLD,
        )
    ]  # fmt: skip
