"""Tolerances from standard errors, with stated false-alarm rates."""

from __future__ import annotations

import numpy as np

from arviz_stats.base import array_stats
from scipy.stats import norm

FALSE_ALARM = 0.01


def bonferroni_limit(count: int, false_alarm: float = FALSE_ALARM) -> float:
    """Return the |z| that `count` standard normals exceed with probability `false_alarm` at most."""
    return float(norm.isf(false_alarm / (2 * count)))


def z_scores(values: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Return (mean − exact) / MCSE along the last axis.

    Parameters
    ----------
    values : ndarray, shape (chains, draws, quantities)
        Draws; MCSE uses the effective sample size of each quantity.
    exact : ndarray, shape (quantities,)
        The truth.
    """
    mcse = array_stats.mcse(np.moveaxis(values, -1, 0), chain_axis=-2, draw_axis=-1, method="mean")
    return (values.mean(axis=(0, 1)) - exact) / mcse


def iid_z_scores(values: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Return (mean − exact) / standard error for independent rows."""
    return (values.mean(axis=0) - exact) / (values.std(axis=0, ddof=1) / np.sqrt(len(values)))
