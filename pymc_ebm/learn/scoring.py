"""The normalised log-likelihood of every row."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.log_likelihood import LogLikelihood
from pymc_ebm.learn.method import known_shape
from pymc_ebm.learn.rows import Rows


def score(
    energy: Energy,
    data: Any,
    *,
    random_seed: Any = None,
    progressbar: bool = True,
    **estimate: Any,
) -> xr.Dataset:
    """Return ``log p(x) = −E(x) − log Z`` of rows of data, log Z included.

    Parameters
    ----------
    energy : Energy
        Its parameters are numbers.
    data : array_like, shape ``(rows, *event)``
        Configurations; NumPy, pandas, xarray, Dask, Zarr.
    random_seed : int or Generator, optional
        Source of randomness, where log Z is estimated.
    progressbar : bool, default True
        Show progress of an estimate.
    **estimate
        Passed to `estimate_log_partition`, where no exact method takes less than 20 seconds:
        ``method`` (here ``"tempering"`` by default), ``chains``, ``temperatures``, ``draws``,
        ``base``.

    Returns
    -------
    Dataset
        ``log_likelihood`` (row), ``log_partition`` and ``log_partition_se``, zero if log Z is
        exact; it is an error that all rows share. Attribute ``log_partition`` says "exact" or
        "estimated".

    Raises
    ------
    ValueError
        For values outside the support, by row and column; if log Z can neither be computed nor
        estimated.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> coin = ebm.energies.Ising(0.0, [0.0], graph=ebm.Graph.from_edges([], 1))
    >>> ebm.score(coin, [[1], [-1]])["log_likelihood"].values.round(4)
    array([-0.6931, -0.6931])
    """
    rows = Rows(data, energy, owner="score")
    energy = known_shape(energy, rows)
    options = {"progressbar": progressbar, **estimate}
    likelihood = LogLikelihood(energy, rows, lambda: energy, estimate=options)
    if likelihood.how == "unknown":
        raise ValueError(
            f"score: log Z of {type(energy).__name__} is neither exact nor estimated by a path. "
            "Compare unnormalised energies, or use ebm.two_sample on draws."
        )
    log_z, error = likelihood.log_z(np.random.default_rng(random_seed))
    return xr.Dataset(
        {
            "log_likelihood": ("row", -likelihood.energies(rows) - log_z),
            "log_partition": log_z,
            "log_partition_se": error,
        },
        attrs={"log_partition": likelihood.how},
    )
