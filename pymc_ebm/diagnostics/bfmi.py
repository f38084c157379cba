"""Energy Bayesian fraction of missing information, where HMC ran."""

from __future__ import annotations

import numpy as np
import xarray as xr

from arviz_stats.base import array_stats

from pymc_ebm.diagnostics.finding import Finding

THRESHOLD = 0.3  # Betancourt (2016)


def check(idata: xr.DataTree) -> list[Finding]:
    """Judge how well momentum resampling explores the energy distribution.

    Parameters
    ----------
    idata : DataTree
        With ``sample_stats.energy`` of dims (chain, draw) where HMC or NUTS ran.

    Returns
    -------
    list of Finding
        One, the worst chain's; none where there is no Hamiltonian energy.

    References
    ----------
    Betancourt, M. (2016). Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte
    Carlo. arXiv:1604.00695.
    """
    if "sample_stats" not in idata.children or "energy" not in idata["sample_stats"]:
        return []
    energy = idata["sample_stats"]["energy"]
    if set(energy.dims) != {"chain", "draw"}:
        return []
    values = energy.transpose("chain", "draw").values
    value = float(np.min([array_stats.bfmi(chain[None], draw_axis=1) for chain in values]))
    passed = value >= THRESHOLD
    return [
        Finding(
            "E-BFMI",
            "Hamiltonian energy",
            "sampler",
            value,
            THRESHOLD,
            "pass" if passed else "fail",
            "momentum reaches all energies" if passed else "energies are explored slowly",
            "" if passed else "Reparametrise: the scale of some variable depends on another.",
        )
    ]
