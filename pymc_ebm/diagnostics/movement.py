"""Movement: quantities that no chain changes, and what is conserved within each."""

from __future__ import annotations

import numpy as np

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding

REMEDY = (
    "The sampler is frozen or reducible: start at another temperature, check that the step fits "
    "the support, or use a move that crosses the barrier."
)


def check(evidence: Evidence) -> list[Finding]:
    """Find energies and order parameters that no chain changes.

    A single entry of a variable may well be certain; the energy of a random configuration is not.

    Parameters
    ----------
    evidence : Evidence
        Its series.

    Returns
    -------
    list of Finding
        One for each energy and order parameter, and for entries that are stuck at different
        values in different chains.
    """
    findings = []
    for s in evidence.series:
        apart = s.constant and np.ptp(s.values) > 0
        if s.kind not in ("energy", "order parameter") and not apart:
            continue
        distinct = float(len(np.unique(s.values)))
        if not s.constant:
            findings.append(
                Finding("movement", s.name, s.kind, distinct, 2.0, "pass", "the chains move")
            )
            continue
        findings.append(
            Finding(
                "movement",
                s.name,
                s.kind,
                distinct,
                2.0,
                "fail",
                "conserved: stuck at different values in different chains"
                if apart
                else "never changed in any chain",
                REMEDY,
            )
        )
    return findings
