"""Movement: quantities that no chain changes, and what is conserved within each."""

from __future__ import annotations

import numpy as np

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import FEWEST_EVENTS, Finding, judge

REMEDY = (
    "The sampler is frozen or reducible: start at another temperature, check that the step fits "
    "the support, or use a move that crosses the barrier."
)


def check(evidence: Evidence) -> list[Finding]:
    """Find energies and order parameters that no chain changes.

    A single entry of a variable may well be certain; the energy of a random configuration is not.

    One for each energy and order parameter, and for entries that are stuck at different
    values in different chains.
    """
    findings = []
    for s in evidence.series:
        apart = s.constant and np.ptp(s.values) > 0
        if s.kind not in ("energy", "order parameter") and not apart:
            continue
        owners = [d for d in evidence.discretes if s.name.startswith(f"{d.name}_")]
        certain = owners and owners[0].expected_changes.sum() < FEWEST_EVENTS
        if s.constant and certain and not apart:
            continue  # the variable is judged with its entries
        words = "never changed in any chain"
        if apart:
            words = "conserved: stuck at different values in different chains"
        distinct = float(len(np.unique(s.values)))
        least = distinct + 1 if s.constant else 2.0
        findings.append(
            judge(
                "movement",
                s.name,
                s.kind,
                distinct,
                "the chains move",
                words,
                REMEDY,
                at_least=least,
            )
        )
    return findings
