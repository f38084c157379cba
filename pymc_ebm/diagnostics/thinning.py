"""Evenly spaced draws."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray


def thinned(draws: int, most: int) -> NDArray[np.int64]:
    """Return the numbers of evenly spaced draws, `most` at most, the last one included."""
    step = -(-draws // max(most, 1))
    return np.arange(draws - 1, -1, -step)[::-1]
