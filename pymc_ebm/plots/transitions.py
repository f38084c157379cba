"""The transition graph between basins."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from arviz_plots import PlotCollection, visuals

from pymc_ebm.plots.basins import basins_of
from pymc_ebm.plots.quantities import with_titles

WIDEST = 6.0


def plot_transitions(
    source: Any, *, variable: str | None = None, backend: str | None = None, **kwargs: Any
) -> PlotCollection:
    """Draw basins on a circle, and lines as wide as the number of crossings between them.

    Parameters
    ----------
    source : ErgodicityReport or DataTree
        A report, or what its `to_datatree` gives.
    variable : str, optional
        Whose basins; by default the first with two or more.
    backend : {"matplotlib", "plotly", "bokeh"}, optional
        By default that of ``arviz.rcParams``.
    **kwargs
        Passed to `PlotCollection.wrap`.

    Returns
    -------
    PlotCollection
    """
    name, basins = next(iter(basins_of(source, variable).items()))
    k = basins.sizes["basin"]
    angles = 2 * np.pi * np.arange(k) / k + np.pi / 2
    places = np.stack([np.cos(angles), np.sin(angles)])
    share = basins["occupancy"].mean("chain").values
    counts = basins["transitions"].values
    both = counts + counts.T
    data = xr.Dataset({name: (("plot_axis", "basin"), places)}, coords={"plot_axis": ["x", "y"]})
    collection = PlotCollection.wrap(data, cols=["__variable__"], backend=backend, **kwargs)
    most = max(int((both - np.diag(np.diag(both))).max()), 1)
    for a in range(k):
        for b in range(a):
            if not both[a, b]:
                continue
            ends = data.isel(basin=[a, b])
            collection.map(
                visuals.line_xy,
                f"edge_{a}_{b}",
                data=ends,
                width=max(WIDEST * both[a, b] / most, 0.5),
                alpha=0.5,
                color="gray",
            )
            collection.map(
                visuals.annotate_xy,
                f"count_{a}_{b}",
                data=ends.mean("basin"),
                text=f"{both[a, b]}",
            )
    for node in range(k):
        one = data.isel(basin=node)
        collection.map(
            visuals.scatter_xy, f"node_{node}", data=one, size=100 + 900 * share[node], alpha=0.8
        )
        collection.map(
            visuals.annotate_xy,
            f"label_{node}",
            data=1.3 * one,
            text=f"{node}: {share[node]:.0%}",
        )
    collection.map(visuals.set_xlim, "xlim", limits=(-1.6, 1.6), store_artist=False)
    collection.map(visuals.set_ylim, "ylim", limits=(-1.5, 1.5), store_artist=False)
    collection.map(visuals.remove_ticks, "ticks", axis="both", store_artist=False)
    return with_titles(collection)
