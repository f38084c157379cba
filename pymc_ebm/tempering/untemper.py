"""Draws of the model, log Z and honest errors from draws of its tempered form."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy.special import logsumexp

from pymc_ebm.tempering.schedule import Schedule

LEAST_EFFECTIVE = 20.0  # draws; fewer say nothing
OWN = "tempering_"
NEAR_BASE, NEAR_TARGET = 0.01, 0.99  # where in β a round trip turns


def untemper(idata: xr.DataTree, *, resample: bool = True, random_seed: Any = None) -> xr.DataTree:
    r"""Turn draws of a tempered model into draws of the model itself.

    Every draw counts for the target with the weight ``w₁ = exp(−Δ − log ζ) / I`` and for the base
    with ``w₀ = 1 / I``, ``I = ∫ exp(−B(u) Δ − log ζ(B(u))) du``: u is integrated out.
    ``log Z = log ζ + log(Σ w₁ / Σ w₀)``.

    Parameters
    ----------
    idata : DataTree
        What ``pm.sample`` returned for ``ebm.temper(model)``.
    resample : bool, default True
        Draw the posterior group afresh, in each chain by its weights, so that ArviZ and PyMC use
        it as any other. If false it keeps all draws, to be weighted by the reader.
    random_seed : int or Generator, optional
        Source of randomness of resampling: the same seed gives the same draws.

    Returns
    -------
    DataTree
        A copy of `idata` with the group ``posterior`` of the target and the group ``tempering``:
        ``weight`` (chain, draw), normalised; ``log_z`` and its standard error ``log_z_se``;
        ``weight_ess``, Kish's ``(Σw)²/Σw²``; ``mean``, ``mean_se`` and ``ess`` of every scalar,
        weights and autocorrelation both counted, over the dim ``quantity``, and their R-hat;
        ``round_trips`` between base and target of all chains, and ``round_trips_per_second``
        where the sampler's time is known.

    Raises
    ------
    ValueError
        If `idata` is not of a tempered model, or too few draws are effective.

    Notes
    -----
    log Z is that of the model's log-density as PyMC computes it: with a likelihood the log
    marginal likelihood, if priors and likelihood are normalised.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     x = pm.Normal("x")
    ...     y = pm.Normal("y", x, observed=1.0)
    >>> with ebm.temper(model, pilot_draws=200, random_seed=1, progressbar=False):
    ...     idata = pm.sample(draws=500, tune=500, chains=2, random_seed=1, progressbar=False)
    >>> result = ebm.untemper(idata)
    >>> exact = -0.5 * 1.0 / 2 - 0.5 * np.log(2 * np.pi * 2)
    >>> bool(abs(result["tempering"]["log_z"] - exact) < 0.2)
    True
    """
    posterior = idata["posterior"].to_dataset().as_numpy()  # JAX's arrays cannot be indexed so
    if f"{OWN}difference" not in posterior or "constant_data" not in idata.children:
        raise ValueError(
            f"untemper: the posterior has {list(posterior)}, no draws of a tempered model. Pass "
            "what pm.sample returned inside ebm.temper(model)."
        )
    curve = Schedule(idata["constant_data"][f"{OWN}schedule"].to_numpy())
    delta = posterior[f"{OWN}difference"].to_numpy()
    log_zeta = curve.table[-1, 2]
    log_w0 = -_log_mixture(curve, delta)
    log_w1 = -delta - log_zeta + log_w0
    w1, w0 = (np.exp(w - w.max()) for w in (log_w1, log_w0))
    weight = w1 / w1.sum()
    weight_ess = float(1 / (weight**2).sum())
    if not weight_ess >= LEAST_EFFECTIVE:
        raise ValueError(
            f"untemper: {weight_ess:.1f} of {weight.size} draws are effective at the target, fewer "
            f"than {LEAST_EFFECTIVE:g}: the base does not cover it, or u was never near 1. Sample "
            "longer, or temper with draws that spread further as base=."
        )
    influence = w1 / w1.mean() - w0 / w0.mean()
    log_z = log_zeta + logsumexp(log_w1) - logsumexp(log_w0)
    own = [str(name) for name in posterior.data_vars if str(name).startswith(OWN)]
    kept = posterior.drop_vars(own)
    kept = kept.drop_dims([d for d in kept.dims if str(d).startswith(OWN)])
    trips = _round_trips(posterior[f"{OWN}beta"].to_numpy())
    facts = {
        "weight": (("chain", "draw"), weight),
        "log_z": log_z,
        "log_z_se": _mcse(influence),
        "weight_ess": weight_ess,
        "round_trips": trips,
        **_quantities(kept, w1),
    }
    seconds = posterior.attrs.get("sampling_time")
    if seconds:
        facts["round_trips_per_second"] = trips / seconds
    if resample:
        kept = _resampled(kept, weight, np.random.default_rng(random_seed))
    result = idata.copy()
    result["posterior"] = xr.DataTree(kept.assign_attrs(posterior.attrs))
    coords = {"chain": posterior["chain"], "draw": posterior["draw"]}
    result["tempering"] = xr.DataTree(xr.Dataset(facts, coords=coords))
    return result


def _log_mixture(curve: Schedule, delta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``log I`` of every draw."""
    B, log_zeta, w = curve.nodes()
    log_i = np.empty(delta.size)
    flat = delta.reshape(-1)
    for part in np.array_split(np.arange(flat.size), max(1, flat.size // 4096)):
        log_i[part] = logsumexp(np.log(w) - np.multiply.outer(flat[part], B) - log_zeta, axis=1)
    return log_i.reshape(delta.shape)


def _mcse(series: NDArray[np.float64]) -> float:
    """Return the standard error of a mean, shape (..., chain, draw)."""
    return array_stats.mcse(series, chain_axis=-2, draw_axis=-1, method="mean")


def _quantities(kept: xr.Dataset, w: NDArray[np.float64]) -> dict[str, Any]:
    """Return mean, standard error, effective draws and R-hat of every scalar of the target."""
    names, rows = [], []
    for name, values in kept.data_vars.items():
        flat = values.transpose("chain", "draw", ...).to_numpy().astype(float)
        shape = flat.shape[2:]
        for index in np.ndindex(shape):
            x = flat[(..., *index)]
            mean = float((w * x).sum() / w.sum())
            series = w * (x - mean) / w.mean()
            variance = float((w * (x - mean) ** 2).sum() / w.sum())
            if np.ptp(x) == 0:
                se, ess, rhat = 0.0, np.nan, np.nan
            else:
                se = float(_mcse(series))
                ess = variance / se**2
                rhat = float(array_stats.rhat(series, chain_axis=-2, draw_axis=-1, method="rank"))
            names.append(str(name) + (f"[{', '.join(map(str, index))}]" if shape else ""))
            rows.append((mean, se, ess, rhat))
    columns = np.array(rows).reshape(-1, 4).T
    labels = ("mean", "mean_se", "ess", "r_hat")
    return {
        **{label: (("quantity",), column) for label, column in zip(labels, columns, strict=True)},
        "quantity": (("quantity",), names),
    }


def _resampled(
    kept: xr.Dataset, weight: NDArray[np.float64], rng: np.random.Generator
) -> xr.Dataset:
    """Draw each chain afresh by its weights, in order, so that what stayed long stays long."""
    chains, draws = weight.shape
    index = np.empty((chains, draws), dtype=int)
    for c in range(chains):
        cumulated = np.cumsum(weight[c]) / weight[c].sum()
        positions = (np.arange(draws) + rng.random()) / draws
        index[c] = np.minimum(np.searchsorted(cumulated, positions), draws - 1)
    rows = xr.DataArray(index, dims=("chain", "draw"))
    columns = xr.DataArray(np.arange(chains), dims="chain")
    chosen = kept.isel(chain=columns, draw=rows)
    return chosen.assign_coords(chain=kept["chain"], draw=kept["draw"])


def _round_trips(beta: NDArray[np.float64]) -> int:
    """Count travels from the base to the target and back, of all chains."""
    total = 0
    for chain in beta:
        at_target = chain[(chain < NEAR_BASE) | (chain > NEAR_TARGET)] > NEAR_TARGET
        total += int(np.count_nonzero(at_target[1:] != at_target[:-1]) // 2)
    return total
