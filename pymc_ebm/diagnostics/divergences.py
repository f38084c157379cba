"""Divergences, where HMC ran."""

from __future__ import annotations

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding


def check(evidence: Evidence) -> list[Finding]:
    """Count divergent transitions.

    Parameters
    ----------
    evidence : Evidence
        With the sampler's ``diverging``.

    Returns
    -------
    list of Finding
        One; none where no Hamiltonian sampler ran. A single divergence fails: it marks a region
        that the integrator cannot enter, and nothing in the draws says how much lies there.
    """
    diverging = evidence.statistic("diverging", "field_diverging")
    if diverging is None:
        return []
    count = float(diverging.sum())
    return [
        Finding(
            "divergences",
            "trajectories",
            "sampler",
            count,
            0.0,
            "fail" if count else "pass",
            "the integrator lost its way: some region is not entered"
            if count
            else "the integrator kept its way",
            "Reparametrise (non-centred), or raise target_accept to 0.95." if count else "",
        )
    ]
