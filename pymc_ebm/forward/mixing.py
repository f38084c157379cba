"""How long a chain must run before its state may be called a draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RHAT_LIMIT = 1.01
ESS_LIMIT = 400.0
PILOT_CHAINS = 4
PILOT_RECORDS = 400

# advances one chain by so many steps and returns what it is judged by
Advance = Callable[[int], tuple[float, ...]]


@dataclass(frozen=True)
class Mixing:
    """What pilot chains from dispersed starts said about a forward sampler.

    `method`: name of the moves; `steps`: steps each draw is run for: half the length of the pilot
    chains; `rhat`: largest rank-normalised R-hat over the second half of the pilot chains; `ess`:
    smallest bulk effective sample size over the same.
    """

    method: str
    steps: int
    rhat: float
    ess: float

    @property
    def converged(self) -> bool:
        """Whether the pilot chains agreed."""
        return self.rhat < RHAT_LIMIT and self.ess > ESS_LIMIT

    def sentence(self) -> str:
        """Say in words how far the draws can be trusted."""
        facts = (
            f"Each draw is the end of a chain of {self.steps} {self.method} from a dispersed "
            f"start; pilot chains of twice that length had R-hat {self.rhat:.3f} and bulk ESS "
            f"{self.ess:.0f}."
        )
        if self.converged:
            return facts
        return facts + " THEY DID NOT MIX: the draws depend on where the chains started."


def find_length(
    method: str, new_chain: Callable[[np.random.Generator], Advance], most_steps: float
) -> Mixing:
    """Find how many steps make chains from dispersed starts agree.

    Pilot chains run from a generator of their own, so that draws depend on their own seed and
    nothing else.

    `method`: name of the moves; `new_chain`: starts a chain somewhere; returns what advances it;
    `most_steps`: steps that the last round of pilot chains may take together.
    """
    rng = np.random.default_rng(20250101)
    interval = 1
    while True:
        chains = [new_chain(rng) for _ in range(PILOT_CHAINS)]
        series = np.array([[advance(interval) for _ in range(PILOT_RECORDS)] for advance in chains])
        rhat, ess = judge(np.moveaxis(series, -1, 0)[..., PILOT_RECORDS // 2 :])
        mixing = Mixing(method, PILOT_RECORDS // 2 * interval, rhat, ess)
        if mixing.converged or 4 * PILOT_CHAINS * PILOT_RECORDS * interval > most_steps:
            return mixing
        interval *= 2


def judge(series: np.ndarray) -> tuple[float, float]:
    """Return the worst R-hat and bulk ESS over quantities.

    `series` (quantities, chains, draws): traces to judge.
    """
    from arviz_stats.base import array_stats

    moving = [trace for trace in series if np.ptp(trace) > 0]
    if not moving or any((np.ptp(trace, axis=1) == 0).any() for trace in moving):
        return np.inf, 0.0  # a chain stands still
    rhat = max(float(array_stats.rhat(t, chain_axis=0, draw_axis=1)) for t in moving)
    ess = min(float(array_stats.ess(t, chain_axis=0, draw_axis=1)) for t in moving)
    return rhat, ess
