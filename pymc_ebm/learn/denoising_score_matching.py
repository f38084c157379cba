"""Denoising score matching: the way back from noisy data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.method import Descent, GraphDescent, Method, batch_variable, needs_real
from pymc_ebm.learn.rows import Rows
from pymc_ebm.learn.score_matching import slope


@dataclass(frozen=True)
class DenoisingScoreMatching(Method):
    """Minimise ``½ ⟨|σ ∇E(x + σ z) − z|²⟩`` over data x and normal noise z.

    What is learned is the density of the data blurred by σ: exact for that, and too wide for the
    data themselves by σ² of variance in each direction.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in the data's units.

    References
    ----------
    Vincent, P. (2011). A connection between score matching and denoising autoencoders. Neural
    Computation 23, 1661-1674.
    """

    sigma: float

    def __post_init__(self) -> None:
        """Check the noise."""
        if not isinstance(self.sigma, int | float | np.number) or not 0 < self.sigma < np.inf:
            raise ValueError(
                f"DenoisingScoreMatching: sigma must be positive and finite, got {self.sigma!r}."
            )

    def obstacle(self, energy: Energy) -> str | None:
        """Ask for real values."""
        return needs_real(energy)

    def descent(self, learned: Learned, rows: Rows, rng: np.random.Generator) -> Descent:
        """Differentiate the mean squared error."""
        energy, sigma = learned.energy, self.sigma
        noise = batch_variable(energy, rows, "noise")
        axes = tuple(range(1, noise.ndim))

        def loss(batch: Any) -> Any:
            error = sigma * slope(energy, batch + sigma * noise) - noise
            return 0.5 * (error**2).sum(axis=axes).mean()

        def draw(batch: Any, rng: np.random.Generator) -> tuple:
            return (rng.standard_normal(batch.shape).astype(rows.dtype),)

        return GraphDescent(learned, rows, loss, noise, draw=draw)
