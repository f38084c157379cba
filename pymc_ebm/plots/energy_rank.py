"""Ranks of energies and order parameters."""

from __future__ import annotations

from typing import Any

import arviz_plots
import numpy as np
import xarray as xr

from arviz_plots import PlotCollection

from pymc_ebm.plots.quantities import COLUMNS, selection


def plot_energy_rank(
    source: Any, *, var_names: str | list[str] | None = None, backend: Any = None, **kwargs: Any
) -> PlotCollection:
    """Draw how the ranks of each chain's energies spread over all draws.

    Parameters
    ----------
    source : ErgodicityReport, DataTree or Dataset
        A report, any trace, or what `ebm.observables` returns.
    var_names : str or list of str, optional
        By default the first four quantities of a report.
    backend : {"matplotlib", "plotly", "bokeh"}, optional
        By default that of ``arviz.rcParams``.
    **kwargs
        Passed to `arviz_plots.plot_rank`.

    Returns
    -------
    PlotCollection

    Examples
    --------
    >>> import numpy as np, xarray as xr, pymc_ebm as ebm
    >>> values = np.random.default_rng(1).normal(size=(2, 50))
    >>> draws = xr.Dataset({"energy": (("chain", "draw"), values)})
    >>> plot = ebm.plot_energy_rank(draws, backend="matplotlib")
    """
    tree, names = selection(source, var_names)
    kwargs.setdefault("col_wrap", COLUMNS)
    kwargs.setdefault("thin", True)  # the envelope is one for independent draws
    ranks = xr.DataTree.from_dict({"posterior": _ranked(tree["posterior"].to_dataset()[names])})
    return arviz_plots.plot_rank(ranks, var_names=names, backend=backend, **kwargs)


def _ranked(draws: xr.Dataset) -> xr.Dataset:
    """Replace values by their ranks, equal ones in random order: the envelope knows no ties."""
    rng = np.random.default_rng(0)
    return draws.map(
        lambda values: values.copy(
            data=np.argsort(np.lexsort((rng.random(values.size), values.values.ravel())))
            .reshape(values.shape)
            .astype(float)
        )
    )
