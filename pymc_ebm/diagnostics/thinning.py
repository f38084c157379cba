"""Evenly spaced draws."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray


def thinned(draws: int, most: int) -> NDArray[np.int64]:
    """Return the numbers of evenly spaced draws, `most` at most, the last one included.

    Parameters
    ----------
    draws : int
        How many there are.
    most : int
        How many are wanted.
    """
    step = -(-draws // max(most, 1))
    return np.arange(draws - 1, -1, -step)[::-1]
