"""Weights of basins by bridge sampling, and whether draws occupy them so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy.special import logsumexp, stdtr

from pymc_ebm.diagnostics.monte_carlo import degrees_of_freedom

TOLERANCE = 0.01  # of the probability: a smaller difference is nobody's concern
FEWEST_EFFECTIVE = 40.0  # proposals behind a weight, before its error can be believed
ITERATIONS = 50


@dataclass(frozen=True)
class BasinWeights:
    """Shares of the probability with standard errors, and of the draws with p-values, shape (k,).

    `effective` is the number of proposals that a weight rests on.
    """

    share: NDArray[np.float64]
    relative_error: NDArray[np.float64]
    effective: NDArray[np.float64]
    occupancy: NDArray[np.float64]
    p_value: NDArray[np.float64]


def weigh(
    log_p: NDArray, log_q: NDArray, draws_log_p: NDArray, draws_log_q: NDArray
) -> BasinWeights:
    """Cut space into one cell a proposal, weigh each, and compare with the draws in it.

    The cell of proposal k is where its density times its mass is the largest. Its normalising
    constant comes from a bridge between the proposals and the draws in the cell (Meng and Wong
    1996, equation 4.1), or from the proposals alone where there are no draws. Any cells would do:
    these are the basins where proposals fit.

    Shapes: `log_p` (k, m) and `log_q` (k, m, k), the target's and all proposals' log-densities at
    m points of each proposal; `draws_log_p` (chains, draws), `draws_log_q` (chains, draws, k).

    References
    ----------
    Meng, X.-L. and Wong, W. H. (1996). Simulating ratios of normalizing constants via a simple
    identity. Statistica Sinica 6, 831-860. Frühwirth-Schnatter, S. (2004). Estimating marginal
    likelihoods for mixture and Markov switching models using bridge sampling techniques.
    Econometrics Journal 7, 143-167.
    """
    count = len(log_p)
    own = np.arange(count)
    ratio = log_p - log_q[own, :, own]
    mass = _log_mean(ratio, axis=1)
    cells, draws_cells = (np.argmax(mass + q, axis=-1) for q in (log_q, draws_log_q))
    size = draws_log_p.size
    ess = min(_ess(draws_log_p), size)
    log_z, variance, effective = np.empty((3, count))
    for k in range(count):
        inside = draws_cells == k
        at_proposals = np.where(cells[k] == k, ratio[k], -np.inf)
        at_draws = (draws_log_p - draws_log_q[..., k])[inside]
        log_z[k], variance[k], effective[k] = bridge(at_proposals, at_draws, ess / size)
    share = np.exp(log_z - logsumexp(log_z))
    # d log w_k = d log Z_k − Σ_j w_j d log Z_j
    total = np.sum(share**2 * variance)
    relative = np.sqrt((1 - 2 * share) * variance + total)
    occupancy, p_value = np.empty((2, count))
    for k in range(count):
        indicator = (draws_cells == k).astype(float)
        occupancy[k] = indicator.mean()
        worth = min(_ess(indicator), size) if 0 < occupancy[k] < 1 else ess
        # a basin that was hardly entered shows no spread of its own: take the model's
        spread = max(occupancy[k] * (1 - occupancy[k]), share[k] * (1 - share[k]))
        error = np.sqrt(spread / worth + (share[k] * relative[k]) ** 2)
        z = max(abs(occupancy[k] - share[k]) - TOLERANCE, 0.0) / max(error, 1e-12)
        p_value[k] = 2 * float(stdtr(degrees_of_freedom(worth), -z))
    return BasinWeights(share, relative, effective, occupancy, p_value)


def bridge(at_proposals: NDArray, at_draws: NDArray, worth: float) -> tuple[float, float, float]:
    """Return log Z of one cell, its relative variance, and the effective number of proposals.

    Both arrays hold ``log p − log q``, −∞ at proposals outside the cell; a draw is worth `worth`
    independent ones.
    """
    m, n = len(at_proposals), len(at_draws) * worth
    log_z = _log_mean(at_proposals)
    if not np.isfinite(log_z):
        return -np.inf, 0.0, 0.0
    log_f = at_proposals - log_z
    if len(at_draws):
        drawn, proposed = np.log(n / (n + m)), np.log(m / (n + m))
        for _ in range(ITERATIONS):
            log_f = at_proposals - np.logaddexp(drawn + at_proposals, proposed + log_z)
            log_g = -np.logaddexp(drawn + at_draws, proposed + log_z)
            before, log_z = log_z, _log_mean(log_f) - _log_mean(log_g)
            if abs(log_z - before) < 1e-8:
                break
    f = np.exp(log_f - _log_mean(log_f))  # mean one
    variance = float(f.var()) / m
    if len(at_draws):
        variance += float(np.exp(log_g - _log_mean(log_g)).var()) / max(n, 1.0)
    return float(log_z), variance, float(f.sum() ** 2 / np.sum(f**2))


def _log_mean(values: NDArray, axis: int | None = None) -> NDArray | float:
    count = values.size if axis is None else values.shape[axis]
    with np.errstate(divide="ignore"):
        return logsumexp(values, axis=axis) - np.log(count)


def _ess(values: NDArray) -> float:
    if np.ptp(values) == 0:
        return float(values.size)
    ess = float(array_stats.ess(values, chain_axis=0, draw_axis=1, method="mean"))
    return ess if np.isfinite(ess) else float(values.size)
