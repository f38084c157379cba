"""Basins: the local minima that draws lead to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from numpy.typing import NDArray
from scipy.optimize import minimize

from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.real_target import RealDraws
from pymc_ebm.diagnostics.thinning import thinned

QUENCHED_STATES = 800  # draws of a discrete variable, over all chains
QUENCHED_REALS = 160
FIRST_QUENCHES = 24  # to see whether minima recur at all
MOST_UPDATES = 1_000_000  # sites times draws of a quench
NOTED = 8  # basins with a number of their own
SMALL_BASIN = 0.02  # of the draws: smaller ones say nothing about mixing
SAME_MINIMUM = 0.1  # standard deviations
FORBIDDEN = 1e300  # energy where the density is zero or undefined
FLAT = 1e-2  # largest slope at a minimum, per standard deviation
ALONE = 0.1  # of the draws: with more minima that were met once, most have not been met


@dataclass(frozen=True)
class Basins:
    """The local minima of one variable, or of all real ones, and each draw's own."""

    variable: str  # whose
    # (chains, kept); the minimum that each draw leads to, numbered by how often it occurs; −1 for
    # the many that are too rare to have a number, −2 where the descent found no minimum
    labels: NDArray[np.int64]
    minima: NDArray  # (k, d); their positions
    energies: NDArray[np.float64]  # (k,); −log p there, up to a constant
    spacing: float  # draws between two labelled ones
    # share of the draws whose minimum no other draw leads to. It estimates the probability of the
    # minima that were not met at all (Good and Turing)
    alone: float

    @property
    def informative(self) -> bool:
        """Whether minima recur: where each draw has its own, basins say nothing about mixing."""
        return self.alone <= ALONE

    @property
    def count(self) -> int:
        """How many basins have a number."""
        return len(self.minima)

    @cached_property
    def occupancy(self) -> NDArray[np.float64]:
        """Share of each chain's draws in each basin, shape (chains, k)."""
        inside = self.labels[..., None] == np.arange(self.count)
        return inside.mean(axis=1)

    @cached_property
    def transitions(self) -> NDArray[np.int64]:
        """Counts of transitions from row to column in all chains, shape (k, k)."""
        counts = np.zeros((self.count, self.count), dtype=np.int64)
        before, after = self.labels[:, :-1].ravel(), self.labels[:, 1:].ravel()
        both = (before >= 0) & (after >= 0)
        np.add.at(counts, (before[both], after[both]), 1)
        return counts

    @cached_property
    def relaxation_time(self) -> float:
        """Slowest relaxation time in draws of a Markov state model on the basins.

        ``−lag / ln λ₂``, λ₂ being the second eigenvalue of the transition matrix made reversible;
        infinite where basins are not connected.
        """
        symmetric = (self.transitions + self.transitions.T) / 2
        visited = symmetric.sum(axis=1) > 0
        symmetric = symmetric[np.ix_(visited, visited)]
        if len(symmetric) < 2:
            return 0.0
        weight = symmetric.sum(axis=1)
        roots = np.linalg.eigvalsh(symmetric / np.sqrt(np.outer(weight, weight)))
        second = min(float(roots[-2]), 1.0)
        if second <= 0:
            return 0.0
        return np.inf if second > 1 - 1e-12 else -self.spacing / float(np.log(second))


def basins_of_states(draws: DiscreteDraws) -> Basins:
    """Descend by single-site changes until none lowers the energy."""
    chains, length, n = draws.x.shape
    kept = thinned(length, max(FIRST_QUENCHES // chains, 1))
    minima, counts, labels = _quenched(draws, kept)
    if _alone(counts) <= 0.5:  # else more draws would tell no more
        most = min(QUENCHED_STATES, MOST_UPDATES // n)
        kept = thinned(length, max(most // chains, 20))
        minima, counts, labels = _quenched(draws, kept)
    return _numbered(
        draws.name,
        minima,
        -draws.given.log_densities(np.ascontiguousarray(minima)),
        labels.reshape(chains, -1),
        counts,
        length / len(kept),
    )


def _quenched(draws: DiscreteDraws, kept: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return the minima of some draws, how many lead to each, and each draw's own."""
    start = draws.x[:, kept].reshape(-1, draws.x.shape[-1])
    ends = draws.given.descend(np.ascontiguousarray(start))
    rows = np.ascontiguousarray(ends).view(np.dtype((np.void, ends.shape[1]))).ravel()
    _, first, labels, counts = np.unique(
        rows, return_index=True, return_inverse=True, return_counts=True
    )
    return ends[first], counts, labels


def _alone(counts: NDArray) -> float:
    """Return the share of the draws whose minimum no other draw leads to."""
    return float(np.sum(counts == 1) / max(counts.sum(), 1))


def basins_of_reals(draws: RealDraws) -> Basins:
    """Descend by a quasi-Newton method; minima closer than a tenth of a spread are one."""
    chains, length, d = draws.x.shape
    kept = thinned(length, max(QUENCHED_REALS // chains, 20))
    start = draws.x[:, kept].reshape(-1, d)
    spread = np.maximum(start.std(axis=0), 1e-12)
    ends, energies = descend(draws, start)
    minima, labels = merge(ends, energies, spread)
    counts = np.bincount(labels[labels >= 0], minlength=len(minima))
    lowest = np.array(
        [energies[labels == k].min() if (labels == k).any() else np.inf for k in range(len(minima))]
    )
    return _numbered(
        "real variables", minima, lowest, labels.reshape(chains, -1), counts, length / len(kept)
    )


def descend(draws: RealDraws, start: NDArray) -> tuple[NDArray, NDArray]:
    """Return the minima of −log p that points lead to, and its values there; NaN without one.

    Shapes: `start` (m, d).
    """
    scale = np.maximum(draws.x.reshape(-1, start.shape[1]).std(axis=0), 1e-12)

    def energy(z: NDArray) -> tuple[float, NDArray]:
        logp, score = draws.density(z * scale)
        if not np.isfinite(logp):
            return FORBIDDEN, np.zeros_like(z)
        return -logp, -score * scale

    ends = np.full(start.shape, np.nan)
    energies = np.full(len(start), np.nan)
    for k, point in enumerate(start / scale):
        result = minimize(energy, point, jac=True, method="L-BFGS-B", options={"maxiter": 300})
        if result.fun < FORBIDDEN and np.max(np.abs(result.jac)) < FLAT:
            ends[k], energies[k] = result.x * scale, result.fun
    return ends, energies


def merge(ends: NDArray, energies: NDArray, spread: NDArray) -> tuple[NDArray, NDArray[np.int64]]:
    """Give minima that nearly coincide one number.

    Shapes: `ends` (m, d), `energies` (m,), `spread` (d,).
    """
    minima: list[NDArray] = []
    labels = np.full(len(ends), -2)
    for k in np.argsort(energies):
        if not np.all(np.isfinite(ends[k])):
            continue
        for number, known in enumerate(minima):
            if np.max(np.abs(ends[k] - known) / spread) < SAME_MINIMUM:
                labels[k] = number
                break
        else:
            labels[k] = len(minima)
            minima.append(ends[k])
    return np.array(minima).reshape(len(minima), ends.shape[1]), labels


def _numbered(
    variable: str,
    minima: NDArray,
    energies: NDArray,
    labels: NDArray,
    counts: NDArray,
    spacing: float,
) -> Basins:
    """Give basins numbers by size; the small ones together are −1."""
    order = np.argsort(-counts, kind="stable")
    large = [k for k in order if counts[k] >= max(SMALL_BASIN * labels.size, 2)][:NOTED]
    renumbered = np.where(labels == -2, -2, -1)
    for number, k in enumerate(large):
        renumbered[labels == k] = number
    return Basins(variable, renumbered, minima[large], energies[large], spacing, _alone(counts))
