"""Draws from a one-dimensional density by its inverse distribution function."""

from collections.abc import Callable

import numpy as np


def draw_from_log_density(
    log_density: Callable[[np.ndarray], np.ndarray],
    low: float,
    high: float,
    rng: np.random.Generator,
    size: int | tuple[int, ...],
    points: int = 20_001,
) -> np.ndarray:
    """Draw by inverting the trapezoid distribution function on a fine grid.

    `log_density`: unnormalised log-density on an array; `low`, `high`: interval that holds all but
    a negligible mass; `rng`: source of randomness; `size`: shape of the result; `points`: grid
    points; the error of the distribution function is O(points⁻²).
    """
    grid = np.linspace(low, high, points)
    with np.errstate(divide="ignore"):  # a density may vanish at the ends: log 0 = −inf is right
        height = log_density(grid)
    density = np.exp(height - height.max())
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    return np.interp(rng.random(size) * cumulative[-1], cumulative, grid)
