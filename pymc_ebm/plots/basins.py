"""A map of basins: where their minima lie, how deep they are, how much of the sample is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from arviz_plots import PlotCollection, visuals

from pymc_ebm.plots.quantities import tree_of, with_titles

LARGEST = 600.0  # marker area of a basin that holds every draw


def plot_basins(
    source: Any, *, variable: str | None = None, backend: str | None = None, **kwargs: Any
) -> PlotCollection:
    """Draw each basin at its minimum: position along the first principal axis against energy.

    A circle's area is the basin's share of all draws.

    Parameters
    ----------
    source : ErgodicityReport or DataTree
        A report, or what its `to_datatree` gives.
    variable : str, optional
        Whose basins; by default all that have two or more.
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
        If the report has no basins.
    """
    panels = {}
    for name, basins in basins_of(source, variable).items():
        points = np.stack([_along_principal_axis(basins["position"].values), basins["energy"]])
        panels[name] = (("plot_axis", "basin"), points)
    data = xr.Dataset(panels, coords={"plot_axis": ["x", "y"]})
    collection = PlotCollection.wrap(data, cols=["__variable__"], backend=backend, **kwargs)
    shares = {n: b["occupancy"].mean("chain") for n, b in basins_of(source, variable).items()}
    for k in range(data.sizes["basin"]):
        one = data.isel(basin=k)
        present = one[[n for n in one.data_vars if bool(np.isfinite(one[n]).all())]]
        size = max(float(np.nanmax([s[k] for s in shares.values() if len(s) > k])), 0.01)
        collection.map(
            visuals.scatter_xy, f"basin_{k}", data=present, size=LARGEST * size, alpha=0.6
        )
        collection.map(
            visuals.annotate_xy,
            f"label_{k}",
            data=present,
            text=str(k),
        )
    collection.map(visuals.labelled_x, "xlabel", text="position (first axis)", ignore_aes="all")
    collection.map(visuals.labelled_y, "ylabel", text="energy of the minimum", ignore_aes="all")
    return with_titles(collection)


def basins_of(source: Any, variable: str | None) -> dict[str, xr.Dataset]:
    """Return the basins of a report by variable, those with two or more.

    `source`: A report, or what its `to_datatree` gives; `variable`: the only one to return.
    """
    tree = tree_of(source)
    groups = tree["basins"].children if "basins" in tree.children else {}
    if variable is not None:
        if variable not in groups:
            raise ValueError(f"There are no basins of {variable!r}, only of {list(groups)}.")
        return {variable: groups[variable].to_dataset()}
    found = {n: g.to_dataset() for n, g in groups.items() if g.sizes.get("basin", 0) > 1}
    if not found:
        raise ValueError(
            "There are no basins to plot: the draws lead to one minimum, or each to its own, or "
            "the report was made without a model."
        )
    return found


def _along_principal_axis(positions: np.ndarray) -> np.ndarray:
    centred = positions - positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred.astype(float), full_matrices=False)
    return centred @ axes[0]
