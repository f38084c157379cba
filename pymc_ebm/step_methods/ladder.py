"""Ladders of inverse temperatures, as fractions of the target's."""

from __future__ import annotations

import numpy as np

from numpy.typing import ArrayLike, NDArray

TARGET_REJECTION = 0.4  # of a swap: round trips are most frequent near one half
MOST_RUNGS = 64
WINDOWS = 8  # times a ladder is reconsidered while tuning


def checked_ladder(ladder: ArrayLike, *, bounded: bool) -> NDArray[np.float64]:
    """Return the ladder, or say what is wrong with it.

    `ladder`: what the user gave; `bounded`: whether the support is finite, so that the ladder may
    start at 0.

    Raises
    ------
    ValueError
        For fewer than two rungs, rungs that do not increase, or ends out of place.
    """
    scales = np.asarray(ladder, dtype=float)
    if scales.ndim != 1 or scales.size < 2:
        raise ValueError(
            f"ParallelTempering: ladder={ladder!r} has {scales.size} rung(s); swaps need at least "
            "two, e.g. [0.1, 0.3, 0.6, 1]. Leave it out to have it tuned."
        )
    if not bounded and scales[0] <= 0:
        raise ValueError(
            f"ParallelTempering: ladder={scales.tolist()} goes down to {scales[0]:g}. The variable "
            "is unbounded, and at an inverse temperature of 0 or less its density cannot be "
            "normalised. Start above 0, e.g. at 0.02."
        )
    if not np.all(np.diff(scales) > 0) or scales[0] < 0 or scales[-1] != 1:
        raise ValueError(
            f"ParallelTempering: ladder={scales.tolist()} must increase from 0 or more to exactly "
            "1: inverse temperatures as fractions of the target's."
        )
    return scales


def equally_rejected(
    scales: NDArray[np.float64], rejection: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Space a ladder's rungs so that all swaps are rejected equally often.

    `scales` (R,): the ladder so far; its ends stay; `rejection` (R - 1,): how often swaps between
    neighbours were rejected on it. Returns as many rungs as reject swaps about two times in five.

    References
    ----------
    Syed, S., Bouchard-Côté, A., Deligiannidis, G. and Doucet, A. (2021). Non-reversible parallel
    tempering: a scalable highly parallel MCMC scheme. JRSS B 84, 321-350.
    """
    barrier = np.concatenate([[0.0], np.cumsum(np.maximum(rejection, 1e-3))])
    rungs = int(np.clip(np.ceil(barrier[-1] / TARGET_REJECTION) + 1, 3, MOST_RUNGS))
    spaced = np.interp(np.linspace(0.0, barrier[-1], rungs), barrier, scales)
    spaced[0], spaced[-1] = scales[0], scales[-1]
    return spaced
