"""Observables against temperature, or any other setting of a sweep."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from arviz_plots import PlotCollection, visuals
from arviz_stats.base import array_stats

from pymc_ebm.plots.quantities import with_titles


def plot_sweep(
    data: xr.Dataset,
    *,
    x: str = "temperature",
    var_names: str | list[str] | None = None,
    backend: str | None = None,
    **kwargs: Any,
) -> PlotCollection:
    """Draw means of observables with two Monte Carlo standard errors against a setting.

    Parameters
    ----------
    data : Dataset
        Observables of dims (`x`, chain, draw), e.g. ``xarray.concat`` of what `ebm.observables`
        returns at each setting.
    x : str, default "temperature"
        Dimension of the settings; its coordinate is the horizontal axis.
    var_names : str or list of str, optional
        By default all.
    backend : {"matplotlib", "plotly", "bokeh"}, optional
        By default that of ``arviz.rcParams``.
    **kwargs
        Passed to `PlotCollection.wrap`.

    Returns
    -------
    PlotCollection

    Raises
    ------
    ValueError
        If `x` is no dimension of the data.

    Examples
    --------
    >>> import numpy as np, xarray as xr, pymc_ebm as ebm
    >>> draws = np.random.default_rng(1).normal(size=(3, 2, 100))
    >>> data = xr.Dataset({"energy": (("temperature", "chain", "draw"), draws)},
    ...                   coords={"temperature": [1.0, 2.0, 3.0]})
    >>> plot = ebm.plot_sweep(data, backend="matplotlib")
    """
    if x not in data.dims:
        raise ValueError(f"plot_sweep: {x!r} is none of the dimensions {list(data.dims)}.")
    names = list(data.data_vars) if var_names is None else list(np.atleast_1d(var_names))
    means, errors = {}, {}
    for name in names:
        values = data[name].transpose(x, "chain", "draw").values
        means[name] = ((x,), values.mean(axis=(1, 2)))
        errors[name] = ((x,), [_error(v) for v in values])
    coords = {x: data[x] if x in data.coords else np.arange(data.sizes[x])}
    mean, error = xr.Dataset(means, coords=coords), xr.Dataset(errors, coords=coords)
    collection = PlotCollection.wrap(mean, cols=["__variable__"], backend=backend, **kwargs)
    where = 0 * mean + mean[x]
    band = xr.concat([where, mean - 2 * error, mean + 2 * error], dim="kwarg")
    band = band.assign_coords(kwarg=["x", "y_bottom", "y_top"])
    collection.map(visuals.fill_between_y, "band", data=band, alpha=0.3)
    points = xr.concat([where, mean], dim="plot_axis").assign_coords(plot_axis=["x", "y"])
    collection.map(visuals.line_xy, "line", data=points)
    collection.map(visuals.scatter_xy, "points", data=points)
    collection.map(visuals.labelled_x, "xlabel", text=x)
    return with_titles(collection)


def _error(values: np.ndarray) -> float:
    if np.ptp(values) == 0:
        return 0.0
    return float(array_stats.mcse(values, chain_axis=0, draw_axis=1, method="mean"))
