"""How well each site of an observed field is predicted by all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from numpy.typing import NDArray
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.log_z.pseudo_likelihood import site_log_probabilities
from pymc_ebm.variables.boltzmann import is_discrete_boltzmann


def compute_site_log_likelihood(
    idata: Any,
    *,
    var_names: Sequence[str] | str | None = None,
    model: pm.Model | None = None,
    extend_inferencedata: bool = True,
) -> Any:
    r"""Compute ``log p(y_i | y_{−i}, θ)`` of every site of an observed discrete energy.

    A map or an image is one observation of many sites, so `pymc.compute_log_likelihood` gives one
    number a draw, from which nothing can be left out. Since
    ``p(y | θ) = p(y_i | y_{−i}, θ) p(y_{−i} | θ)``, these conditionals are what ``az.loo`` needs to
    leave out one site at a time, whatever log Z is. Their exponentials are the fitted
    probabilities of what was seen, given the neighbours.

    Parameters
    ----------
    idata : DataTree
        With a group ``posterior``.
    var_names : str or sequence of str, optional
        Observed variables; by default all discrete energies of the model.
    model : Model, optional
        By default the model on the context stack.
    extend_inferencedata : bool, default True
        Whether to write the result into `idata`, as the group ``log_likelihood``.

    Returns
    -------
    DataTree or Dataset
        `idata`, or the log-likelihoods with the dims (chain, draw, \*dims of the variable).

    Raises
    ------
    ValueError
        If a name is no observed discrete energy, or the draws lack one of its parameters.

    References
    ----------
    Bürkner, P.-C., Gabry, J. and Vehtari, A. (2021). Efficient leave-one-out cross-validation for
    Bayesian non-factorized normal and Student-t models. Computational Statistics 36, 1243-1261.
    Besag, J. (1974). Spatial interaction and the statistical analysis of lattice systems. JRSS B
    36, 192-236.

    Examples
    --------
    >>> import numpy as np, pymc as pm, pymc_ebm as ebm
    >>> picture = np.where(np.add.outer(np.arange(4), np.arange(4)) % 4 < 2, 1, -1)
    >>> with pm.Model() as model:
    ...     J = pm.Normal("J", 0.0, 0.5)
    ...     graph = ebm.Graph.square(4, 4, periodic=False)
    ...     s = ebm.Ising("s", J, graph=graph, observed=picture, log_partition="auto")
    ...     idata = pm.sample(20, tune=20, chains=1, progressbar=False, quiet=True)
    ...     idata = ebm.compute_site_log_likelihood(idata)
    >>> idata["log_likelihood"]["s"].shape
    (1, 20, 4, 4)
    """
    model = pm.modelcontext(model)
    fields = [rv for rv in model.observed_RVs if is_discrete_boltzmann(rv)]
    if var_names is not None:
        wanted = [var_names] if isinstance(var_names, str) else list(var_names)
        known = {str(rv.name): rv for rv in fields}
        for name in wanted:
            if name not in known:
                raise ValueError(
                    f"compute_site_log_likelihood: {name!r} is no observed discrete energy of the "
                    f"model; those are {list(known)}."
                )
        fields = [known[name] for name in wanted]
    if not fields:
        raise ValueError("compute_site_log_likelihood: the model observes no discrete energy.")
    posterior = idata["posterior"].to_dataset()
    found = {str(rv.name): _of_one(rv, model, posterior) for rv in fields}
    result = xr.Dataset(found, coords={"chain": posterior["chain"], "draw": posterior["draw"]})
    if not extend_inferencedata:
        return result
    if "log_likelihood" in idata.children:
        result = (
            idata["log_likelihood"]
            .to_dataset()
            .drop_vars(list(found), errors="ignore")
            .merge(result)
        )
    idata["log_likelihood"] = xr.DataTree(result)
    return idata


def _of_one(rv: TensorVariable, model: pm.Model, posterior: xr.Dataset) -> xr.DataArray:
    """Evaluate the conditionals of one variable at every draw."""
    op: Any = rv.owner.op
    energy, beta, _log_z = op.bind(rv.owner.inputs[2:])
    value = model.rvs_to_values[rv]
    expression = site_log_probabilities(energy, beta, value).reshape(value.shape)
    needed = set(ancestors([expression]))
    free = [v for v in model.free_RVs if v in needed]
    missing = [str(v.name) for v in free if v.name not in posterior]
    if missing:
        raise ValueError(
            f"compute_site_log_likelihood: {rv.name!r} depends on {missing}, and the posterior has "
            f"no draws of it. It holds {list(posterior.data_vars)}."
        )
    function = pm.compile(list(free), expression)
    draws = [posterior[str(v.name)].transpose("chain", "draw", ...).values for v in free]
    chains, count = posterior.sizes["chain"], posterior.sizes["draw"]
    rows: list[list[NDArray]] = [
        [
            np.asarray(
                function(*(d[c, t].astype(v.dtype) for d, v in zip(draws, free, strict=True)))
            )
            for t in range(count)
        ]
        for c in range(chains)
    ]
    values = np.asarray(rows)
    names = model.named_vars_to_dims.get(str(rv.name))
    dims = names or [f"{rv.name}_dim_{k}" for k in range(values.ndim - 2)]
    coords = {
        name: list(model.coords[name])
        for name in dims
        if name in model.coords and model.coords[name] is not None
    }
    return xr.DataArray(values, dims=("chain", "draw", *dims), coords=coords)
