"""p-values of means of autocorrelated draws."""

from __future__ import annotations

import numpy as np

from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy.special import fdtrc, gammainc, stdtr

ERROR_COST = 4.0  # effective draws a degree of freedom: an autocorrelation is estimated along
SEEN_OFTEN = 100.0  # events, from which on the draws' own variance is known to ten per cent


def degrees_of_freedom(ess: float) -> float:
    """Return how many degrees of freedom an error estimated from so many effective draws has."""
    return max(ess / ERROR_COST, 2.0)


def mean_and_error(values: NDArray) -> tuple[float, float, float]:
    """Return the mean of draws, its Monte Carlo standard error and the effective sample size.

    Shapes: `values` (chains, draws).
    """
    ess = float(array_stats.ess(values, chain_axis=0, draw_axis=1, method="mean"))
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(ess)), ess


def z_and_p(values: NDArray) -> tuple[float, float]:
    """Test that draws have mean zero.

    ``z = mean / MCSE`` is held against Student's t, whose degrees of freedom allow for an error
    that is itself an estimate.

    Shapes: `values` (chains, draws).
    """
    if np.ptp(values) <= 1e-12 * max(float(np.abs(values).max()), 1e-300):
        return (0.0, 1.0) if abs(float(values.flat[0])) < 1e-12 else (np.inf, 0.0)
    mean, error, ess = mean_and_error(values)
    z = mean / error
    return z, float(2 * stdtr(degrees_of_freedom(ess), -abs(z)))


def conditional_z_and_p(
    values: NDArray, variance: NDArray, fourth: NDArray, exact: bool
) -> tuple[float, float, float]:
    """Test that draws whose conditional moments the model knows have mean zero, however rare.

    An indicator minus its conditional probability, ``1[x_i = a] − p``, has the variance
    ``p (1 − p)`` whether or not the state was seen; the draws' own variance of a state that was
    never seen is nearly nothing. With V and M the sums of the second and fourth conditional moments
    and τ the autocorrelation time, ``events = V² / (M τ)`` is the number of independent events
    behind the sum: the expected count, for a rare state. The tail is that of a Poisson count with
    this mean, in units of the standard error; it is normal for many events. For the tail of a sum
    that is skewed to the other side this is an upper bound.

    Shapes: `values, variance, fourth` (chains, draws).
    """
    size, model = values.size, float(variance.sum())
    if model == 0:
        return 0.0, 1.0, 0.0
    ess = mean_and_error(values)[2] if np.ptp(values) > 0 else np.nan
    ess = ess if np.isfinite(ess) else size
    events = model**2 / float(fourth.sum())
    if events < SEEN_OFTEN:  # of a few excursions no anticorrelation can be learnt
        ess = min(ess, size)
    events *= ess / size
    own = float(values.var(ddof=1)) * size
    floor = model * min(1.0, SEEN_OFTEN / max(events, 1e-300))
    total = model if exact else max(own, floor)
    z = float(values.sum()) / np.sqrt(total * size / ess)
    poisson = 2 * float(gammainc(events + abs(z) * np.sqrt(events), events))
    student = 2 * float(stdtr(degrees_of_freedom(ess), -abs(z)))
    return z, min(1.0, max(poisson, student)), events


def p_of_squares(squares: float, count: int, ess: float) -> float:
    """Return the probability that a sum of squared z-scores is at least so large."""
    return float(fdtrc(count, degrees_of_freedom(ess), squares / count))


def joint_p(values: NDArray) -> float:
    """Test that several quantities have mean zero together (Hotelling's T² on batch means).

    Shapes: `values` (chains, draws, k).
    """
    chains, draws, k = values.shape
    per_chain = min(20, draws // 10)
    n = chains * per_chain
    if per_chain < 2 or n <= k + 5:
        return np.nan
    length = draws // per_chain
    batches = values[:, : length * per_chain].reshape(n, length, k).mean(axis=1)
    moves = np.ptp(batches, axis=0) > 0
    if not moves.any():
        return 1.0
    batches = batches[:, moves] / batches[:, moves].std(axis=0, ddof=1)
    covariance = np.cov(batches, rowvar=False).reshape(batches.shape[1], -1)
    roots, axes = np.linalg.eigh(covariance)
    kept = roots > 1e-8 * roots[-1]
    means = batches.mean(axis=0) @ axes[:, kept]
    rank = int(kept.sum())
    statistic = n * float(np.sum(means**2 / roots[kept]))
    return float(fdtrc(rank, n - rank, statistic * (n - rank) / (rank * (n - 1))))
