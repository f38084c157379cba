"""Whether draws and data come from one distribution: the energy distance and a permutation."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr

from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from pymc_ebm.learn.counts import whole
from pymc_ebm.variables.observed import as_array

MOST_ROWS = 2000  # of each sample; more are thinned at random


def two_sample(
    draws: Any,
    data: Any,
    *,
    statistic: Literal["energy", "mmd"] = "energy",
    permutations: int = 999,
    random_seed: Any = None,
) -> xr.Dataset:
    r"""Compare two samples by a distance between distributions, with a permutation p-value.

    Parameters
    ----------
    draws, data : array_like, shape ``(rows, *event)``
        Independent rows; thin a chain first. Of more than 2 000, so many are taken at random.
    statistic : {"energy", "mmd"}
        The energy distance ``2⟨|x − y|⟩ − ⟨|x − x′|⟩ − ⟨|y − y′|⟩``, or the squared maximum mean
        discrepancy of a normal kernel as wide as the median distance.
    permutations : int, default 999
        Random divisions of the joined sample.
    random_seed : int or Generator, optional
        Source of randomness.

    Returns
    -------
    Dataset
        ``statistic``, ``p_value`` (how often a random division is as far apart, itself counted).

    Raises
    ------
    ValueError
        For samples of different widths, fewer than two rows, or NaN.

    References
    ----------
    Székely, G. J. and Rizzo, M. L. (2013). Energy statistics. Journal of Statistical Planning and
    Inference 143, 1249-1272.
    Gretton, A. et al. (2012). A kernel two-sample test. Journal of Machine Learning Research 13,
    723-773.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> x = np.random.default_rng(1).normal(size=(200, 2))
    >>> bool(ebm.two_sample(x[:100], x[100:] + 1.0, random_seed=1).p_value < 0.01)
    True
    """
    if statistic not in ("energy", "mmd"):
        raise ValueError(f"two_sample: statistic={statistic!r} is neither 'energy' nor 'mmd'.")
    permutations = whole("two_sample", "permutations", permutations)
    rng = np.random.default_rng(random_seed)
    x, y = (_flat(values, name, rng) for values, name in ((draws, "draws"), (data, "data")))
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"two_sample: draws have {x.shape[1]} columns, and data {y.shape[1]}.")
    both = np.concatenate([x, y])
    distance = cdist(both, both)
    if statistic == "mmd":
        width = np.median(distance[np.triu_indices_from(distance, 1)]) or 1.0
        distance = -np.exp(-0.5 * (distance / width) ** 2)
    n = len(x)
    found = _divided(distance, np.arange(len(both)) < n)
    beyond = 1
    for _ in range(permutations):
        first = np.zeros(len(both), bool)
        first[rng.permutation(len(both))[:n]] = True
        beyond += _divided(distance, first) >= found - 1e-12
    return xr.Dataset(
        {"statistic": found, "p_value": beyond / (permutations + 1)},
        attrs={"statistic": statistic, "rows": [n, len(y)]},
    )


def _divided(distance: NDArray, first: NDArray[np.bool_]) -> float:
    """Return twice the mean distance between two parts minus those within them."""
    a = first / first.sum()
    b = ~first / (~first).sum()
    difference = a - b
    return float(-(difference @ distance @ difference))


def _flat(values: Any, name: str, rng: np.random.Generator) -> NDArray[np.float64]:
    try:
        array = np.ma.filled(np.ma.asarray(as_array(values), dtype=float), np.nan)
    except (TypeError, ValueError) as error:
        raise TypeError(f"two_sample: {name} cannot be read as numbers: {error}.") from None
    if array.ndim == 0 or len(array) < 2 or array.size == 0:
        raise ValueError(
            f"two_sample: {name} has shape {array.shape}; pass two rows or more, (rows, *event)."
        )
    array = array.reshape(len(array), -1)
    if not np.isfinite(array).all():
        row, column = (int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"two_sample: {name} has {array[row, column]} at row {row}.")
    if len(array) > MOST_ROWS:
        array = array[rng.choice(len(array), MOST_ROWS, replace=False)]
    return array
