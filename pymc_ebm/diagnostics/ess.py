"""Effective sample size of the bulk and the tails."""

from __future__ import annotations

from typing import Any

import numpy as np

from arviz_stats.base import array_stats

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge, not_enough
from pymc_ebm.diagnostics.series import FEWEST_DRAWS

PER_CHAIN = 100.0  # Vehtari et al. (2021): 400 over four chains
METHODS: dict[str, dict[str, Any]] = {
    "bulk": {"method": "bulk"},
    "tail": {"method": "tail", "prob": (0.05, 0.95)},
}
REMEDY = "Draw more, or let each draw move further (sweeps=, a better step)."


def check(evidence: Evidence) -> list[Finding]:
    """Count how many independent draws the chains are worth.

    Two for each quantity: bulk and tail. A quantity of fewer than ten distinct values has no
    tails to speak of, and gets the first only.
    """
    findings = []
    for s in evidence.moving:
        threshold = PER_CHAIN * s.chains * s.share
        has_tails = len(np.unique(s.values)) >= 10
        for method, options in METHODS.items() if has_tails else [("bulk", METHODS["bulk"])]:
            name = f"{method} ESS"
            if s.draws < FEWEST_DRAWS:
                findings.append(
                    not_enough(name, s.name, s.kind, f"{s.draws} draws a chain", "Draw more.")
                )
                continue
            with np.errstate(invalid="ignore"):  # a tail that one chain has not seen: NaN
                value = float(array_stats.ess(s.values, chain_axis=0, draw_axis=1, **options))
            findings.append(
                judge(
                    name, s.name, s.kind, value,
                    "enough independent draws", "draws are too few or too correlated",
                    REMEDY, at_least=threshold,
                )
            )  # fmt: skip
    return findings
