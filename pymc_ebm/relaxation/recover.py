"""Discrete variables back from their Gaussian fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from numpy.typing import NDArray
from pytensor.graph.traversal import ancestors
from rich.progress import Progress

from pymc_ebm.relaxation.relaxed_variable import RelaxedVariable
from pymc_ebm.variables.boltzmann import is_discrete_boltzmann
from pymc_ebm.variables.copying import untransformed


def recover(
    idata: xr.DataTree,
    model: pm.Model | None = None,
    *,
    means: bool = False,
    keep_fields: bool = False,
    random_seed: Any = None,
    progressbar: bool = True,
) -> xr.DataTree:
    r"""Draw the discrete variables of a model from the draws of its relaxed form.

    Given the field ``f = L z + βh + …`` the entries of s are independent,
    ``P(s_i = +1 | z, θ) = σ(2 f_i)``, so one exact draw for each draw of z gives draws of s and θ
    from the joint posterior.

    Parameters
    ----------
    idata : DataTree
        What ``pm.sample`` returned for ``ebm.relax(model)``.
    model : Model, optional
        The model before it was relaxed; by default the one on the context stack.
    means : bool, default False
        Add the conditional means ``E[s | z, θ]`` as ``s_mean`` (for states their probabilities as
        ``s_probability``, with a dim ``s_state``). Averaged over draws they estimate the same
        means as s itself, with less noise (Rao-Blackwell).
    keep_fields : bool, default False
        Keep the fields' coordinates ``s_field`` in the result.
    random_seed : int or Generator, optional
        Source of randomness: the same seed gives the same draws.
    progressbar : bool, default True
        Show progress.

    Returns
    -------
    DataTree
        A copy of `idata` whose posterior group holds the discrete variables, with the names, dims,
        coords and dtypes they have in `model`, and the deterministics that depend on them.

    Raises
    ------
    ValueError
        If `idata` is not from this model's relaxed form, or the model given is that form itself.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model(coords={"row": range(4), "col": range(4)}) as model:
    ...     s = ebm.Ising("s", J=0.3, graph=ebm.Graph.square(4, 4), dims=("row", "col"))
    >>> with ebm.relax(model):
    ...     idata = pm.sample(draws=50, tune=50, chains=2, random_seed=1, progressbar=False,
    ...                       compute_convergence_checks=False)
    >>> ebm.recover(idata, model, random_seed=1, progressbar=False).posterior["s"].dims
    ('chain', 'draw', 'row', 'col')
    """
    model = pm.modelcontext(model)
    posterior = idata["posterior"].to_dataset()
    rng = np.random.default_rng(random_seed)
    plain = untransformed(model)
    new: dict[str, xr.DataArray] = {}
    fields = []
    found = [rv for rv in plain.free_RVs if is_discrete_boltzmann(rv)]
    if not found:
        raise ValueError(
            "recover: this model has no discrete energies to recover. Pass the model as it was "
            "before ebm.relax."
        )
    for rv in found:
        coordinates = _coordinates(posterior, str(rv.name), [str(v.name) for v in found])
        kind = str(coordinates.dims[-1]).removeprefix(f"{rv.name}_")
        variable = RelaxedVariable(
            plain, rv, "edges" if kind == "smooth_edges" else kind, "recover"
        )
        _require_fit(coordinates, variable)
        fields.append(variable.field_name)
        drawn, average = _draw(variable, plain, posterior, coordinates, means, rng, progressbar)
        dims, coords = _labels(model, str(rv.name), variable)
        leading = {d: posterior.coords[d] for d in ("chain", "draw")}
        new[variable.name] = xr.DataArray(
            drawn, coords={**leading, **coords}, dims=("chain", "draw", *dims)
        )
        if average is not None and average.ndim == drawn.ndim:
            new[f"{variable.name}_mean"] = new[variable.name].copy(data=average)
        elif average is not None:
            state = f"{variable.name}_state"
            new[f"{variable.name}_probability"] = xr.DataArray(
                average,
                coords={**leading, **coords, state: list(variable.states)},
                dims=("chain", "draw", *dims, state),
            )
    result = idata.copy()
    merged = posterior.assign(new)
    if not keep_fields:
        merged = merged.drop_vars(fields)
        unused = set(merged.dims) - {d for v in merged.data_vars.values() for d in v.dims}
        merged = merged.drop_dims(unused - {"chain", "draw"})
    missing = [str(d.name) for d in model.deterministics if d.name not in merged]
    if missing:
        merged = pm.compute_deterministics(
            merged, var_names=missing, model=model, extend_dataset=True, progressbar=False
        )
    merged.attrs = posterior.attrs
    result["posterior"] = xr.DataTree(merged)
    return result


def _coordinates(posterior: xr.Dataset, name: str, discrete: list[str]) -> xr.DataArray:
    if f"{name}_field" not in posterior:
        raise ValueError(
            f"recover: the posterior has no {f'{name}_field'!r} (it has {list(posterior)}), so it "
            f"is not from the relaxed form of this model, whose discrete variables are {discrete}. "
            "Pass the model that was given to ebm.relax, and what pm.sample returned for the "
            "relaxed one."
        )
    return posterior[f"{name}_field"]


def _require_fit(coordinates: xr.DataArray, variable: RelaxedVariable) -> None:
    if coordinates.shape[2:] != (*variable.batch, variable.size) or not str(
        coordinates.dims[-1]
    ).endswith(variable.field.kind):
        raise ValueError(
            f"recover: {variable.field_name!r} has {dict(coordinates.sizes)} and this model's "
            f"{variable.name!r} would have {(*variable.batch, variable.size)} coordinates "
            f"({variable.field.kind}), so the draws are not from the relaxed form of this model."
        )


def _draw(
    variable: RelaxedVariable,
    plain: pm.Model,
    posterior: xr.Dataset,
    coordinates: xr.DataArray,
    means: bool,
    rng: np.random.Generator,
    progressbar: bool,
) -> tuple[NDArray, NDArray | None]:
    """Return draws, and if asked conditional means or probabilities, at every draw of the field."""
    z = coordinates.to_numpy()
    z_now = pt.tensor("z", shape=(*variable.batch, variable.size))
    fields = variable.fields(z_now)
    found = set(ancestors([fields]))
    needed = [v for v in plain.value_vars if v in found]
    absent = [str(v.name) for v in needed if v.name not in posterior]
    if absent:
        raise ValueError(
            f"recover: the posterior has no {absent}, on which {variable.name!r} depends in this "
            f"model (it has {list(posterior)}). Pass the model that was given to ebm.relax."
        )
    function = pm.compile([z_now, *needed], fields)
    function.trust_input = True
    values = [posterior[v.name].to_numpy().astype(v.dtype) for v in needed]
    shape = (*z.shape[:2], *variable.shape)
    drawn = np.empty(shape, dtype=variable.dtype)
    average = None
    if means:
        average = np.empty(shape if variable.field.is_spin else (*shape, len(variable.states)))
    with Progress(disable=not progressbar) as progress:
        task = progress.add_task(f"recover {variable.name}", total=z.shape[0] * z.shape[1])
        for c, t in np.ndindex(*z.shape[:2]):
            f = function(z[c, t], *(value[c, t, ...] for value in values))
            drawn[c, t] = variable.draw(f, rng)
            if average is not None:
                average[c, t] = variable.mean(f)
            progress.advance(task)
    return drawn, average


def _labels(
    model: pm.Model, name: str, variable: RelaxedVariable
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the dims and coords that PyMC gives a variable's draws."""
    named = model.named_vars_to_dims.get(name)
    dims = tuple(
        (named[k] if named and named[k] is not None else f"{name}_dim_{k}")
        for k in range(len(variable.shape))
    )
    coords = {
        dim: (np.arange(length) if model.coords.get(dim) is None else np.asarray(model.coords[dim]))
        for dim, length in zip(dims, variable.shape, strict=True)
    }
    return dims, coords
