"""Gather what a trace and its model offer to the checks."""

from __future__ import annotations

import weakref

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr

from numpy.typing import NDArray

from pymc_ebm.diagnostics.discrete_target import DiscreteDraws, DiscreteTarget, states_of
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.real_target import RealDraws, RealTarget, value_points
from pymc_ebm.diagnostics.series import Series
from pymc_ebm.diagnostics.slow_directions import slow_directions
from pymc_ebm.diagnostics.transformations import (
    Symmetry,
    symmetries_of_reals,
    symmetries_of_states,
)
from pymc_ebm.tempering.coordinates import compile_coordinates
from pymc_ebm.thermo.observables import draws_of, named, observables
from pymc_ebm.variables.boltzmann import BoltzmannRV

ENTRIES_LIMIT = 64  # of one variable: a larger array is judged by its energy and order parameters
ENTRIES_IN_ALL = 256
RANDOM_STATES = 16  # on which a constant observable must not change to be so by definition

_compiled: weakref.WeakKeyDictionary[pm.Model, tuple[Any, CompiledModel]] = (
    weakref.WeakKeyDictionary()
)


class CompiledModel:
    """What of a model can be evaluated at its draws; compiled once."""

    def __init__(self, model: pm.Model) -> None:
        self.notes: list[str] = []
        self.coordinates: Callable | None = compile_coordinates(model)
        self.reals: RealTarget | None = None
        if any(rv.dtype.startswith("float") for rv in model.free_RVs):
            try:
                self.reals = RealTarget(model)
            except Exception as error:  # an op without gradient may raise anything
                reason = str(error).split("\n")[0]
                self.notes.append(f"Identities of real variables were left out: {reason}")
        self.discretes: list[DiscreteTarget] = []
        for rv in model.free_RVs:
            if rv.dtype.startswith("float"):
                continue
            if states_of(rv) is None:
                self.notes.append(
                    f"{rv.name} has no finite list of states: its conditionals were not tested."
                )
                continue
            try:
                self.discretes.append(DiscreteTarget(rv, model))
            except Exception as error:
                reason = str(error).split("\n")[0]
                self.notes.append(f"Identities of {rv.name} were left out: {reason}")


def gather(
    idata: xr.DataTree,
    model: pm.Model | None,
    *,
    var_names: str | Sequence[str] | None = None,
    filter_vars: Literal["like", "regex"] | None = None,
    coords: Mapping[str, Any] | None = None,
    group: str = "posterior",
    superchains: Sequence[int] | None = None,
    probe: bool = False,
    random_seed: int = 0,
) -> tuple[Evidence, list[str]]:
    """Gather energies, order parameters, entries, scores, conditionals and symmetries."""
    posterior = _with_chains(draws_of(idata, group, coords, "ergodicity"))
    stats = group.replace("posterior", "sample_stats")
    sampler = xr.Dataset()
    if stats != group and stats in idata.children:
        sampler = draws_of(idata, stats, coords, "ergodicity")
    rng = np.random.default_rng(random_seed)
    notes: list[str] = []
    if model is not None:
        _require_match(posterior, model)
    energies = _energies(posterior, model, notes)
    chosen = named(posterior, var_names, filter_vars)
    within = {d: c for d, c in (coords or {}).items() if d not in ("chain", "draw")}
    entries = _entries(
        {str(n): v.sel({d: within[d] for d in within if d in v.dims}) for n, v in chosen.items()},
        energies, notes,
    )  # fmt: skip
    _require_finite([*energies, *entries])
    free = _free(posterior, model)
    slow = slow_directions(free)
    reals, discretes, symmetries = _judged_by_model(posterior, model, notes, rng)
    if reals is not None and not energies:
        energies = [Series("−log p", "energy", -reals.log_density, reals.thinning)]
    return (
        Evidence(
            [*energies, *slow, *entries],
            free,
            sampler,
            reals,
            discretes,
            symmetries,
            _superchains(superchains, posterior.sizes["chain"]),
            probe,
            rng,
            _missing(posterior, model),
        ),
        notes,
    )


def _with_chains(posterior: xr.Dataset) -> xr.Dataset:
    """Return what has a chain and a draw, or say which is missing."""
    missing = {"chain", "draw"} - set(posterior.dims)
    if missing:
        raise ValueError(
            f"ergodicity: the posterior has no dimension {sorted(missing)}, only "
            f"{sorted(map(str, posterior.dims))}."
        )
    if posterior.sizes["draw"] == 0:
        raise ValueError("ergodicity: the posterior has no draws.")
    keep = [n for n, v in posterior.data_vars.items() if {"chain", "draw"} <= set(v.dims)]
    numeric = [n for n in keep if posterior[n].dtype.kind in "fiub"]
    return posterior[numeric]


def _missing(posterior: xr.Dataset, model: pm.Model | None) -> list[str]:
    free = [] if model is None else [str(rv.name) for rv in model.free_RVs]
    return [name for name in free if name not in posterior]


def _free(posterior: xr.Dataset, model: pm.Model | None) -> xr.Dataset:
    """Leave out deterministic variables, which repeat the others."""
    if model is None:
        return posterior
    names = [str(rv.name) for rv in model.free_RVs if rv.name in posterior]
    return posterior[names] if names else posterior


def _require_match(posterior: xr.Dataset, model: pm.Model) -> None:
    """Raise if the trace has none of the model's variables, or one of another shape."""
    free = [str(rv.name) for rv in model.free_RVs]
    if free and not any(name in posterior for name in free):
        raise ValueError(
            f"ergodicity: the trace holds {list(posterior.data_vars)} and none of the model's "
            f"variables {free}. Is this the model that was sampled?"
        )
    for rv in model.free_RVs:
        if rv.name not in posterior:
            continue
        dims = [d for d in posterior[rv.name].dims if d not in ("chain", "draw")]
        seen = tuple(posterior.sizes[d] for d in dims)
        declared = rv.type.shape
        if len(declared) != len(seen) or any(
            want is not None and want != got for want, got in zip(declared, seen, strict=True)
        ):
            raise ValueError(
                f"ergodicity: {rv.name!r} has shape {seen} in the trace and {declared} in the "
                "model. Is this the model that was sampled?"
            )


def _energies(posterior: xr.Dataset, model: pm.Model | None, notes: list[str]) -> list[Series]:
    series: list[Series] = []
    if model is None:
        notes.append(
            "No model was given: energies, order parameters, identities, the Stein test, "
            "symmetries and basins were left out."
        )
    elif _has_energies(model):
        tree = xr.DataTree.from_dict({"posterior": posterior})
        for name, values in observables(tree, model).data_vars.items():
            if not _known(values.values, series):  # |m| says nothing new where m keeps its sign
                series.append(Series(str(name), values.attrs["kind"], values.values))
    if flat := _flat(posterior, model, [s.name for s in series if np.ptp(s.values) == 0]):
        notes.append(f"{', '.join(sorted(flat))}: the same for every configuration, not judged.")
    return [s for s in series if s.name not in flat]


def _flat(posterior: xr.Dataset, model: pm.Model | None, constant: list[str]) -> set[str]:
    """Return which of the constant observables are so for random states of discrete variables."""
    if model is None or not constant:
        return set()
    rng = np.random.default_rng(0)
    some = posterior.isel(chain=[0], draw=slice(0, 1))
    some = some.isel(draw=np.zeros(RANDOM_STATES, dtype=int))
    discrete = []
    for rv in model.free_RVs:
        states = states_of(rv)
        if states is not None and rv.name in some:
            shape = some[rv.name].shape
            some[rv.name] = (some[rv.name].dims, rng.choice(states, size=shape))
            discrete.append(str(rv.name))
    anew = observables(xr.DataTree.from_dict({"posterior": some}), model)
    mine = [name for name in constant if any(name.startswith(f"{d}_") for d in discrete)]
    return {name for name in mine if np.ptp(anew[name].values) <= 1e-12}


def _entries(
    variables: Mapping[str, xr.DataArray], known: list[Series], notes: list[str]
) -> list[Series]:
    """Return the entries of small variables, and a mean of large ones."""
    series: list[Series] = []
    for name, variable in variables.items():
        entries = variable.transpose("chain", "draw", ...)
        size = int(np.prod(entries.shape[2:]))
        if size > ENTRIES_LIMIT and size + len(series) > ENTRIES_IN_ALL:
            if not any(s.name == f"{name}_magnetization" for s in known):
                mean = entries.mean(dim=[d for d in entries.dims if d not in ("chain", "draw")])
                series.append(Series(f"{name} (mean)", "variable", mean.values))
            notes.append(
                f"{name} has {size} entries: judged by its mean, energy and order parameters, not "
                "entry by entry."
            )
            continue
        values = np.asarray(entries.values, dtype=float)
        for index in np.ndindex(*entries.shape[2:]):
            label = f"{name}[{', '.join(map(str, index))}]" if index else str(name)
            column = values[(slice(None), slice(None), *index)]
            if not _known(column, known):
                series.append(Series(label, "variable", np.ascontiguousarray(column)))
    return series


def _require_finite(series: list[Series]) -> None:
    broken = [s for s in series if not np.all(np.isfinite(s.values))]
    if broken:
        chain, draw = np.argwhere(~np.isfinite(broken[0].values))[0]
        raise ValueError(
            f"ergodicity: {broken[0].name!r} has NaN or infinite draws, the first in chain {chain} "
            f"at draw {draw} ({len(broken)} quantities do). Nothing can be judged; find where the "
            "model's log-probability is undefined."
        )


def _judged_by_model(
    posterior: xr.Dataset, model: pm.Model | None, notes: list[str], rng: np.random.Generator
) -> tuple[RealDraws | None, list[DiscreteDraws], list[Symmetry]]:
    """Evaluate scores and conditionals at the draws."""
    if model is None:
        return None, [], []
    if missing := _missing(posterior, model):
        notes.append(
            f"The trace has no draws of {', '.join(missing)}: identities, the Stein test, "
            "symmetries and basins were left out."
        )
        return None, [], []
    compiled = compiled_model(model)
    notes += compiled.notes
    points = value_points(model, posterior, compiled.coordinates)
    reals = compiled.reals.draws(posterior, points) if compiled.reals is not None else None
    discretes = []
    for target in compiled.discretes:
        values = posterior[target.name].transpose("chain", "draw", ...)
        target.forget()
        discretes.append(target.draws(values, points, rng))
    symmetries = [s for draws in discretes for s in symmetries_of_states(draws)]
    if reals is not None:
        symmetries += symmetries_of_reals(reals)
    return reals, discretes, symmetries


def compiled_model(model: pm.Model) -> CompiledModel:
    """Return the compiled parts of a model, compiling them only the first time."""
    shape = tuple(map(id, (*model.free_RVs, *model.observed_RVs, *model.potentials)))
    known = _compiled.get(model)
    if known is None or known[0] != shape:
        known = (shape, CompiledModel(model))
        _compiled[model] = known
    return known[1]


def _superchains(superchains: Sequence[int] | None, chains: int) -> NDArray[np.int64] | None:
    if superchains is None:
        return None
    ids = np.asarray(superchains)
    counts = np.unique(ids, return_counts=True)[1]
    if ids.shape != (chains,) or len(counts) < 2 or np.ptp(counts) or counts[0] < 2:
        raise ValueError(
            f"ergodicity: superchains={superchains!r} must name, for each of the {chains} chains, "
            "which group it belongs to: at least two groups of equal size, two chains or more each."
        )
    return ids


def _has_energies(model: pm.Model) -> bool:
    return bool(model.potentials) or any(
        isinstance(getattr(rv.owner, "op", None), BoltzmannRV) for rv in model.free_RVs
    )


def _known(values: NDArray, series: list[Series]) -> bool:
    return any(np.array_equal(sign * values, s.values) for s in series for sign in (1, -1))
