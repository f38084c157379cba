"""Energies of training rows, of others, and of draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytensor.tensor as pt
import xarray as xr

from arviz_plots import PlotCollection, visuals

from pymc_ebm.dependence import PY

BINS = 40


def plot_free_energy(
    energy: Any, rows: Mapping[str, Any], *, backend: str | None = None, **kwargs: Any
) -> PlotCollection:
    """Draw histograms of the energy at rows of several kinds.

    Held-out rows that lie higher than training rows say that the energy is over-fitted; draws that
    lie elsewhere than both, that it has learned something else.

    Parameters
    ----------
    energy : Energy or FitResult
        What gives rows a value; of an RBM the free energy.
    rows : mapping of str to array_like
        Such as ``{"training": train, "held out": test, "draws": draws}``.
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
        If there are no rows.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> rng = np.random.default_rng(1)
    >>> machine = ebm.energies.RBM.random(16, 4, random_seed=1)
    >>> kinds = {name: rng.integers(0, 2, (50, 16)) for name in ("training", "held out")}
    >>> plot = ebm.plot_free_energy(machine, kinds, backend="matplotlib")
    """
    energy = getattr(energy, "energy", energy)
    if not rows:
        raise ValueError("plot_free_energy: there are no rows.")
    values = {}
    for name, kind in rows.items():
        x = np.asarray(kind)
        values[str(name)] = np.asarray(energy(pt.as_tensor_variable(x)).eval(mode=PY)).ravel()
    together = np.concatenate([*values.values()])
    edges = np.linspace(together.min(), together.max() + 1e-9, BINS + 1)
    shares = np.stack([np.histogram(v, edges)[0] / len(v) for v in values.values()])
    steps = np.repeat(edges, 2)[1:-1]
    points = np.stack([np.broadcast_to(steps, (len(values), 2 * BINS)), shares.repeat(2, axis=1)])
    data = xr.Dataset(
        {"energy": (("plot_axis", "rows", "place"), points)},
        coords={"plot_axis": ["x", "y"], "rows": list(values)},
    )
    kwargs.setdefault("aes", {"color": ["rows"]})
    collection = PlotCollection.wrap(
        data.isel(plot_axis=1, drop=True), cols=["__variable__"], backend=backend, **kwargs
    )
    collection.map(visuals.line_xy, "histogram", data=data)
    collection.map(visuals.labelled_x, "xlabel", text="energy", ignore_aes={"color"})
    collection.map(visuals.labelled_y, "ylabel", text="share of rows", ignore_aes={"color"})
    collection.add_legend("rows")
    return collection
