"""Memories along a line of time: a Hopfield network whose size does not grow with their number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.energies.modern_hopfield import ModernHopfield

ILL_CONDITIONED = 1e12
NODES_A_BASIS = 4  # of the integral over time


class ContinuousHopfield(ModernHopfield):
    r"""Real vectors that remember a curve ``ξ(t)``, t in [0, 1], instead of a list of patterns.

    ``E(x) = −β⁻¹ log ∫₀¹ exp(β ξ(t)·x) dt + ½ xᵀx + ½ max_t |ξ(t)|²``, and an `update` is
    ``x ← ∫ p(t) ξ(t) dt``, ``p(t) ∝ exp(β ξ(t)·x)``. The curve ``ξ(t) = Bᵀ ψ(t)`` is fitted to
    given points by ridge regression on a few basis functions ψ; the integral is taken at fixed
    nodes, so neither energy nor update knows how many points there were.

    Parameters
    ----------
    points : array_like, shape (L, N)
        What to remember, in the order of time.
    n_basis : int
        Number K of basis functions.
    beta : tensor_like, default 1.0
        Sharpness β, positive.
    times : array_like, shape (L,), optional
        When the points were, in [0, 1]; by default the middles of L equal intervals.
    basis : {"gaussian", "rectangular"}, default "gaussian"
        Bell curves a width apart, or one interval each. With L intervals for L points and no ridge
        this is `ModernHopfield`.
    ridge : float, default 1e-6
        λ of ``B = (ΨᵀΨ + λ L I)⁻¹ Ψᵀ X``.
    nodes : int, optional
        Of the integral: Gauss and Legendre for bell curves, by default 4 K; intervals need none.

    Attributes
    ----------
    curve : Curve
        The fitted curve; ``curve(t)`` evaluates it.

    Raises
    ------
    ValueError
        For points or times that do not fit, no basis function, or a regression that is
        ill-conditioned.

    Notes
    -----
    The logarithm stands outside the integral: only then is the update a step of this energy.

    References
    ----------
    Santos, S., Farinhas, A., McNamee, D. C. and Martins, A. F. T. (2025). Modern Hopfield networks
    with continuous-time memories. arXiv:2502.10122.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> t = np.linspace(0, 2 * np.pi, 500)
    >>> circle = np.column_stack([np.cos(t), np.sin(t)])
    >>> network = ebm.energies.ContinuousHopfield(circle, n_basis=12, beta=20.0)
    >>> network.update([0.3, 0.3]).eval().round(1)
    array([0.7, 0.7])
    """

    def __init__(
        self,
        points: Any,
        n_basis: int,
        beta: Any = 1.0,
        *,
        times: Any = None,
        basis: Literal["gaussian", "rectangular"] = "gaussian",
        ridge: float = 1e-6,
        nodes: int | None = None,
    ) -> None:
        X, t = _checked_points(points, times)
        if isinstance(n_basis, bool) or n_basis != int(n_basis) or n_basis < 1:
            raise ValueError(
                f"ContinuousHopfield: n_basis={n_basis!r}; at least one basis function is needed."
            )
        if not 0 <= ridge < np.inf:
            raise ValueError(f"ContinuousHopfield: ridge must be 0 or more, got {ridge}.")
        kinds = {"gaussian": Gaussians, "rectangular": Rectangles}
        if basis not in kinds:
            raise ValueError(f"ContinuousHopfield: basis={basis!r} is none of {', '.join(kinds)}.")
        functions = kinds[basis](int(n_basis))
        self.curve = Curve(functions, _ridge(functions(t), X, float(ridge)))
        where, weights = functions.quadrature(nodes)
        self._given = X
        super().__init__(self.curve(where), beta, weights)

    def settings(self) -> dict[str, Any]:
        """Return the basis; what it was fitted to is no longer needed."""
        functions = self.curve.functions
        kind = "gaussian" if isinstance(functions, Gaussians) else "rectangular"
        return {"basis": kind, "n_basis": functions.count, "coefficients": self.curve.coefficients}

    @classmethod
    def from_settings(cls, parameters: Any, settings: Any) -> ContinuousHopfield:
        """Put the curve back as it was."""
        kinds = {"gaussian": Gaussians, "rectangular": Rectangles}
        energy = cls.__new__(cls)
        functions = kinds[settings["basis"]](settings["n_basis"])
        energy.curve = Curve(functions, np.asarray(settings["coefficients"]))
        ModernHopfield.__init__(energy, **parameters)
        return energy


class Basis(ABC):
    """K functions of t in [0, 1]."""

    def __init__(self, count: int) -> None:
        self.count = count

    @abstractmethod
    def __call__(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ψ(t), shape (len(t), K)."""

    @abstractmethod
    def quadrature(self, nodes: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return times, and weights that add up to one."""


class Gaussians(Basis):
    """Bell curves at the middles of K equal intervals, as wide as an interval."""

    def __call__(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``exp(−½ K² (t − t_k)²)``."""
        centers = (np.arange(self.count) + 0.5) / self.count
        return np.exp(-0.5 * (self.count * (t[:, None] - centers)) ** 2)

    def quadrature(self, nodes: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return nodes of Gauss and Legendre."""
        count = NODES_A_BASIS * self.count if nodes is None else int(nodes)
        if count < 1:
            raise ValueError(f"ContinuousHopfield: nodes must be 1 or more, got {nodes}.")
        where, weights = np.polynomial.legendre.leggauss(count)
        return 0.5 * (1 + where), 0.5 * weights


class Rectangles(Basis):
    """One function for each of K equal intervals."""

    def __call__(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return 1 for the interval that holds t, else 0."""
        return np.eye(self.count)[np.minimum((t * self.count).astype(int), self.count - 1)]

    def quadrature(self, nodes: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the middles: what is constant on an interval needs one node there."""
        return (np.arange(self.count) + 0.5) / self.count, np.full(self.count, 1.0 / self.count)


@dataclass(frozen=True)
class Curve:
    """``ξ(t) = Bᵀ ψ(t)``: the functions, and coefficients B of shape (K, N)."""

    functions: Basis
    coefficients: NDArray[np.float64]

    def __call__(self, t: Any) -> NDArray[np.float64]:
        """Return ξ(t), shape (len(t), N)."""
        return self.functions(np.atleast_1d(np.asarray(t, float))) @ self.coefficients


def _ridge(design: NDArray[np.float64], X: NDArray[np.float64], ridge: float) -> NDArray:
    """Return B; raise where it would be made of rounding errors."""
    length, count = design.shape
    normal = design.T @ design + ridge * length * np.eye(count)
    condition = np.linalg.cond(normal)
    if not condition < ILL_CONDITIONED:
        raise ValueError(
            f"ContinuousHopfield: {count} basis functions on {length} points with ridge={ridge:g} "
            f"are ill-conditioned (condition number {condition:.1g}). Use fewer functions, or a "
            "larger ridge."
        )
    return np.linalg.solve(normal, design.T @ X)


def _checked_points(points: Any, times: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    X = np.asarray(points, dtype=float)
    if X.ndim != 2 or not len(X):
        raise ValueError(
            f"ContinuousHopfield: points have shape {X.shape}; expected (points, entries)."
        )
    if not np.isfinite(X).all():
        i, j = np.argwhere(~np.isfinite(X))[0]
        raise ValueError(f"ContinuousHopfield: points[{i}, {j}] = {X[i, j]}; they must be finite.")
    if times is None:
        return X, (np.arange(len(X)) + 0.5) / len(X)
    t = np.asarray(times, dtype=float)
    if t.shape != (len(X),) or not ((t >= 0) & (t <= 1)).all():
        raise ValueError(
            f"ContinuousHopfield: times have shape {t.shape}; expected one in [0, 1] for each of "
            f"{len(X)} points."
        )
    return X, t
