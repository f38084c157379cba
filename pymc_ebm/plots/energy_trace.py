"""Energies and order parameters, draw by draw."""

from __future__ import annotations

from typing import Any

import arviz_plots

from arviz_plots import PlotCollection

from pymc_ebm.plots.quantities import COLUMNS, selection


def plot_energy_trace(
    source: Any, *, var_names: str | list[str] | None = None, backend: Any = None, **kwargs: Any
) -> PlotCollection:
    """Draw energies and order parameters against the draw, a colour a chain.

    Parameters
    ----------
    source : ErgodicityReport, DataTree or Dataset
        A report, any trace, or what `ebm.observables` returns.
    var_names : str or list of str, optional
        By default the first four quantities of a report: energies and order parameters.
    backend : {"matplotlib", "plotly", "bokeh"}, optional
        By default that of ``arviz.rcParams``.
    **kwargs
        Passed to `arviz_plots.plot_trace`.

    Returns
    -------
    PlotCollection

    Examples
    --------
    >>> import numpy as np, xarray as xr, pymc_ebm as ebm
    >>> draws = xr.Dataset({"energy": (("chain", "draw"), np.zeros((2, 50)))})
    >>> plot = ebm.plot_energy_trace(draws, backend="matplotlib")
    """
    tree, names = selection(source, var_names)
    kwargs.setdefault("col_wrap", COLUMNS)
    return arviz_plots.plot_trace(tree, var_names=names, backend=backend, **kwargs)
