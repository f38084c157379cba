"""A wild bootstrap of blocks: the null distribution of a kernel's mean over correlated draws."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray
from scipy.special import chdtrc

from pymc_ebm.diagnostics.series import Series, autocorrelation_time
from pymc_ebm.diagnostics.thinning import thinned

BOOTSTRAPS = 1000
BLOCK = 6.0  # autocorrelation times in a block of the bootstrap
FEWEST_BLOCKS = 3  # a chain
MOST_CUT_OFF = 1.3


def bootstrapped(
    kernel: NDArray, chains: int, tau: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Compare the mean of a kernel with that under random signs, one a block of draws.

    Blocks are several autocorrelation times long, so that they are nearly independent; what their
    borders cut off is put back. The tail beyond the bootstrap's reach is that of a sum
    of weighted squares of normal variables, from its first three cumulants.

    Shapes: `kernel` (chains * kept, chains * kept).
    """
    drawn = len(kernel) // chains
    length = int(np.clip(round(BLOCK * tau), 1, max(drawn // FEWEST_BLOCKS, 1)))
    per_chain = drawn // length
    used = np.concatenate(
        [np.arange(c * drawn, c * drawn + per_chain * length) for c in range(chains)]
    )
    blocks = chains * per_chain
    inside = kernel[np.ix_(used, used)].reshape(blocks, length, blocks, length)
    summed = inside.sum(axis=(1, 3), dtype=float) / len(used)
    statistic = float(summed.sum())
    multipliers = rng.choice([-1.0, 1.0], size=(blocks, BOOTSTRAPS))
    null = np.einsum("nb,nb->b", multipliers, summed @ multipliers)
    longer = _cut_off(kernel, chains, length)
    null *= longer
    exceeded = int(np.sum(null >= statistic))
    p_value = (1 + exceeded) / (1 + BOOTSTRAPS)
    if exceeded < 20:
        p_value = min(p_value, max(_tail(statistic, longer * summed), 1e-12))
    return statistic, p_value


def _tail(statistic: float, quadratic: NDArray) -> float:
    """Return P(gᵀ S g ≥ statistic) for normal g from three cumulants (Buckley, Eagleson 1988)."""
    square = quadratic @ quadratic
    variance, third = 2 * float(np.trace(square)), 8 * float(np.sum(square * quadratic.T))
    df = 8 * variance**3 / third**2
    return float(chdtrc(df, df + (statistic - np.trace(quadratic)) * np.sqrt(2 * df / variance)))


def _cut_off(kernel: NDArray, chains: int, length: int) -> float:
    """Return ``Σ_{|k| < L} c_k / Σ_{|k| < L} (1 − |k| / L) c_k``, c being κ averaged at lag k."""
    drawn = len(kernel) // chains
    parts = [
        kernel[c * drawn : (c + 1) * drawn, c * drawn : (c + 1) * drawn] for c in range(chains)
    ]
    lags = np.arange(1, length)
    mean = np.array([np.mean([np.diagonal(p, k).mean() for p in parts]) for k in (0, *lags)])
    whole = mean[0] + 2 * mean[1:].sum()
    seen = mean[0] + 2 * np.sum((1 - lags / length) * mean[1:])
    return float(np.clip(whole / seen, 1.0, MOST_CUT_OFF)) if seen > 0 else 1.0


def evenly_spaced(values: NDArray, most: int) -> tuple[NDArray[np.int64], float]:
    """Choose evenly spaced draws, and return their autocorrelation time in kept draws.

    Shapes: `values` (chains, draws, k).
    """
    chains, draws, _d = values.shape
    kept = thinned(draws, most // chains)
    thin = values[:, kept]
    tau = max(
        autocorrelation_time(Series("", "variable", thin[..., j]).autocorrelation)[0]
        for j in _varied(thin)
    )
    return kept, max(tau, 1.0)


def _varied(values: NDArray) -> list[int]:
    """Return at most eight columns, those that vary."""
    flat = values.reshape(-1, values.shape[-1])
    varied = np.flatnonzero(np.ptp(flat, axis=0) > 0)
    return varied[:: max(len(varied) // 8, 1)][:8].tolist() or [0]
