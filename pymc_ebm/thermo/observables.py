"""Energies and order parameters of every draw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import arviz as az
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from numpy.typing import NDArray
from pytensor.graph.basic import Variable
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.log_z.exact.problem import known_value
from pymc_ebm.variables.boltzmann import BoltzmannRV

BLOCK = 200  # draws that are in memory at a time


def observables(
    idata: xr.DataTree,
    model: pm.Model | None = None,
    *,
    var_names: str | Sequence[str] | None = None,
    filter_vars: Literal["like", "regex"] | None = None,
    coords: Mapping[str, Any] | None = None,
    group: str = "posterior",
) -> xr.Dataset:
    """Compute the energy and the order parameters of every draw.

    Parameters
    ----------
    idata : DataTree
        What `pymc.sample` returned.
    model : Model, optional
        The model that was sampled; by default the one on the context stack.
    var_names, filter_vars : optional
        Which observables to return, as in ArviZ: names, or what they contain ("like", "regex").
    coords : mapping, optional
        Which chains and draws to look at: ``{"chain": [0, 1], "draw": slice(500, None)}``.
    group : str, default "posterior"
        Group of `idata` that holds the draws.

    Returns
    -------
    Dataset
        Variables of dims (chain, draw). For a Boltzmann variable ``x``: ``x_energy`` (E, summed
        over a batch, not multiplied by β); for spins ``x_magnetization`` (mean; for
        Potts states ``(q f − 1) / (q − 1)``, f being the fraction in the commonest one) and
        ``x_abs_magnetization``; for real values ``x_mean`` and ``x_norm`` (Euclidean). For a
        potential ``p``: ``p_energy`` (minus its value). The attribute ``kind`` says "energy" or
        "order parameter".

    Raises
    ------
    ValueError
        If the group is missing, or holds none of the model's energies.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=0.3, graph=ebm.Graph.square(4, 4))
    ...     idata = pm.sample(50, tune=50, chains=2, random_seed=1, quiet=True,
    ...                       compute_convergence_checks=False)
    >>> sorted(ebm.observables(idata, model).data_vars)
    ['s_abs_magnetization', 's_energy', 's_magnetization']
    """
    model = pm.modelcontext(model)
    draws = draws_of(idata, group, coords, "observables")
    if other := set(coords or {}) - {"chain", "draw"}:
        raise ValueError(
            f"observables: coords names {sorted(other)}; an energy needs all entries, so that only "
            "chain and draw may be chosen."
        )
    quick = {
        str(rv.name): form
        for rv in model.free_RVs
        if rv.name in draws and (form := _constant_spins(rv)) is not None
    }
    expressions = {
        name: value
        for name, value in _expressions(model, skip=set(quick)).items()
        if (sources := _sources(value[1], model)) and sources <= set(draws.data_vars)
    }
    if not expressions and not quick:
        raise ValueError(
            f"observables: {group!r} holds {list(draws.data_vars)}, and no energy of the model can "
            "be computed from these. Is this the model that was sampled?"
        )
    found: dict[str, tuple[str, NDArray]] = {}
    for name, form in quick.items():
        energy, magnetization = _spin_observables(form, draws[name])
        found[f"{name}_energy"] = ("energy", energy)
        found[f"{name}_magnetization"] = ("order parameter", magnetization)
        found[f"{name}_abs_magnetization"] = ("order parameter", np.abs(magnetization))
    if expressions:
        columns = _evaluate_draws({k: v for k, (_, v) in expressions.items()}, draws, model)
        found |= {name: (kind, columns[name]) for name, (kind, _) in expressions.items()}
    everything = xr.Dataset(
        {
            name: (("chain", "draw"), values, {"kind": kind})
            for name, (kind, values) in found.items()
        },
        coords={"chain": draws["chain"], "draw": draws["draw"]},
    )
    return named(everything, var_names, filter_vars)


def draws_of(
    idata: xr.DataTree, group: str, coords: Mapping[str, Any] | None, caller: str
) -> xr.Dataset:
    """Return a group of a trace, of the chains and draws that `coords` names."""
    if group not in idata.children:
        raise ValueError(f"{caller}: there is no group {group!r}, only {list(idata.children)}.")
    draws = idata[group].to_dataset()
    along = {d: c for d, c in (coords or {}).items() if d in ("chain", "draw")}
    return draws.sel({d: c if isinstance(c, slice) else np.atleast_1d(c) for d, c in along.items()})


def named(
    data: xr.Dataset,
    var_names: str | Sequence[str] | None,
    filter_vars: Literal["like", "regex"] | None,
) -> xr.Dataset:
    """Choose variables by name, as ArviZ does."""
    if var_names is None:
        return data
    tree = xr.DataTree.from_dict({"posterior": data})
    return az.extract(
        tree, var_names=var_names, filter_vars=filter_vars, combined=False, keep_dataset=True
    )


def _constant_spins(rv: TensorVariable) -> tuple[NDArray, ...] | None:
    """Return edges, couplings and fields of one configuration of spins, if they are constants."""
    op = getattr(rv.owner, "op", None)
    if not isinstance(op, BoltzmannRV) or op.energy.states != (-1, 1):
        return None
    energy, _beta, _log_z = op.bind(rv.owner.inputs[2:])
    form = Coded.of(energy)
    if form is None or len(rv.type.shape) != energy.event_ndim:
        return None
    J, h = known_value(form.J), known_value(form.field)
    n, m = form.graph.n_vertices, form.graph.n_edges
    if J is None or h is None or J.shape not in ((), (m,)):
        return None
    first, second = np.ascontiguousarray(form.graph.edges.T, dtype=np.int32)
    h = h.reshape(1) if h.size == 1 else np.broadcast_to(h, form.graph.shape).reshape(n)
    return first, second, np.atleast_1d(J).astype(float), np.ascontiguousarray(h, dtype=float)


def _spin_observables(form: tuple[NDArray, ...], variable: xr.DataArray) -> tuple[NDArray, NDArray]:
    """Return energy and magnetisation of every draw, a block of draws in memory at a time."""
    variable = variable.transpose("chain", "draw", ...)
    chains, draws = variable.shape[:2]
    energy, magnetization = np.empty((chains, draws)), np.empty((chains, draws))
    for chain in range(chains):
        for start in range(0, draws, BLOCK):
            rows = slice(start, start + BLOCK)
            block = np.asarray(variable.isel(chain=chain, draw=rows).values, dtype=np.int8)
            block = np.ascontiguousarray(block.reshape(len(block), -1))
            for k, spins in enumerate(block, start):
                energy[chain, k], magnetization[chain, k] = kernels.ising_energy.ising_energy(
                    spins, *form
                )
    return energy, magnetization


def _expressions(
    model: pm.Model, skip: Collection[str] = ()
) -> dict[str, tuple[str, TensorVariable]]:
    """Write each observable as an expression over the model's random variables."""
    found: dict[str, tuple[str, TensorVariable]] = {}
    for rv in model.free_RVs:
        op = getattr(rv.owner, "op", None)
        if not isinstance(op, BoltzmannRV) or rv.name in skip:
            continue
        energy, _beta, _log_z = op.bind(rv.owner.inputs[2:])
        found[f"{rv.name}_energy"] = ("energy", pt.sum(energy(rv)))
        if energy.states is None:
            found[f"{rv.name}_mean"] = ("order parameter", pt.mean(rv))
            found[f"{rv.name}_norm"] = ("order parameter", pt.sqrt(pt.sum(rv**2)))
            continue
        if energy.states.kind == "labels":
            found[f"{rv.name}_magnetization"] = ("order parameter", _dominance(rv, energy))
            continue
        magnetization = pt.mean(rv, dtype="float64")
        found[f"{rv.name}_magnetization"] = ("order parameter", magnetization)
        if energy.states.kind == "signs":
            found[f"{rv.name}_abs_magnetization"] = ("order parameter", abs(magnetization))
    for potential in model.potentials:
        if getattr(potential.tag, "constraint", False):
            continue
        found[f"{potential.name}_energy"] = ("energy", -pt.sum(potential))
    return found


def _dominance(rv: TensorVariable, energy: Energy) -> TensorVariable:
    """Return ``(q f − 1) / (q − 1)``, f being the fraction in the commonest state."""
    event = tuple(range(-energy.event_ndim, 0))
    fractions = [pt.eq(rv, a).mean(axis=event, dtype="float64") for a in energy.states or ()]
    q = len(fractions)
    return pt.mean((q * pt.stack(fractions).max(axis=0) - 1) / (q - 1))


def _sources(expression: TensorVariable, model: pm.Model) -> set[str]:
    """Name the free variables an expression needs."""
    needed = set(ancestors([expression]))
    return {rv.name for rv in model.free_RVs if rv in needed}


def _evaluate_draws(
    expressions: dict[str, TensorVariable], draws: xr.Dataset, model: pm.Model
) -> dict[str, np.ndarray]:
    """Evaluate expressions at every draw, shape (chain, draw)."""
    names = set().union(*(_sources(e, model) for e in expressions.values()))
    free = [rv for rv in model.free_RVs if rv.name in names]
    inputs = {rv: rv.type(rv.name) for rv in free}
    observed: dict[Variable, Variable] = {rv: model.rvs_to_values[rv] for rv in model.observed_RVs}
    outputs = clone_replace(list(expressions.values()), {**observed, **inputs})
    function = pm.compile(list(inputs.values()), outputs, on_unused_input="ignore")
    arrays = [draws[rv.name].transpose("chain", "draw", ...) for rv in free]
    n_chains, n_draws = draws.sizes["chain"], draws.sizes["draw"]
    columns = np.empty((len(outputs), n_chains, n_draws))
    for chain in range(n_chains):
        for start in range(0, n_draws, BLOCK):  # traces may be lazy and huge
            rows = slice(start, start + BLOCK)
            block = [
                np.asarray(a.isel(chain=chain, draw=rows).values).astype(rv.dtype, copy=False)
                for a, rv in zip(arrays, free, strict=True)
            ]
            for draw in range(start, min(start + BLOCK, n_draws)):
                values = (array[draw - start] for array in block)
                columns[:, chain, draw] = function(*values)
    return dict(zip(expressions, columns, strict=True))
