"""Occupancy of basins: whether chains agree on it, and how often they cross."""

from __future__ import annotations

import numpy as np

from pymc_ebm.diagnostics.basins import Basins
from pymc_ebm.diagnostics.chain_agreement import REMEDY as DISAGREEMENT
from pymc_ebm.diagnostics.chain_agreement import p_of_equal_means
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, Result, Test, judge
from pymc_ebm.diagnostics.series import FEWEST_DRAWS, Series

LENGTHS = 50.0  # relaxation times in all chains together
CROSS = (
    "The chains cross between basins too rarely to weigh them: use tempering or cluster moves, or "
    "run longer."
)


def check(evidence: Evidence) -> list[Result]:
    """Test that chains occupy the basins alike, and that they cross often enough.

    A fact where there is one basin, or where nearly every draw has a minimum of its own, as in
    a hot or disordered system: there, basins say nothing about mixing.
    """
    results: list[Result] = []
    for basins in evidence.basins:
        if basins.count < 2 or not basins.informative:
            results.append(_fact(basins))
            continue
        results += _occupancies(basins)
        results.append(_relaxation(basins))
    return results


def _fact(basins: Basins) -> Finding:
    if not basins.informative:
        words = f"{basins.alone:.0%} of the draws have a minimum of their own: basins say nothing"
    elif basins.count == 0:
        words = "no minimum attracts more than 2 % of the draws"
    else:
        words = "the draws lead to one minimum; probe=True looks for others"
    return Finding(
        "basins", basins.variable, "model", float(basins.count), np.nan, "info", words
    )  # fmt: skip


def _occupancies(basins: Basins) -> list[Result]:
    results: list[Result] = []
    for k in range(basins.count):
        inside = Series("", "variable", (basins.labels == k).astype(float))
        if inside.chains < 2 or inside.draws < FEWEST_DRAWS:
            continue
        share = basins.occupancy[:, k]
        results.append(
            Test(
                "basin occupancy", f"{basins.variable}: basin {k}", "model",
                p_of_equal_means(inside), f"chains agree on its share, {share.mean():.0%}",
                f"its share is {share.min():.0%} in one chain and {share.max():.0%} in another",
                DISAGREEMENT,
            )
        )  # fmt: skip
    return results


def _relaxation(basins: Basins) -> Finding:
    threshold = basins.labels.size * basins.spacing / LENGTHS
    time = basins.relaxation_time
    shares = ", ".join(f"{share:.0%}" for share in basins.occupancy.mean(axis=0))
    crossings = int(basins.transitions.sum() - np.trace(basins.transitions))
    words = f"{basins.count} basins ({shares}), {crossings} crossings seen"
    return judge(
        "relaxation time", basins.variable, "model", time, words, words, CROSS, at_most=threshold
    )
