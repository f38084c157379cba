"""Round trips of a tempering ladder."""

from __future__ import annotations

from typing import Any

import xarray as xr

from arviz_plots import PlotCollection, visuals

from pymc_ebm.plots.quantities import tree_of


def plot_ladder(source: Any, *, backend: str | None = None, **kwargs: Any) -> PlotCollection:
    """Draw the round trips made so far against the draw, with their bound ``rounds / (2 + 2Λ)``.

    A pale line is the most that one ladder of the chain in its colour can make; samplers with two
    ladders count the trips of both.

    Parameters
    ----------
    source : ErgodicityReport or DataTree
        A report, or a trace of `ParallelTempering`.
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
        If no tempered step ran.
    """
    tree = tree_of(source)
    stats = tree["sample_stats"].to_dataset() if "sample_stats" in tree.children else xr.Dataset()
    if "round_trips" not in stats:
        raise ValueError(
            "There is no ladder to plot: sample_stats has no round_trips. They come from "
            "ebm.ParallelTempering."
        )
    trips = stats["round_trips"].transpose("chain", "draw").cumsum("draw")
    rounds = (stats["sweeps"] if "sweeps" in stats else xr.ones_like(trips)).cumsum("draw")
    bound = rounds / (2 + 2 * stats["barrier"].isel(draw=-1))
    data = xr.Dataset({"round trips": trips.astype(float)})
    collection = PlotCollection.wrap(
        data, cols=["__variable__"], backend=backend, aes={"color": ["chain"]}, **kwargs
    )
    collection.map(visuals.line, "trips", data=data)
    limit = xr.Dataset({"round trips": bound.transpose("chain", "draw")})
    collection.map(visuals.line, "bound", data=limit, alpha=0.35, width=4)
    collection.map(visuals.labelled_x, "xlabel", text="draw", ignore_aes={"color"})
    collection.map(visuals.labelled_y, "ylabel", text="round trips", ignore_aes={"color"})
    return collection
