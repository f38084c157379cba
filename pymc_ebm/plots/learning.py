"""What happened while an energy was learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from arviz_plots import PlotCollection, visuals

from pymc_ebm.plots.quantities import with_titles

SHOWN = (
    "log_likelihood", "loss", "free_energy_gap", "gradient_norm", "learning_rate", "acceptance",
    "swap_acceptance", "round_trips", "chain_rhat",
)  # fmt: skip


def plot_learning(
    history: Any,
    *,
    var_names: str | list[str] | None = None,
    backend: str | None = None,
    **kwargs: Any,
) -> PlotCollection:
    """Draw the history of a fit by epoch; log-likelihoods of training and validation together.

    Parameters
    ----------
    history : Dataset or FitResult
        What `fit` returned, or its history.
    var_names : str or list of str, optional
        By default the log-likelihood, the method's objective, the gap between validation and
        training rows, the gradient's norm, the learning rate and the chains' health, as far as
        they vary.
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
        If there is nothing of these names in the history.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> rows = np.random.default_rng(1).integers(0, 2, (100, 3))
    >>> found = ebm.fit(ebm.energies.RBM.random(3, 2), rows, epochs=5, progressbar=False)
    >>> plot = ebm.plot_learning(found, backend="matplotlib")
    """
    data: xr.Dataset = getattr(history, "history", history)
    names = _shown(data) if var_names is None else [str(n) for n in np.atleast_1d(var_names)]
    missing = [name for name in names if name not in data]
    if missing or not names:
        raise ValueError(
            f"plot_learning: the history has {list(data.data_vars)}, and not {missing or 'enough'}."
        )
    lines = {}
    for name in names:
        line = data[name]
        if name == "log_likelihood" and "validation_log_likelihood" in data:
            both = [line, data["validation_log_likelihood"]]
            line = xr.concat(both, dim="rows").assign_coords(rows=["training", "validation"])
        lines[name] = line
    chosen = xr.Dataset(lines)
    if "rows" in chosen.dims:
        kwargs.setdefault("aes", {"color": ["rows"]})
    collection = PlotCollection.wrap(chosen, cols=["__variable__"], backend=backend, **kwargs)
    scored = chosen.interpolate_na("epoch")  # lines join what was scored
    where = 0 * scored.fillna(0.0) + scored["epoch"]
    points = xr.concat([where, scored], dim="plot_axis").assign_coords(plot_axis=["x", "y"])
    collection.map(visuals.line_xy, "line", data=points)
    collection.map(visuals.labelled_x, "xlabel", text="epoch", ignore_aes={"color"})
    if "rows" in chosen.dims:
        collection.add_legend("rows")
    return with_titles(collection)


def _shown(data: xr.Dataset) -> list[str]:
    """Return what is worth a panel: what is there and varies."""
    names = []
    for name in SHOWN:
        if name in data:
            values = data[name].values[np.isfinite(data[name].values)]
            if name == "log_likelihood" or (values.size > 1 and np.ptp(values) > 0):
                names.append(name)
    return names
