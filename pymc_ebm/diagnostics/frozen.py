"""Frozen entries: sites that never move though they should, and conserved combinations."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge, not_enough
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

    One a variable, for entries; one for conserved combinations.
    """
    findings = []
    if evidence.posterior.sizes.get("draw", 0) < FEWEST_DRAWS:
        return []
    for name, variable in evidence.posterior.data_vars.items():
        draws = next((d for d in evidence.discretes if d.name == name), None)
        findings.append(_frozen_entries(str(name), variable, draws, evidence))
    if evidence.posterior.sizes["chain"] > 1:
        findings += _conserved(evidence.posterior)
    return findings


def _frozen_entries(
    name: str, variable: xr.DataArray, draws: DiscreteDraws | None, evidence: Evidence
) -> Finding:
    """Count entries that are constant in each chain although they differ, or ought to change."""
    low, high = variable.min("draw"), variable.max("draw")
    still = (low == high).transpose("chain", ...).values.reshape(variable.sizes["chain"], -1)
    first = low.transpose("chain", ...).values.reshape(still.shape)
    frozen = still.all(axis=0) & (np.ptp(first.astype(float), axis=0) > 0)
    expected = np.nan
    if draws is not None:
        suspicious = still[:, draws.sites] & (draws.expected_changes > EXPECTED)
        frozen[draws.sites[suspicious.any(axis=0)]] = True
        expected = float(draws.expected_changes.sum())
    if still.size and still.all() and not frozen.any():
        return _one_value(name, still.shape[1], expected, evidence)
    count = int(frozen.sum())
    where = ", ".join(map(str, np.flatnonzero(frozen)[:5])) + (", …" if count > 5 else "")
    return judge(
        "frozen entries", name, "variable", count, "every entry moves that should",
        f"{count} of {frozen.size} entries never move within a chain: number {where}",
        REMEDY, at_most=0.0,
    )  # fmt: skip


def _one_value(name: str, entries: int, expected: float, evidence: Evidence) -> Finding:
    """Judge a variable that has one value in all draws of all chains: certain or frozen."""
    named = ("frozen entries", name, "variable")
    if expected > EXPECTED or (evidence.reals is not None and name in evidence.reals.owners):
        why = f"none of {entries} entries ever moves in any chain"
        return Finding(*named, float(entries), 0.0, "fail", why, REMEDY)
    if np.isnan(expected):
        why = (
            "one value in all draws: nobody can tell without its conditionals whether it is certain"
        )
        return not_enough(*named, why, "Pass the model, and see whether the step moves it at all.")
    why = f"one value in all draws, and {expected:.2g} changes were to be expected"
    if evidence.moving:
        return Finding(*named, 0.0, 0.0, "info", why)
    return not_enough(*named, why, "Nothing moves at all: draw more, or start chains elsewhere.")


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
    if d < 2 or x.shape[1] < 2 * d or not np.ptp(x, axis=(0, 1)).any():
        return []
    centred = x - x.mean(axis=(0, 1))
    within = x - x.mean(axis=1, keepdims=True)
    scale = centred.std(axis=(0, 1))
    moves = np.ptp(x, axis=(0, 1)) > 0
    total, inner = (
        np.einsum("cnj,cnk->jk", v[..., moves] / scale[moves], v[..., moves] / scale[moves])
        for v in (centred, within)
    )
    roots, axes = np.linalg.eigh(total)
    kept = roots > 1e-9 * roots[-1]
    whitening = axes[:, kept] / np.sqrt(roots[kept])
    smallest = float(np.linalg.eigvalsh(whitening.T @ inner @ whitening)[0]) if kept.any() else 1.0
    return [
        judge(
            "conserved combinations", "linear combinations of the variables", "model",
            max(smallest, 0.0), "no combination is conserved",
            "some combination never changes within a chain and differs between chains",
            REMEDY, at_least=CONSERVED,
        )
    ]  # fmt: skip
