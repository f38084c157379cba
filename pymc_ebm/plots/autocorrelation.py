"""Autocorrelation of energies and order parameters."""

from __future__ import annotations

from typing import Any

import arviz_plots

from arviz_plots import PlotCollection

from pymc_ebm.plots.quantities import COLUMNS, selection


def plot_autocorrelation(
    source: Any,
    *,
    var_names: str | list[str] | None = None,
    max_lag: int = 100,
    backend: Any = None,
    **kwargs: Any,
) -> PlotCollection:
    """Draw the autocorrelation of energies and order parameters, a colour a chain.

    Parameters
    ----------
    source : ErgodicityReport, DataTree or Dataset
        A report, any trace, or what `ebm.observables` returns.
    var_names : str or list of str, optional
        By default the first four quantities of a report.
    max_lag : int, default 100
        In draws.
    backend : {"matplotlib", "plotly", "bokeh"}, optional
        By default that of ``arviz.rcParams``.
    **kwargs
        Passed to `arviz_plots.plot_autocorr`.

    Returns
    -------
    PlotCollection

    Examples
    --------
    >>> import numpy as np, xarray as xr, pymc_ebm as ebm
    >>> values = np.random.default_rng(1).normal(size=(2, 50))
    >>> draws = xr.Dataset({"energy": (("chain", "draw"), values)})
    >>> plot = ebm.plot_autocorrelation(draws, max_lag=20, backend="matplotlib")
    """
    tree, names = selection(source, var_names)
    kwargs.setdefault("col_wrap", COLUMNS)
    max_lag = min(max_lag, tree["posterior"].sizes["draw"] - 1)
    return arviz_plots.plot_autocorr(
        tree, var_names=names, max_lag=max_lag, backend=backend, **kwargs
    )
