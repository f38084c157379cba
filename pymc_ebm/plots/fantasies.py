"""What a learned energy draws by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from arviz_plots import PlotCollection

from pymc_ebm.plots.pictures import as_pictures, draw_pictures, square_side

MOST = 64


def plot_fantasies(
    draws: Any,
    image_shape: tuple[int, int],
    *,
    var_name: str | None = None,
    backend: str | None = None,
    **kwargs: Any,
) -> PlotCollection:
    """Draw configurations as pictures: the fantasy particles of a machine, or data.

    Parameters
    ----------
    draws : array_like or DataTree
        Rows, shape (rows, pixels), of which at most 64 are shown, evenly spaced; or a trace.
    image_shape : tuple of int
        Height and width.
    var_name : str, optional
        Which variable of a trace; by default its only one.
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
        If rows are no pictures of this shape, or it is not clear which variable is meant.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> rows = np.random.default_rng(1).integers(0, 2, (6, 16))
    >>> plot = ebm.plot_fantasies(rows, (4, 4), backend="matplotlib")
    """
    if isinstance(draws, xr.DataTree):
        posterior = draws["posterior"].to_dataset()
        names = [str(name) for name in posterior]
        if var_name is None and len(names) != 1:
            raise ValueError(f"plot_fantasies: which of {', '.join(names)}? Pass var_name=.")
        variable = posterior[var_name or names[0]].transpose("chain", "draw", ...).to_numpy()
        draws = variable.reshape(-1, int(np.prod(image_shape)))
    rows = np.asarray(draws, dtype=float)
    rows = rows.reshape(len(rows), -1)
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).astype(int))
    pictures = as_pictures(rows[chosen], image_shape, "plot_fantasies")
    limits = float(pictures.min()), float(pictures.max())
    return draw_pictures(pictures, square_side(len(pictures)), limits, "Greys", backend, **kwargs)
