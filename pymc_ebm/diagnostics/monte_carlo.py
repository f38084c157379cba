"""p-values of means of autocorrelated draws."""

from __future__ import annotations

import numpy as np

from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtr

ERROR_COST = 4.0  # effective draws a degree of freedom: an autocorrelation is estimated along


def degrees_of_freedom(ess: float) -> float:
    """Return how many degrees of freedom an error estimated from so many effective draws has."""
    return max(ess / ERROR_COST, 2.0)


def mean_and_error(values: NDArray) -> tuple[float, float, float]:
    """Return the mean of draws, its Monte Carlo standard error and the effective sample size.

    Parameters
    ----------
    values : ndarray, shape (chains, draws)
        The draws; they must not be constant.
    """
    ess = float(array_stats.ess(values, chain_axis=0, draw_axis=1, method="mean"))
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(ess)), ess


def z_and_p(values: NDArray) -> tuple[float, float]:
    """Test that draws have mean zero.

    ``z = mean / MCSE`` is held against Student's t, whose degrees of freedom allow for an error
    that is itself an estimate.

    Parameters
    ----------
    values : ndarray, shape (chains, draws)
        The draws.

    Returns
    -------
    z, p_value : float
        Of draws that are all zero: 0 and 1.
    """
    if np.ptp(values) <= 1e-12 * max(float(np.abs(values).max()), 1e-300):
        return (0.0, 1.0) if abs(float(values.flat[0])) < 1e-12 else (np.inf, 0.0)
    mean, error, ess = mean_and_error(values)
    z = mean / error
    return z, float(2 * stdtr(degrees_of_freedom(ess), -abs(z)))


def p_of_squares(squares: float, count: int, ess: float) -> float:
    """Return the probability that a sum of squared z-scores is at least so large.

    Parameters
    ----------
    squares : float
        The sum.
    count : int
        Number of independent z-scores.
    ess : float
        Effective draws behind each one's error.
    """
    return float(fdtrc(count, degrees_of_freedom(ess), squares / count))


def joint_p(values: NDArray) -> float:
    """Test that several quantities have mean zero together (Hotelling's T² on batch means).

    Parameters
    ----------
    values : ndarray, shape (chains, draws, k)
        The draws; each chain is cut into 20 batches.

    Returns
    -------
    float
        The p-value; NaN if there are too few batches for so many quantities.
    """
    chains, draws, k = values.shape
    per_chain = min(20, draws // 10)
    n = chains * per_chain
    if per_chain < 2 or n <= k + 5:
        return np.nan
    length = draws // per_chain
    batches = values[:, : length * per_chain].reshape(n, length, k).mean(axis=1)
    scale = batches.std(axis=0, ddof=1)
    batches = batches[:, scale > 0] / scale[scale > 0]
    if not batches.size:
        return 1.0
    covariance = np.cov(batches, rowvar=False).reshape(batches.shape[1], -1)
    roots, axes = np.linalg.eigh(covariance)
    kept = roots > 1e-8 * roots[-1]
    means = batches.mean(axis=0) @ axes[:, kept]
    rank = int(kept.sum())
    statistic = n * float(np.sum(means**2 / roots[kept]))
    return float(fdtrc(rank, n - rank, statistic * (n - rank) / (rank * (n - 1))))
