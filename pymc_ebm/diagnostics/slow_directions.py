"""The slowest linear combinations of a model's variables."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import xarray as xr

from numpy.typing import NDArray

from pymc_ebm.diagnostics.series import Series
from pymc_ebm.diagnostics.thinning import thinned

DIRECTIONS = 2
FEWEST_DRAWS = 200
MOST_COORDINATES = 64
MOST_DRAWS = 1_000  # of a large array, over all chains
BLOCKS = 4  # along each axis of a large array
LONGEST_AXIS = 64  # entries along an axis that are looked at


def slow_directions(posterior: xr.Dataset) -> list[Series]:
    """Find the projections with the largest autocorrelation (time-lagged canonical directions).

    They are found on the first half of every chain and judged on the second, or a search among
    many directions would always find one that looks slow.

    References
    ----------
    Pérez-Hernández, G. et al. (2013). Identification of slow molecular order parameters for Markov
    model construction. Journal of Chemical Physics 139, 015102.
    """
    if posterior.sizes["draw"] < FEWEST_DRAWS:
        return []
    columns = [coordinates(variable) for variable in posterior.data_vars.values()]
    shortest = min(len(kept) for kept, _ in columns)
    kept = next(kept for kept, _ in columns if len(kept) == shortest)
    values = np.concatenate(
        [x if len(k) == shortest else x[:, kept] for k, x in columns], axis=-1
    ).astype(float)
    if values.shape[-1] > MOST_COORDINATES:
        values = values[..., :: -(-values.shape[-1] // MOST_COORDINATES)]
    half = values.shape[1] // 2
    first, second = values[:, :half], values[:, half:]
    flat = first.reshape(-1, values.shape[-1])
    center, spread = flat.mean(axis=0), flat.std(axis=0)
    moving = spread > 0
    if moving.sum() < 2 or len(flat) < 20 * moving.sum():
        return []
    scaled = ((first - center) / np.where(moving, spread, 1.0))[..., moving]
    directions = _time_lagged(scaled)
    later = ((second - center) / np.where(moving, spread, 1.0))[..., moving] @ directions
    share = later.shape[1] / posterior.sizes["draw"]
    return [
        Series(f"slow direction {k + 1}", "slow direction", later[..., k], share)
        for k in range(later.shape[-1])
    ]


def coordinates(variable: xr.DataArray) -> tuple[NDArray[np.int64], NDArray]:
    """Return a variable as columns: its entries, or the means of its blocks if it is large.

    Returns the draws that were looked at, and (chains, kept, k).
    """
    variable = variable.transpose("chain", "draw", ...)
    chains, draws, *shape = variable.shape
    size = int(np.prod(shape))
    if size <= MOST_COORDINATES:
        return np.arange(draws), np.asarray(variable.values).reshape(chains, draws, size)
    kept = thinned(draws, MOST_DRAWS // chains)
    strides = {
        d: slice(None, None, -(-variable.sizes[d] // LONGEST_AXIS)) for d in variable.dims[2:]
    }
    values = np.asarray(variable.isel({"draw": kept, **strides}).values)
    for axis, length in enumerate(values.shape[2:]):
        blocks = min(BLOCKS if len(shape) > 1 else MOST_COORDINATES, length)
        edges = np.linspace(0, length, blocks + 1).astype(int)[:-1]
        dtype = np.int32 if values.dtype.kind in "ib" else values.dtype
        values = np.add.reduceat(values, edges, axis=axis + 2, dtype=dtype)
    return kept, values.reshape(chains, len(kept), -1)


def _time_lagged(values: NDArray) -> NDArray:
    """Return the directions of largest autocorrelation at lag one, shape (d, 2 at most)."""
    d = values.shape[-1]
    flat = values.reshape(-1, d)
    covariance = flat.T @ flat / len(flat)
    before, after = (v.reshape(-1, d) for v in (values[:, :-1], values[:, 1:]))
    lagged = before.T @ after / len(before)
    roots, axes = np.linalg.eigh(covariance)
    kept = roots > 1e-6 * roots[-1]
    whitening = axes[:, kept] / np.sqrt(roots[kept])
    inside = whitening.T @ (lagged + lagged.T) @ whitening / 2
    count = min(DIRECTIONS, inside.shape[0])
    last = inside.shape[0] - 1
    _, slow = scipy.linalg.eigh(inside, subset_by_index=[last - count + 1, last])
    return whitening @ slow[:, ::-1]
