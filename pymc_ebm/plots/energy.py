"""Histograms of energies and order parameters, chain by chain."""

from __future__ import annotations

from typing import Any

import arviz_plots

from arviz_plots import PlotCollection

from pymc_ebm.plots.quantities import COLUMNS, selection


def plot_energy(
    source: Any, *, var_names: str | list[str] | None = None, backend: Any = None, **kwargs: Any
) -> PlotCollection:
    """Draw how far the chains' histograms of energies and order parameters overlap.

    Parameters
    ----------
    source : ErgodicityReport, DataTree or Dataset
        A report, any trace, or what `ebm.observables` returns.
    var_names : str or list of str, optional
        By default the first four quantities of a report.
    backend : {"matplotlib", "plotly", "bokeh"}, optional
        By default that of ``arviz.rcParams``.
    **kwargs
        Passed to `arviz_plots.plot_dist`.

    Returns
    -------
    PlotCollection

    Examples
    --------
    >>> import numpy as np, xarray as xr, pymc_ebm as ebm
    >>> values = np.random.default_rng(1).normal(size=(2, 50))
    >>> draws = xr.Dataset({"energy": (("chain", "draw"), values)})
    >>> plot = ebm.plot_energy(draws, backend="matplotlib")
    """
    tree, names = selection(source, var_names)
    hidden = ("point_estimate", "point_estimate_text", "credible_interval")
    kwargs.setdefault("visuals", {})
    kwargs["visuals"] = dict.fromkeys(hidden, False) | kwargs["visuals"]
    kwargs.setdefault("aes", {"color": ["chain"]})
    kwargs.setdefault("cols", ["__variable__"])
    kwargs.setdefault("col_wrap", COLUMNS)
    kwargs.setdefault("kind", "ecdf" if _discrete(tree, names) else "kde")
    return arviz_plots.plot_dist(
        tree, var_names=names, sample_dims=["draw"], backend=backend, **kwargs
    )


def _discrete(tree: Any, names: list[str]) -> bool:
    """Say whether some quantity has too few values for a density."""
    values = (tree["posterior"][name].values for name in names)
    return any(len(set(v.ravel().tolist())) < 20 for v in values)
