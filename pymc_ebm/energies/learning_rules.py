"""How a Hopfield network's weights come from patterns: one rule a class."""

from __future__ import annotations

import warnings

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np

from numpy.typing import NDArray

DEPENDENT = 1e-10  # of the largest: what is left of a pattern besides those before it


class Rule(ABC):
    """From patterns ξ, shape (M, N), to weights W with an empty diagonal."""

    @abstractmethod
    def limit(self, n: int) -> float:
        """Return how many random patterns a network of n spins holds, about."""

    @abstractmethod
    def weights(self, patterns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return W, shape (N, N), symmetric, the diagonal zero."""

    def columns(self, patterns: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return η, shape (M, N), with ``W_ij = (1/N) Σ_μ η_i^μ η_j^μ``; None if there is none."""
        return None


@dataclass(frozen=True)
class Hebb(Rule):
    """``W = (1/N) Σ_μ ξ^μ ξ^μᵀ``: every pattern adds its products.

    Random patterns are held, with a few wrong spins each, up to ``M = .138 N``.

    References
    ----------
    Hopfield, J. J. (1982). Neural networks and physical systems with emergent collective
    computational abilities. PNAS 79, 2554-2558.
    Amit, D. J., Gutfreund, H. and Sompolinsky, H. (1985). Storing infinite numbers of patterns in a
    spin-glass model of neural networks. Physical Review Letters 55, 1530-1533.
    """

    def limit(self, n: int) -> float:
        """Return .138 n."""
        return 0.138 * n

    def weights(self, patterns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of products."""
        return _without_diagonal(patterns.T @ patterns / patterns.shape[1])

    def columns(self, patterns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the patterns."""
        return patterns


@dataclass(frozen=True)
class Storkey(Rule):
    """Hebb's rule, less what the weights so far say already: incremental and local.

    ``W_ij ← W_ij + (ξ_i ξ_j − ξ_i h_ji − h_ij ξ_j)/N`` pattern by pattern, where
    ``h_ij = Σ_{k≠i,j} W_ik ξ_k``. Patterns without a wrong spin: up to ``N/√(2 ln N)``, against
    ``N/(2 ln N)`` of Hebb's rule.

    References
    ----------
    Storkey, A. J. and Valabregue, R. (1999). The basins of attraction of a new Hopfield learning
    rule. Neural Networks 12, 869-876.
    """

    def limit(self, n: int) -> float:
        """Return n/√(2 ln n)."""
        return n / sqrt(2 * log(max(n, 2)))

    def weights(self, patterns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take in one pattern after another."""
        n = patterns.shape[1]
        W = np.zeros((n, n))
        for pattern in patterns:
            heard = W @ pattern  # Σ_{k≠i} W_ik ξ_k, as the diagonal is zero
            # h_ij = heard_i − W_ij ξ_j, and ξ_i² = 1
            cross = np.outer(heard, pattern)
            W = _without_diagonal(W + (np.outer(pattern, pattern) - (cross + cross.T) + 2 * W) / n)
        return W


@dataclass(frozen=True)
class PseudoInverse(Rule):
    """``W = (1/N) Σ_μν ξ^μ (C⁻¹)_μν ξ^νᵀ``, ``C_μν = ξ^μ·ξ^ν/N``: the projection onto patterns.

    Correlated patterns are held as well as random ones; they must be linearly independent. All
    ``M < N`` are fixed points, with basins that shrink as M nears N/2.

    References
    ----------
    Personnaz, L., Guyon, I. and Dreyfus, G. (1986). Collective computational properties of neural
    networks: new learning mechanisms. Physical Review A 34, 4217-4228.
    Kanter, I. and Sompolinsky, H. (1987). Associative recall of memory without errors. Physical
    Review A 35, 380-392.
    """

    def limit(self, n: int) -> float:
        """Return n, or a little less: beyond, patterns depend on each other."""
        return float(n - 1)

    def weights(self, patterns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the projection without its diagonal."""
        columns = self.columns(patterns)
        return _without_diagonal(columns.T @ columns / patterns.shape[1])

    def columns(self, patterns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return an orthogonal basis of the patterns' span, each of squared length N.

        Raises
        ------
        ValueError
            If a pattern is repeated, or a combination of those before it.
        """
        n = patterns.shape[1]
        basis, triangle = np.linalg.qr(patterns.T)
        left = np.abs(np.diag(triangle))
        missing = np.flatnonzero(left < DEPENDENT * sqrt(n))
        if len(patterns) > n or missing.size:
            k = int(missing[0]) if missing.size else n
            raise ValueError(f"PseudoInverse: pattern {k} {_dependence(patterns, k)}.")
        return basis.T * sqrt(n)


@dataclass(frozen=True)
class Perceptron(Rule):
    """Weights that hold every spin of every pattern with a margin, by symmetric corrections.

    Where ``ξ_i h_i < margin ‖W_i‖``, ``ξ_i ξ_j/N`` is added to W_ij and W_ji, over and over until
    all margins are kept.

    Parameters
    ----------
    margin : float, default 0.5
        Least distance ``ξ_i h_i/‖W_i‖``; larger ones make larger basins and hold fewer patterns.
    epochs : int, default 1000
        Passes over the patterns at most.

    References
    ----------
    Gardner, E. (1988). The space of interactions in neural network models. Journal of Physics A 21,
    257-270.
    """

    margin: float = 0.5
    epochs: int = 1000

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 <= self.margin < np.inf:
            raise ValueError(f"Perceptron: margin must be 0 or more, got {self.margin}.")
        if self.epochs != int(self.epochs) or self.epochs < 1:
            raise ValueError(f"Perceptron: epochs must be 1 or more, got {self.epochs}.")

    def limit(self, n: int) -> float:
        """Return the largest load of weights that need not be symmetric, by Gardner's formula.

        ``1/α = ∫_{−κ}^∞ (t + κ)² φ(t) dt``: 2 n without a margin. Symmetric weights hold fewer.
        """
        from scipy.stats import norm

        k = self.margin
        return n / float((1 + k**2) * norm.cdf(k) + k * norm.pdf(k))

    def weights(self, patterns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Correct until nothing is left to correct.

        Warns
        -----
        UserWarning
            If margins are still violated at the end.
        """
        n = patterns.shape[1]
        W = Hebb().weights(patterns)
        wrong = np.empty(0)
        for _ in range(self.epochs):
            lengths = np.sqrt((W**2).sum(axis=1))
            wrong = (patterns * (patterns @ W) < self.margin * lengths).astype(float)
            if not wrong.any():
                return W
            push = (wrong * patterns).T @ patterns / n
            W = _without_diagonal(W + (push + push.T))
        warnings.warn(
            f"Perceptron: {int(wrong.any(axis=1).sum())} of {len(patterns)} patterns miss the "
            f"margin {self.margin:g} after {self.epochs} epochs. Store fewer, ask for a smaller "
            "margin, or raise epochs=.",
            stacklevel=4,
        )
        return W


def checked_rule(rule: Any) -> Rule:
    """Return a rule; say so if it is a class, or none."""
    if isinstance(rule, type) and issubclass(rule, Rule):
        raise TypeError(f"Hopfield: rule is the class {rule.__name__}; pass {rule.__name__}().")
    if not isinstance(rule, Rule):
        raise TypeError(
            f"Hopfield: rule is a {type(rule).__name__}; pass ebm.Hebb(), ebm.Storkey(), "
            "ebm.PseudoInverse() or ebm.Perceptron(margin)."
        )
    return rule


def _without_diagonal(W: NDArray[np.float64]) -> NDArray[np.float64]:
    np.fill_diagonal(W, 0.0)
    return W


def _dependence(patterns: NDArray[np.float64], k: int) -> str:
    """Say what pattern k is a combination of."""
    before = patterns[:k]
    for sign, word in ((1, "repeats"), (-1, "is the reverse of")):
        same = np.flatnonzero((before == sign * patterns[k]).all(axis=1))
        if same.size:
            return f"{word} pattern {same[0]}; leave one of them out"
    return f"is a combination of the {k} before it; leave it out, or use Hebb()"
