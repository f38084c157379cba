"""Whether the chains of a simulation agree, and what they show if not."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

R_HAT = 1.1  # from here on chains are said to disagree
FEWEST_DRAWS = 20  # fewer cannot tell


def split_r_hat(values: NDArray[np.float64]) -> float:
    """Return R-hat of the halves of chains, shape (chains, draws); 1 where nothing moves."""
    half = values.shape[1] // 2
    halves = values[:, : 2 * half].reshape(-1, half)
    between, within = halves.mean(axis=1).var(ddof=1), halves.var(axis=1, ddof=1).mean()
    if between <= 1e-24 * max(1.0, float(np.square(values).mean())):
        return 1.0
    return float(np.sqrt((half - 1) / half + between / within)) if within > 0 else np.inf


def describe_disagreement(
    betas: NDArray[np.float64], observables: dict[str, NDArray[np.float64]]
) -> str | None:
    """Say where observables (betas, chains, draws) differ most between chains; None if nowhere.

    Temperatures with gaps, and runs too short to tell, are passed over.
    """
    worst, message, where = R_HAT, "", set()
    for name, values in observables.items():
        if values.shape[1] < 2 or values.shape[2] < FEWEST_DRAWS:
            return None
        for b, series in enumerate(values):
            r_hat = split_r_hat(series) if np.all(np.isfinite(series)) else 1.0
            if r_hat < R_HAT:
                continue
            where.add(b)
            if r_hat < worst:
                continue
            means = series.mean(axis=1)
            median = float(np.median(means))
            odd = int(np.argmax(np.abs(means - median)))
            worst = r_hat
            message = (
                f"beta = {betas[b]:.4g} (R-hat {r_hat:.3g}): the mean {name} of chain {odd} is "
                f"{means[odd]:.4g}, that of the median chain {median:.4g}"
            )
    if not where:
        return None
    return f"chains disagree at {len(where)} of {len(betas)} temperatures, most at {message}"
