"""What hidden units keep of data."""

from __future__ import annotations

from typing import Any

import numpy as np

from arviz_plots import PlotCollection

from pymc_ebm.dependence import PY
from pymc_ebm.plots.pictures import as_pictures, draw_pictures

MOST = 12


def plot_reconstructions(
    energy: Any,
    data: Any,
    image_shape: tuple[int, int],
    *,
    backend: str | None = None,
    **kwargs: Any,
) -> PlotCollection:
    """Draw rows of data above what an RBM makes of them: up by means, and down by means.

    A good reconstruction does not say that the energy describes the data: see `score`.

    Parameters
    ----------
    energy : RBM or FitResult
        The machine, binary on both sides.
    data : array_like, shape (rows, pixels)
        Of which the first twelve are shown.
    image_shape : tuple of int
        Height and width.
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
        If the energy is no RBM, or the shape does not fit.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> rows = np.random.default_rng(1).integers(0, 2, (6, 16))
    >>> machine = ebm.energies.RBM.random(16, 4, random_seed=1)
    >>> plot = ebm.plot_reconstructions(machine, rows, (4, 4), backend="matplotlib")
    """
    energy = getattr(energy, "energy", energy)
    if type(energy).__name__ != "RBM":
        raise ValueError(
            f"plot_reconstructions: {type(energy).__name__} is no RBM of binary units."
        )
    rows = np.atleast_2d(np.asarray(data, dtype=float))[:MOST]
    pictures = as_pictures(rows, image_shape, "plot_reconstructions")
    up = np.asarray(energy.hidden_means(rows).eval(mode=PY))
    W, b = (np.asarray(energy.parameters[name].eval(mode=PY)) for name in ("W", "b"))
    down = 1.0 / (1.0 + np.exp(-(b + up @ W.T)))
    both = np.concatenate([pictures, as_pictures(down, image_shape, "plot_reconstructions")])
    return draw_pictures(both, len(rows), (0.0, 1.0), "Greys", backend, **kwargs)
