"""What hidden units look for."""

from __future__ import annotations

from typing import Any

import numpy as np

from arviz_plots import PlotCollection

from pymc_ebm.dependence import PY
from pymc_ebm.plots.pictures import as_pictures, draw_pictures, square_side

MOST = 64


def plot_filters(
    energy: Any,
    image_shape: tuple[int, int],
    *,
    units: Any = None,
    backend: str | None = None,
    **kwargs: Any,
) -> PlotCollection:
    """Draw the weights of hidden units as pictures, blue for negative and red for positive ones.

    Parameters
    ----------
    energy : Energy or FitResult
        An energy of two layers with weights W, such as an RBM.
    image_shape : tuple of int
        Height and width; their product is the number of visible units.
    units : sequence of int, optional
        Which hidden units; by default the 64 with the largest weights.
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
        If the energy has no matrix of weights, or the shape does not fit.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> machine = ebm.energies.RBM.random(16, 4, random_seed=1)
    >>> plot = ebm.plot_filters(machine, (4, 4), backend="matplotlib")
    """
    energy = getattr(energy, "energy", energy)
    weights = getattr(energy, "parameters", {}).get("W")
    if weights is None or weights.ndim != 2:
        raise ValueError(f"plot_filters: {type(energy).__name__} has no matrix of weights W.")
    W = np.asarray(weights.eval(mode=PY)).T
    if units is None:
        units = np.sort(np.argsort(-np.abs(W).sum(axis=1), kind="stable")[:MOST])
    pictures = as_pictures(W[np.atleast_1d(units)], image_shape, "plot_filters")
    reach = float(np.quantile(np.abs(pictures), 0.99)) or 1.0
    across = square_side(len(pictures))
    return draw_pictures(pictures, across, (-reach, reach), "RdBu_r", backend, **kwargs)
