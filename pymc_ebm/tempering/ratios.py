"""Ratios of normalising constants of neighbours on a ladder, from the draws of both."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit


def log_ratios(
    ladder: NDArray[np.float64], differences: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Estimate ``log Z(t_{k+1}) − log Z(t_k)``, (R - 1,), from Δ of draws at rungs (draws, R)."""
    pairs = zip(np.diff(ladder), differences.T[:-1], differences.T[1:], strict=True)
    return np.array([bennett(gap * low, gap * high) for gap, low, high in pairs])


def bennett(forward: NDArray[np.float64], backward: NDArray[np.float64]) -> float:
    """Estimate ``log Z_b − log Z_a`` from ``log p_a − log p_b`` of as many draws from a and b.

    Bennett, C. H. (1976). Efficient estimation of free energy differences from Monte Carlo data.
    Journal of Computational Physics 22, 245-268.
    """

    def imbalance(c: float) -> float:
        return float(expit(-forward - c).sum() - expit(backward + c).sum())

    low = -max(forward.max(), backward.max()) - 50
    high = -min(forward.min(), backward.min()) + 50
    return float(brentq(imbalance, low, high))


def bennett_influence(
    forward: NDArray[np.float64], backward: NDArray[np.float64], ratio: float
) -> NDArray[np.float64]:
    """Return a series whose mean has the error of `bennett`, to first order."""
    low, high = expit(-forward - ratio), expit(backward + ratio)
    return (low - high) / (low * (1 - low) + high * (1 - high)).mean()


def neighbour_ess(ladder: NDArray[np.float64], differences: NDArray[np.float64]) -> float:
    """Return the smallest fraction of effective draws when a rung is reweighted to the next."""
    log_w = -np.diff(ladder) * differences[:, :-1]
    w = np.exp(log_w - log_w.max(axis=0))
    return float((w.sum(axis=0) ** 2 / (w**2).sum(axis=0)).min() / len(w))
