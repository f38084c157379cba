"""Flux between energy levels: detailed balance, seen from the draws."""

from __future__ import annotations

import numpy as np

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding

BINS = 5
CURRENT = 4.0  # standard errors


def check(evidence: Evidence) -> list[Finding]:
    """Compare transitions between five energy levels with those in the opposite direction.

    One an energy. A current is a fact, not a failure: sequential sweeps and other
    non-reversible kernels are correct and have one.
    """
    findings = []
    for s in evidence.moving:
        if s.kind != "energy" or s.draws < 100:
            continue
        cuts = np.quantile(s.values, np.linspace(0, 1, BINS + 1)[1:-1])
        levels = np.searchsorted(cuts, s.values)
        counts = np.zeros((BINS, BINS))
        np.add.at(counts, (levels[:, :-1].ravel(), levels[:, 1:].ravel()), 1)
        both = counts + counts.T
        z = np.abs(counts - counts.T) / np.sqrt(np.maximum(both, 1))
        worst = float(z.max())
        findings.append(
            Finding(
                "flux",
                s.name,
                s.kind,
                worst,
                CURRENT,
                "info" if worst >= CURRENT else "pass",
                "a current between energy levels: the kernel is not reversible"
                if worst >= CURRENT
                else "as many transitions up as down between all energy levels",
            )
        )
    return findings
