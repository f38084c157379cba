"""Frozen entries: sites that never move though they should, and conserved combinations."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding
from pymc_ebm.diagnostics.slow_directions import MOST_COORDINATES, coordinates

EXPECTED = 30.0  # changes of a site, of which none was seen
CONSERVED = 1e-9  # variance within chains, as a share of all
FEWEST_DRAWS = 20
REMEDY = (
    "Part of the state is never updated, or the kernel conserves something: check which sites the "
    "step visits, and mix in single-site updates."
)


def check(evidence: Evidence) -> list[Finding]:
    """Find entries that stand still, and linear combinations that each chain conserves.

    Parameters
    ----------
    evidence : Evidence
        Its draws and, where a model was given, the conditional probabilities.

    Returns
    -------
    list of Finding
        One a variable, for entries; one for conserved combinations.
    """
    findings = []
    if evidence.posterior.sizes.get("draw", 0) < FEWEST_DRAWS:
        return []
    for name, variable in evidence.posterior.data_vars.items():
        draws = next((d for d in evidence.discretes if d.name == name), None)
        findings.append(_frozen_entries(str(name), variable, draws))
    if evidence.posterior.sizes["chain"] > 1:
        findings += _conserved(evidence.posterior)
    return findings


def _frozen_entries(name: str, variable: xr.DataArray, draws: DiscreteDraws | None) -> Finding:
    """Count entries that are constant in each chain although they differ, or ought to change."""
    low, high = variable.min("draw"), variable.max("draw")
    still = (low == high).transpose("chain", ...).values.reshape(variable.sizes["chain"], -1)
    first = low.transpose("chain", ...).values.reshape(still.shape)
    frozen = still.all(axis=0) & (np.ptp(first.astype(float), axis=0) > 0)
    if draws is not None:
        own = np.take_along_axis(
            draws.probability, draws.x[..., draws.sites][..., None].astype(int), axis=-1
        )[..., 0]
        expected = (1 - own).mean(axis=1) * variable.sizes["draw"]  # (chains, sites)
        suspicious = still[:, draws.sites] & (expected > EXPECTED)
        frozen[draws.sites[suspicious.any(axis=0)]] = True
    count = int(frozen.sum())
    where = ", ".join(map(str, np.flatnonzero(frozen)[:5])) + (", …" if count > 5 else "")
    return Finding(
        "frozen entries",
        name,
        "variable",
        float(count),
        0.0,
        "fail" if count else "pass",
        f"{count} of {frozen.size} entries never move within a chain: number {where}"
        if count
        else "every entry moves that should",
        REMEDY if count else "",
    )


def _conserved(posterior: xr.Dataset) -> list[Finding]:
    """Look for a linear combination that is constant within chains and differs between them."""
    columns = []
    for variable in posterior.data_vars.values():
        size = int(
            np.prod([variable.sizes[d] for d in variable.dims if d not in ("chain", "draw")])
        )
        if size <= MOST_COORDINATES:
            columns.append(coordinates(variable)[1].astype(float))
    if not columns:
        return []
    x = np.concatenate(columns, axis=-1)[..., : 2 * MOST_COORDINATES]
    d = x.shape[-1]
    if d < 2 or x.shape[1] < 2 * d:
        return []
    centred = x - x.mean(axis=(0, 1))
    within = x - x.mean(axis=1, keepdims=True)
    scale = centred.std(axis=(0, 1))
    moves = scale > 0
    total, inner = (
        np.einsum("cnj,cnk->jk", v[..., moves] / scale[moves], v[..., moves] / scale[moves])
        for v in (centred, within)
    )
    roots, axes = np.linalg.eigh(total)
    kept = roots > 1e-9 * roots[-1]
    whitening = axes[:, kept] / np.sqrt(roots[kept])
    smallest = float(np.linalg.eigvalsh(whitening.T @ inner @ whitening)[0]) if kept.any() else 1.0
    conserved = smallest < CONSERVED
    return [
        Finding(
            "conserved combinations",
            "linear combinations of the variables",
            "model",
            max(smallest, 0.0),
            CONSERVED,
            "fail" if conserved else "pass",
            "some combination never changes within a chain and differs between chains"
            if conserved
            else "no combination is conserved",
            REMEDY if conserved else "",
        )
    ]
