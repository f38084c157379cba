"""Run every check on a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pymc as pm
import xarray as xr

from pymc_ebm.diagnostics import (
    acceptance,
    autocorrelation_time,
    bfmi,
    chain_agreement,
    copies,
    divergences,
    drift,
    duplicates,
    ess,
    flux,
    frozen,
    identities,
    kernel_stein,
    ladder,
    mcse,
    missing,
    movement,
    occupancy,
    periodicity,
    probe,
    rhat,
    start_up,
    symmetry,
    tree_depth,
)
from pymc_ebm.diagnostics.finding import FALSE_ALARM, decide
from pymc_ebm.diagnostics.gather import gather
from pymc_ebm.diagnostics.report import ErgodicityReport

CHECKS = (
    missing.check,
    movement.check,
    rhat.check,
    ess.check,
    mcse.check,
    autocorrelation_time.check,
    chain_agreement.check,
    drift.check,
    start_up.check,
    duplicates.check,
    copies.check,
    periodicity.check,
    frozen.check,
    identities.check,
    kernel_stein.check,
    symmetry.check,
    occupancy.check,
    probe.check,
    flux.check,
    acceptance.check,
    ladder.check,
    bfmi.check,
    divergences.check,
    tree_depth.check,
)


def ergodicity(
    idata: xr.DataTree,
    model: pm.Model | None = None,
    *,
    var_names: str | Sequence[str] | None = None,
    filter_vars: Literal["like", "regex"] | None = None,
    coords: Mapping[str, Any] | None = None,
    group: str = "posterior",
    probe: bool = False,
    superchains: Sequence[int] | None = None,
    random_seed: int = 0,
    quiet: bool = False,
) -> ErgodicityReport:
    """Judge whether chains were ergodic and mixed, and whether they sampled the right density.

    The energy, the order parameters and the slowest directions of every draw are judged next to
    the entries of small variables: R-hat (rank-normalised, local, multivariate), effective sample
    size, Monte Carlo error, autocorrelation time, equal chain means, drift, start-up, independent
    chains, periodicity, frozen entries; facts of the sampler (acceptance, divergences, tree depth,
    E-BFMI, round trips). With the model, identities that any correct chain satisfies whatever the
    normalising constant, a kernel Stein test, the model's symmetries, and the occupancy of basins.

    Parameters
    ----------
    idata : DataTree
        What `pymc.sample` returned, or any trace ArviZ understands; it may be lazy (Dask, Zarr).
    model : Model, optional
        The sampled model. Without it the draws are judged alone.
    var_names, filter_vars, coords : optional
        Which variables, and which of their entries, are judged one by one, as in ArviZ; ``chain``
        and ``draw`` in `coords` choose what all checks see. Energies, identities, symmetries and
        basins are those of the whole model.
    group : str, default "posterior"
        Group of `idata` that holds the draws.
    probe : bool, default False
        Look for minima by optimisation from dispersed points, weigh all basins, and compare the
        weights with the draws. It costs a second or more.
    superchains : sequence of int, optional
        For nested R-hat with many short chains: which chains started from the same point.
    random_seed : int, default 0
        Of bootstraps and probes: the same trace gives the same report.
    quiet : bool, default False
        Do not print the table.

    Returns
    -------
    ErgodicityReport
        ``.passed``, ``.table``, ``.failures``, ``.plot()``, ``.to_html(path)``,
        ``.to_datatree()``; prints, and renders in a notebook.

    Raises
    ------
    ValueError
        If there is no such group, draws are NaN or infinite, or the trace does not fit the model
        or holds none of its variables.

    Notes
    -----
    All statistical tests together have a false-alarm rate of 0.5 % by their nominal levels, and of
    about 1 % as measured on healthy runs (`pymc_ebm.diagnostics.finding.decide`). Chains that all
    sit in one of several modes look perfect unless a symmetry, a tempered run or ``probe=True``
    gives them away: read a pass as "nothing was found", not as a proof.

    Examples
    --------
    >>> import arviz as az, numpy as np, pymc_ebm as ebm
    >>> draws = np.random.default_rng(1).normal(size=(4, 500))
    >>> report = ebm.ergodicity(az.from_dict({"posterior": {"x": draws}}), quiet=True)
    >>> report.passed
    True
    """
    evidence, notes = gather(
        idata, model, var_names=var_names, filter_vars=filter_vars, coords=coords, group=group,
        superchains=superchains, probe=probe, random_seed=random_seed,
    )  # fmt: skip
    findings = decide([result for check in CHECKS for result in check(evidence)])
    quantities = xr.Dataset(
        {s.name: (("chain", "draw"), s.values) for s in evidence.series if s.share == 1},
        coords={d: evidence.posterior[d] for d in ("chain", "draw")},
    )
    report = ErgodicityReport(
        tuple(findings),
        tuple(notes),
        quantities,
        evidence.sampler,
        tuple(evidence.basins),
        FALSE_ALARM,
    )
    if not quiet:
        report.show()
    return report
