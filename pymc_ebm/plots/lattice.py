"""Snapshots of a lattice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from arviz_plots import PlotCollection, visuals

from pymc_ebm.plots.quantities import tree_of, with_titles

PANELS = 4
SIDE = 3.0  # inches
POINTS = 185.0  # of a panel's side, to size the markers
SQUARE = {"plotly": "square", "bokeh": "square"}


def plot_lattice(
    source: Any,
    var_name: str,
    *,
    draws: Sequence[int] | None = None,
    chain: int = 0,
    backend: str | None = None,
    **kwargs: Any,
) -> PlotCollection:
    """Draw configurations of a two-dimensional discrete variable, a colour a state.

    Parameters
    ----------
    source : DataTree or Dataset
        A trace.
    var_name : str
        The variable; two dimensions besides chain and draw.
    draws : sequence of int, optional
        Which; by default four, evenly spaced, the last one included.
    chain : int, default 0
        Number of the chain, counted from 0.
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
        If the variable is not there, or not a lattice of two dimensions.
    """
    posterior = tree_of(source)["posterior"].to_dataset()
    if var_name not in posterior:
        raise ValueError(f"plot_lattice: there is no {var_name!r}, only {list(posterior)}.")
    variable = posterior[var_name].transpose("chain", "draw", ...)
    if variable.ndim != 4:
        raise ValueError(
            f"plot_lattice: {var_name!r} has dimensions {variable.dims}; besides chain and draw "
            "there must be two."
        )
    if draws is None:
        draws = np.linspace(0, variable.sizes["draw"] - 1, PANELS + 1).astype(int)[1:].tolist()
    states = variable.isel(chain=chain, draw=list(draws)).values
    rows, columns = np.indices(states.shape[1:])
    names = [f"draw {d}" for d in draws]
    panels = xr.Dataset({name: (("site",), np.zeros(rows.size)) for name in names})
    kwargs.setdefault(
        "figure_kwargs",
        {"figsize": (SIDE * len(names), SIDE * 1.1), "figsize_units": "inches"},
    )
    kwargs.setdefault("col_wrap", len(names))
    collection = PlotCollection.wrap(panels, cols=["__variable__"], backend=backend, **kwargs)
    size = (POINTS / max(states.shape[1:])) ** 2
    values = np.unique(states)
    for k, value in enumerate(values):
        places = {}
        for name, state in zip(names, states, strict=True):
            inside = state == value
            x = np.where(inside, columns, np.nan).ravel()
            y = np.where(inside, states.shape[1] - 1 - rows, np.nan).ravel()
            places[name] = (("plot_axis", "site"), np.stack([x, y]).astype(float))
        data = xr.Dataset(places, coords={"plot_axis": ["x", "y"]})
        collection.map(
            visuals.scatter_xy, f"state_{value}", data=data, color=f"C{k}",
            marker=SQUARE.get(collection.backend, "s"),
            size=size, width=0,
        )  # fmt: skip
    collection.map(visuals.remove_ticks, "ticks", axis="both", store_artist=False)
    return with_titles(collection)
