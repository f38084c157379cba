"""Posteriors of pseudo-likelihoods with the width that their estimator really has."""

from __future__ import annotations

import logging

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from numpy.typing import NDArray
from pymc.pytensorf import join_nonshared_inputs
from pytensor.graph.replace import clone_replace
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.tempering.coordinates import compile_constrained, compile_unconstrained
from pymc_ebm.variables.boltzmann import BoltzmannRV

_log = logging.getLogger("pymc.ebm")  # below PyMC's logger, so `quiet=True` holds here too

SIMULATIONS = 400
STEP = 1e-4  # of finite differences, in posterior standard deviations
OBSERVATIONS = 10  # a parameter, at least, for the scores of the data themselves to be used


def sandwich(
    idata: xr.DataTree,
    model: pm.Model | None = None,
    *,
    simulations: int = SIMULATIONS,
    random_seed: Any = None,
) -> xr.DataTree:
    """Give the posterior of a pseudo-likelihood the width of its estimator.

    The pseudo-likelihood's curvature H is not the variance V of its score, as a likelihood's would
    be, so its posterior is too narrow or too wide. Draws are moved about their mean by the linear
    map that turns their covariance into that of a likelihood with the Godambe information
    ``G = H V⁻¹ H``, priors kept as they are. Bias stays.

    Parameters
    ----------
    idata : DataTree
        With a group ``posterior`` from `pymc.sample`.
    model : Model, optional
        Whose observed energies were declared with ``log_partition="pseudo"``. By default the
        model on the context stack.
    simulations : int, default 400
        Data sets simulated at the posterior mean for V, where the data are one configuration, or
        few. With 10 or more independent observations a parameter, V comes from these.
    random_seed : int or Generator, optional
        Source of randomness.

    Returns
    -------
    DataTree
        Group ``posterior`` with the moved draws of the free variables; its attribute
        ``sandwich_widening`` lists by what factor each unconstrained coordinate became wider.

    Raises
    ------
    ValueError
        If no observed energy of the model uses the pseudo-likelihood, a free variable is missing
        from `idata`, or the score's variance is singular.

    References
    ----------
    Ribatet, M., Cooley, D. and Davison, A. C. (2012). Bayesian inference from composite
    likelihoods, with an application to spatial extremes. Statistica Sinica 22, 813-845, section 3.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> graph = ebm.Graph.square(16, 16)
    >>> picture = pm.draw(ebm.Ising.dist(0.3, graph=graph), random_seed=1)
    >>> with pm.Model() as model:
    ...     J = pm.Normal("J", 0.0, 0.5)
    ...     s = ebm.Ising("s", J, graph=graph, observed=picture, log_partition="pseudo")
    ...     idata = pm.sample(chains=2, random_seed=1, progressbar=False, quiet=True)
    >>> corrected = ebm.sandwich(idata, model, random_seed=1)
    >>> corrected.posterior["J"].shape
    (2, 1000)
    """
    model = pm.modelcontext(model)
    observed = [
        rv
        for rv in model.observed_RVs
        if isinstance(getattr(rv.owner, "op", None), BoltzmannRV) and rv.owner.op.pseudo
    ]
    if not observed:
        raise ValueError(
            "sandwich: no observed energy of this model was declared with log_partition='pseudo'."
        )
    rng = np.random.default_rng(random_seed)
    posterior = idata["posterior"].to_dataset()
    missing = [str(v.name) for v in model.free_RVs if v.name not in posterior]
    if missing:
        raise ValueError(f"sandwich: idata has no draws of {missing} (it has {list(posterior)}).")
    forward, backward = compile_unconstrained(model), compile_constrained(model)
    draws = posterior.stack(__draw=("chain", "draw")).transpose("__draw", ...)
    constrained = [draws[v.name].to_numpy().astype(v.dtype) for v in model.free_RVs]
    rows = np.array([forward(*(c[t] for c in constrained)) for t in range(draws.sizes["__draw"])])
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    if not np.all(scale > 0):
        raise ValueError("sandwich: some variable does not move in idata.")
    data = [rv.type(name=f"data_{rv.name}") for rv in observed]
    known = [model.rvs_to_values[rv] for rv in observed]
    terms = model.replace_rvs_by_values(
        [pt.sum(pm.logp(rv, value)) for rv, value in zip(observed, data, strict=True)]
    )
    [pseudo, everything], flat = join_nonshared_inputs(
        model.initial_point(), [sum(terms), model.logp()], list(model.value_vars)
    )
    score = pm.compile([flat, *data], pt.grad(pseudo, flat))
    slope = pm.compile([flat], pt.grad(everything, flat))
    seen = [np.asarray(v.eval()).astype(d.dtype) for v, d in zip(known, data, strict=True)]
    curvature = _minus_hessian(lambda x: score(x, *seen), centre, scale)
    total = _minus_hessian(slope, centre, scale)
    counts = [
        v.size // int(np.prod(rv.owner.op.energy.event_shape))
        for v, rv in zip(seen, observed, strict=True)
    ]
    if len(observed) == 1 and counts[0] >= OBSERVATIONS * centre.size:
        scores = _scores_of_observations(score, seen[0], observed[0], centre)
        variance = counts[0] * np.cov(scores.T).reshape(total.shape)
    else:
        scores = _simulated_scores(
            score, observed, model, backward(centre), centre, simulations, rng
        )
        variance = np.cov(scores.T).reshape(total.shape)
    try:
        godambe = curvature @ np.linalg.solve(variance, curvature)
        root_now = np.linalg.cholesky(np.linalg.inv(np.cov(rows.T).reshape(total.shape)))
        root_new = np.linalg.cholesky(total - curvature + godambe)
    except np.linalg.LinAlgError:
        raise ValueError(
            "sandwich: the score's variance or the posterior's curvature is singular at the "
            "posterior mean. Look at the pair plot: the posterior is not near to normal."
        ) from None
    # precision = root rootᵀ, so x ↦ root_new⁻ᵀ root_nowᵀ x has the new precision
    moved = centre + (rows - centre) @ root_now @ np.linalg.inv(root_new)
    widening = moved.std(axis=0) / scale
    _log.info(
        f"sandwich: standard deviations change by factors of {widening.min():.2f} to "
        f"{widening.max():.2f}"
    )
    return _as_tree(moved, backward, model, posterior, widening)


def _minus_hessian(
    gradient: Callable, centre: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Differentiate a gradient by central differences."""
    rows = []
    for k in range(centre.size):
        step = np.zeros_like(centre)
        step[k] = STEP * scale[k]
        rows.append((gradient(centre - step) - gradient(centre + step)) / (2 * step[k]))
    hessian = np.array(rows)
    return (hessian + hessian.T) / 2


def _scores_of_observations(
    score: Callable, data: NDArray, rv: TensorVariable, centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the score of each observation, shape (observations, parameters)."""
    event_ndim = rv.owner.op.energy.event_ndim
    batch = data.shape[: data.ndim - event_ndim]
    single = data.reshape(-1, *(1,) * len(batch), *data.shape[data.ndim - event_ndim :])
    ones = [np.broadcast_to(x, (*batch, *x.shape[len(batch) :])) for x in single]
    count = len(ones)  # a data set that repeats one observation has that many times its score
    return np.array([score(centre, np.ascontiguousarray(x)) / count for x in ones])


def _simulated_scores(
    score: Callable,
    observed: list[TensorVariable],
    model: pm.Model,
    at: list[NDArray],
    centre: NDArray[np.float64],
    simulations: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the scores of data simulated at given parameters."""
    fixed = dict(zip(model.free_RVs, at, strict=True))
    given = {v: pt.as_tensor(np.asarray(x).astype(v.dtype)) for v, x in fixed.items()}
    fresh = clone_replace(observed, given)
    draws = pm.draw(fresh, draws=simulations, random_seed=int(rng.integers(2**31)))
    return np.array([score(centre, *(d[t] for d in draws)) for t in range(simulations)])


def _as_tree(
    rows: NDArray[np.float64],
    backward: Callable,
    model: pm.Model,
    posterior: xr.Dataset,
    widening: NDArray[np.float64],
) -> xr.DataTree:
    """Write moved coordinates as a posterior with the old names, dims and coords."""
    points = [backward(row) for row in rows]
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    moved = {}
    for k, rv in enumerate(model.free_RVs):
        old = posterior[rv.name]
        values = np.array([p[k] for p in points]).astype(old.dtype)
        moved[str(rv.name)] = old.copy(data=values.reshape(chains, draws, *old.shape[2:]))
    dataset = xr.Dataset(moved, attrs={**posterior.attrs, "sandwich_widening": widening.tolist()})
    return xr.DataTree.from_dict({"posterior": dataset})
