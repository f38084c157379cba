"""Short runs that fit a base density and a temperature schedule: replica exchange with HMC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from pymc_ebm.step_methods.ladder import equally_rejected

LEAPFROGS = 10  # of a trajectory, at most
TARGET_ACCEPTANCE = 0.8
FIRST_RUNGS = 12  # of a ladder, before it is spaced afresh
LOWEST_POWER = 0.02  # of a density, where the first pilot starts
FORGET = 0.7  # power of the round number by which corrections of the step size shrink

Difference = Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]


@dataclass
class Path:
    """Densities ``exp(−a(x) − β Δ(x))`` with ``a(x) = ½ c |x|²``, for β from a ladder.

    Parameters
    ----------
    difference : callable
        Returns Δ and its gradient.
    curvature : float
        c: 1 for a standard normal base, 0 for none.
    betas : ndarray, shape (R,)
        The ladder, increasing.
    start : ndarray, shape (R, d)
        Where replicas start.
    rng : Generator
        Source of randomness.

    Attributes
    ----------
    x : ndarray, shape (R, d)
        Replicas now.
    differences : ndarray, shape (draws, R)
        Δ along the last run.
    draws : ndarray, shape (draws, R, d)
        Replicas along the last run.
    rejection : ndarray, shape (R - 1,)
        Mean probability that a swap of neighbours was rejected, in the last run.
    """

    difference: Difference
    curvature: float
    betas: NDArray[np.float64]
    start: NDArray[np.float64]
    rng: np.random.Generator

    def __post_init__(self) -> None:
        """Evaluate the starting points."""
        self.x = self.start.copy()
        self._evaluate()
        self._step = np.full(len(self.betas), 0.5 / self.x.shape[1] ** 0.25)
        self._scale = np.ones_like(self.x)
        self._updates = 0

    def _evaluate(self) -> None:
        values = [self.difference(x) for x in self.x]
        self._delta = np.array([value for value, _ in values])
        self._gradient = np.array([gradient for _, gradient in values])

    def run(self, sweeps: int, advance: Callable[[], None] = lambda: None) -> None:
        """Move all replicas and swap neighbours, so many times.

        Parameters
        ----------
        sweeps : int
            How often.
        advance : callable
            Called after every sweep.
        """
        rungs, d = self.x.shape
        self.differences, self.draws = np.empty((sweeps, rungs)), np.empty((sweeps, rungs, d))
        rejected, forces = np.zeros((rungs - 1, 2)), np.zeros((rungs, d))
        for t in range(sweeps):
            self._updates += 1
            for k in range(rungs):
                self._move(k)
            log_ratio = np.diff(self.betas) * np.diff(self._delta)
            accept = np.exp(np.minimum(0.0, log_ratio))
            swaps = np.arange(t % 2, rungs - 1, 2)
            rejected[swaps] += np.column_stack([1 - accept[swaps], np.ones(swaps.size)])
            for k in swaps[self.rng.random(swaps.size) < accept[swaps]]:
                for values in (self.x, self._delta, self._gradient):
                    values[[k, k + 1]] = values[[k + 1, k]]
            self.differences[t], self.draws[t] = self._delta, self.x
            forces += (self.curvature * self.x + self.betas[:, None] * self._gradient) ** 2
            advance()
        self.rejection = rejected[:, 0] / np.maximum(rejected[:, 1], 1)
        self._forces = forces / sweeps

    def adapt(self, rounds: Sequence[int], advance: Callable[[], None] = lambda: None) -> None:
        """Run several times, and space the ladder afresh after all but the last.

        Parameters
        ----------
        rounds : sequence of int
            Lengths of the runs.
        advance : callable
            Called after every sweep.
        """
        for length in rounds[:-1]:
            self.run(length, advance)
            self.respace()
        self.run(rounds[-1], advance)

    def _move(self, k: int) -> None:
        """Move one replica by HMC, or draw it afresh where the density is the base."""
        beta, c = self.betas[k], self.curvature
        if beta == 0.0 and c:
            self.x[k] = self.rng.normal(size=self.x.shape[1])
            self._delta[k], self._gradient[k] = self.difference(self.x[k])
            return
        x, delta, gradient = self.x[k], self._delta[k], self._gradient[k]
        step = self._step[k] * self._scale[k] * self.rng.uniform(0.8, 1.2)
        momentum = self.rng.normal(size=x.size)
        start = 0.5 * c * x @ x + beta * delta + 0.5 * momentum @ momentum
        for _ in range(int(self.rng.integers(1, LEAPFROGS + 1))):
            momentum = momentum - 0.5 * step * (c * x + beta * gradient)
            x = x + step * momentum
            delta, gradient = self.difference(x)
            momentum = momentum - 0.5 * step * (c * x + beta * gradient)
            if not np.isfinite(delta):
                break
        end = 0.5 * c * x @ x + beta * delta + 0.5 * momentum @ momentum
        change = start - end
        accept = float(np.exp(min(0.0, change))) if np.isfinite(change) else 0.0
        if self.rng.random() < accept:
            self.x[k], self._delta[k], self._gradient[k] = x, delta, gradient
        gain = 2.0 / self._updates**FORGET
        self._step[k] *= np.exp(gain * (accept - TARGET_ACCEPTANCE))

    def respace(self) -> None:
        """Space the ladder for equal rejection, and scale moves by the forces of the last run.

        In equilibrium ``E[(∂_i U)²] = E[∂_i² U]``, the curvature within modes, however far apart
        these are.
        """
        old = self.betas
        self.betas = equally_rejected(old, self.rejection)
        nearest = np.abs(self.betas[:, None] - old).argmin(axis=1)
        floor = 1e-6 * self._forces.max(axis=1, keepdims=True) + 1e-300
        self._scale = (1 / np.sqrt(np.maximum(self._forces, floor)))[nearest]
        self._step = np.full(len(self.betas), 0.5 / self.x.shape[1] ** 0.25)
        self._updates = 0
        self.x = self.x[nearest].copy()
        self._delta, self._gradient = self._delta[nearest].copy(), self._gradient[nearest].copy()


def log_ratios(betas: NDArray[np.float64], differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate ``log Z(β_{k+1}) − log Z(β_k)`` from both neighbours' draws.

    Parameters
    ----------
    betas : ndarray, shape (R,)
        The ladder.
    differences : ndarray, shape (draws, R)
        Δ of draws from each rung.

    Returns
    -------
    ndarray, shape (R - 1,)

    References
    ----------
    Bennett, C. H. (1976). Efficient estimation of free energy differences from Monte Carlo data.
    Journal of Computational Physics 22, 245-268.
    """
    gaps = np.diff(betas)
    return np.array(
        [
            bennett(gap * differences[:, k], gap * differences[:, k + 1])
            for k, gap in enumerate(gaps)
        ]
    )


def bennett(forward: NDArray[np.float64], backward: NDArray[np.float64]) -> float:
    """Estimate ``log Z_b − log Z_a`` from draws of both densities.

    Parameters
    ----------
    forward, backward : ndarray, shape (draws,)
        ``log p_a − log p_b``, unnormalised, of draws from a, and of as many draws from b.
    """

    def imbalance(c: float) -> float:
        return float(expit(-forward - c).sum() - expit(backward + c).sum())

    low = -max(forward.max(), backward.max()) - 50
    high = -min(forward.min(), backward.min()) + 50
    return float(brentq(imbalance, low, high))


def neighbour_ess(betas: NDArray[np.float64], differences: NDArray[np.float64]) -> float:
    """Return the smallest fraction of effective draws when a rung is reweighted to the next.

    Parameters
    ----------
    betas, differences
        As for `log_ratios`.
    """
    fractions = []
    for k, gap in enumerate(np.diff(betas)):
        log_w = -gap * differences[:, k]
        w = np.exp(log_w - log_w.max())
        fractions.append(w.sum() ** 2 / (w**2).sum() / w.size)
    return float(min(fractions))


def spread(
    minus_logp: Difference,
    start: NDArray[np.float64],
    rounds: Sequence[int],
    rng: np.random.Generator,
    advance: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:
    """Return draws from a density by replica exchange among its powers, shape (draws, d).

    Parameters
    ----------
    minus_logp : callable
        Returns minus the log-density and its gradient.
    start : ndarray, shape (d,)
        Where replicas start, dispersed a little.
    rounds : sequence of int
        Lengths of the runs.
    rng : Generator
        Source of randomness.
    advance : callable
        Called after every sweep.
    """
    betas = np.geomspace(LOWEST_POWER, 1.0, FIRST_RUNGS)
    path = Path(minus_logp, 0.0, betas, start + rng.uniform(-1, 1, (len(betas), start.size)), rng)
    path.adapt(rounds, advance)
    kept = path.draws[len(path.draws) // 4 :, -1]
    if not np.isfinite(kept).all() or np.ptp(kept) == 0:
        raise ValueError("The pilot run did not move: the density may be too steep at the start.")
    return kept
