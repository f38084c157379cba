"""Energy Bayesian fraction of missing information, where HMC ran."""

from __future__ import annotations

import numpy as np

from arviz_stats.base import array_stats

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge

THRESHOLD = 0.3  # Betancourt (2016)


def check(evidence: Evidence) -> list[Finding]:
    """Judge how well momentum resampling explores the energy distribution.

    One, the worst chain's; none where there is no Hamiltonian energy.

    References
    ----------
    Betancourt, M. (2016). Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte
    Carlo. arXiv:1604.00695.
    """
    energy = evidence.statistic("energy")
    if energy is None or energy.shape[1] < 2 or not np.all(np.ptp(energy, axis=1) > 0):
        return []
    value = float(np.min([array_stats.bfmi(chain[None], draw_axis=1) for chain in energy]))
    return [
        judge(
            "E-BFMI", "Hamiltonian energy", "sampler", value,
            "momentum reaches all energies", "energies are explored slowly",
            "Reparametrise: the scale of some variable depends on another.", at_least=THRESHOLD,
        )
    ]  # fmt: skip
