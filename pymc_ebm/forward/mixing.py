"""How long a chain must run before its state may be called a draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RHAT_LIMIT = 1.01
ESS_LIMIT = 400.0


@dataclass(frozen=True)
class Mixing:
    """What pilot chains from dispersed starts said about a forward sampler.

    Parameters
    ----------
    method : str
        Name of the moves.
    steps : int
        Steps each draw is run for: half the length of the pilot chains.
    rhat : float
        Largest rank-normalised R-hat over the second half of the pilot chains.
    ess : float
        Smallest bulk effective sample size over the same.
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


def judge(series: np.ndarray) -> tuple[float, float]:
    """Return the worst R-hat and bulk ESS over quantities.

    Parameters
    ----------
    series : ndarray, shape (quantities, chains, draws)
        Traces to judge.
    """
    from arviz_stats.base import array_stats

    moving = [trace for trace in series if np.ptp(trace) > 0]
    if not moving or any((np.ptp(trace, axis=1) == 0).any() for trace in moving):
        return np.inf, 0.0  # a chain stands still
    rhat = max(float(array_stats.rhat(t, chain_axis=0, draw_axis=1)) for t in moving)
    ess = min(float(array_stats.ess(t, chain_axis=0, draw_axis=1)) for t in moving)
    return rhat, ess
