"""Which quantities of a trace a plot shows."""

from __future__ import annotations

from typing import Any

import xarray as xr

from arviz_base.labels import BaseLabeller
from arviz_plots import PlotCollection, visuals

MOST = 4  # panels a plot has by itself
COLUMNS = 2  # readable on a phone


def tree_of(source: Any) -> xr.DataTree:
    """Return the tree behind a report, or the tree itself.

    `source`: A report, what its `to_datatree` gives, any trace, or what `ebm.observables` returns.
    """
    if isinstance(source, xr.Dataset):
        unnamed = [d for d in ("chain", "draw") if d in source.dims and d not in source.coords]
        numbered = source.assign_coords({d: range(source.sizes[d]) for d in unnamed})
        return xr.DataTree.from_dict({"posterior": numbered})
    return source.to_datatree() if hasattr(source, "to_datatree") else source


def selection(source: Any, var_names: str | list[str] | None) -> tuple[xr.DataTree, list[str]]:
    """Return the tree behind a source, and the names to plot.

    `source`: as for `tree_of`; `var_names`: what was asked for.
    """
    tree = tree_of(source)
    return tree, chosen(tree, var_names)


def chosen(tree: xr.DataTree, var_names: str | list[str] | None) -> list[str]:
    """Return the names to plot: those asked for, or energies and order parameters first.

    `tree`: with a posterior group; `var_names`: what was asked for.
    """
    if "posterior" not in tree.children or not tree["posterior"].data_vars:
        raise ValueError("There is nothing to plot: the tree has no posterior group.")
    names = [str(name) for name in tree["posterior"].data_vars]
    if var_names is None:
        return names[:MOST]
    wanted = [var_names] if isinstance(var_names, str) else list(var_names)
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise ValueError(f"There is no {unknown[0]!r} to plot, only {', '.join(names[:20])}.")
    return wanted


def with_titles(collection: PlotCollection) -> PlotCollection:
    """Write each panel's name above it.

    `collection`: whose panels are variables.
    """
    collection.map(
        visuals.labelled_title,
        "title",
        ignore_aes="all",
        subset_info=True,
        labeller=BaseLabeller(),
        store_artist=False,
    )
    return collection
