"""How ordered a configuration is, in one number."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray


def order_parameter(values: NDArray, states: tuple[int, ...], is_potts: bool) -> float:
    """Return the mean value; for Potts states how far one of them dominates.

    ``(q f − 1) / (q − 1)``, f being the fraction of entries in the commonest state, is 0 where all
    q states are equally common and 1 where one has taken over.

    Parameters
    ----------
    values : ndarray, shape (batch, n)
        Configurations.
    states : tuple of int
        The q values an entry may take.
    is_potts : bool
        Whether the values are mere labels.
    """
    if not is_potts:
        return float(values.mean(dtype=float))
    q = len(states)
    largest = np.mean([np.bincount(row, minlength=q).max() / row.size for row in values])
    return float((q * largest - 1) / (q - 1))
