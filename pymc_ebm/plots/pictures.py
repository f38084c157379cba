"""Many small pictures in one panel, on any backend."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import xarray as xr

from arviz_plots import PlotCollection, visuals
from matplotlib.colors import to_hex
from numpy.typing import NDArray

LEVELS = 17  # of colour
SIDE = 1.1  # inches of a picture
POINTS = 72.0 * 0.77  # of an inch of panel
SQUARE = {"plotly": "square", "bokeh": "square"}


def draw_pictures(
    pictures: NDArray,
    across: int,
    limits: tuple[float, float],
    colours: str,
    backend: str | None,
    **kwargs: Any,
) -> PlotCollection:
    """Draw pictures (K, rows, columns), row by row, `across` in a row, a gap between them.

    `limits`: the values at both ends of the colour map; `**kwargs`: for `PlotCollection.wrap`.
    """
    canvas = _canvas(pictures, across)
    rows, columns = canvas.shape
    y, x = np.indices(canvas.shape)
    low, high = limits
    level = np.round((canvas - low) / max(high - low, 1e-300) * (LEVELS - 1)).clip(0, LEVELS - 1)
    width = SIDE * across
    kwargs.setdefault(
        "figure_kwargs",
        {"figsize": (width, width * rows / columns), "figsize_units": "inches"},
    )
    panel = xr.Dataset({"pictures": ("pixel", np.zeros(canvas.size))})
    collection = PlotCollection.wrap(panel, cols=["__variable__"], backend=backend, **kwargs)
    size, shades = (width * POINTS / columns) ** 2, matplotlib.colormaps[colours]
    for k in range(LEVELS):
        inside = (level == k).ravel()
        if not inside.any():
            continue
        places = np.stack([x.ravel()[inside], rows - 1 - y.ravel()[inside]]).astype(float)
        data = xr.Dataset(
            {"pictures": (("plot_axis", "pixel"), places)}, coords={"plot_axis": ["x", "y"]}
        )
        collection.map(
            visuals.scatter_xy, f"level_{k}", data=data, color=to_hex(shades(k / (LEVELS - 1))),
            marker=SQUARE.get(collection.backend, "s"), size=size, width=0,
        )  # fmt: skip
    collection.map(visuals.remove_ticks, "ticks", axis="both", store_artist=False)
    return collection


def as_pictures(rows: NDArray, image_shape: tuple[int, int], owner: str) -> NDArray:
    """Return rows of pixels as pictures (K, rows, columns)."""
    rows = np.atleast_2d(np.asarray(rows, dtype=float))
    if len(image_shape) != 2 or rows.shape[1] != int(np.prod(image_shape)):
        raise ValueError(
            f"{owner}: {rows.shape[1]} entries are no picture of shape {tuple(image_shape)}."
        )
    return rows.reshape(len(rows), *image_shape)


def square_side(count: int) -> int:
    """Return how many pictures go into a row of a nearly square sheet."""
    return int(np.ceil(np.sqrt(count)))


def _canvas(pictures: NDArray, across: int) -> NDArray:
    """Lay pictures out on one sheet, NaN between them."""
    count, height, width = pictures.shape
    down = -(-count // across)
    canvas = np.full((down * (height + 1) - 1, across * (width + 1) - 1), np.nan)
    for k, picture in enumerate(pictures):
        row, column = divmod(k, across)
        top, left = row * (height + 1), column * (width + 1)
        canvas[top : top + height, left : left + width] = picture
    return canvas
