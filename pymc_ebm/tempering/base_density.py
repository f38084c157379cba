"""The easy end of a tempering path: a normal, or a mixture with one normal a mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from numpy.typing import NDArray
from pytensor import shared
from pytensor.tensor.variable import TensorVariable
from scipy.special import ndtri

from pymc_ebm.tempering.coordinates import compile_unconstrained

FULL_COVARIANCE = 200  # coordinates, at most
INFLATION = 1.2  # of standard deviations: the base must reach at least as far as the target

Density = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True)
class Base:
    """``x = m_k + L_k y`` with y standard normal, k drawn with probability w_k.

    k is a variable like x. For the target it is drawn from ``q(k | x) ∝ (w_k N(x; m_k, L_k))²``,
    which leaves x as it is. The square keeps a wide component from where a narrow one serves, in
    whose valley its y would need smaller steps.

    Shapes: `weights` (K,), `means` (K, d), `roots` (K, d, d) lower triangular, or (K, d) diagonal.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    roots: NDArray[np.float64]

    @classmethod
    def of(cls, draws: NDArray[np.float64]) -> Base:
        """Take mean and covariance, a bit wider, of draws (n, d) that spread like the target."""
        n, d = draws.shape
        mean, spread = draws.mean(axis=0), np.maximum(draws.std(axis=0), 1e-8)
        if d > FULL_COVARIANCE:
            return cls(np.ones(1), mean[None], INFLATION * spread[None])
        # shrunk towards its diagonal, as few draws say little about correlations
        covariance = (n * np.cov(draws.T).reshape(d, d) + d * np.diag(spread**2)) / (n + d)
        return cls(np.ones(1), mean[None], INFLATION * np.linalg.cholesky(covariance)[None])

    @cached_property
    def _inverses(self) -> NDArray[np.float64]:
        return 1 / self.roots if self.roots.ndim == 2 else np.linalg.inv(self.roots)

    @cached_property
    def log_scales(self) -> NDArray[np.float64]:
        """``log w_k − log |L_k| − ½ d log 2π``, shape (K,)."""
        diagonals = self.roots if self.roots.ndim == 2 else np.diagonal(self.roots, 0, 1, 2)
        constant = 0.5 * self.means.shape[1] * np.log(2 * np.pi)
        return np.log(self.weights) - np.log(diagonals).sum(axis=1) - constant

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return independent x, shape (n, d)."""
        k = rng.choice(self.weights.size, n, p=self.weights)
        return self.place(k, rng.standard_normal((n, self.means.shape[1])))

    def place(self, k: NDArray[np.int64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return x of y (n, d) in components k (n,)."""
        return self.means[k] + _times(self.roots[k], y)

    def pull(self, k: NDArray[np.int64], gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn gradients by x (n, d) into gradients by y."""
        roots = self.roots[k]
        return _times(roots if roots.ndim == 2 else roots.transpose(0, 2, 1), gradient)

    def whiten(self, k: NDArray[np.int64], x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return y of x (n, d) in components k (n,)."""
        return _times(self._inverses[k], x - self.means[k])

    def terms(self, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ``a_k = log w_k N(x; m_k, L_k)`` at x (n, d), (K, n), and gradients (K, n, d)."""
        away, inverses = x - self.means[:, None], self._inverses
        if inverses.ndim == 2:
            y = away * inverses[:, None]
            slopes = -y * inverses[:, None]
        else:
            y = away @ inverses.transpose(0, 2, 1)
            slopes = -y @ inverses
        return self.log_scales[:, None] - 0.5 * (y**2).sum(axis=2), slopes

    def labels(
        self, a: NDArray[np.float64], t: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Draw k given x at powers t (n,), of terms a (K, n): ``P(k | x) ∝ exp((1 + t) a_k)``."""
        if len(a) == 1:
            return np.zeros(a.shape[1], int)
        return ((1 + t) * a + rng.gumbel(size=a.shape)).argmax(axis=0)

    @staticmethod
    def joint(
        k: NDArray[np.int64], a: NDArray[np.float64], slopes: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ``log w_k N_k(x) − log q(k | x) = log Σ_j exp(2 a_j) − a_k`` and its gradient."""
        if len(a) == 1:
            return a[0], slopes[0]
        top, rows = a.max(axis=0), np.arange(len(k))
        p = np.exp(2 * (a - top))
        total = p.sum(axis=0)
        gradient = 2 * np.einsum("kn,knd->nd", p / total, slopes) - slopes[k, rows]
        return 2 * top + np.log(total) - a[k, rows], gradient

    def symbolic(
        self, y: TensorVariable, selector: TensorVariable | None
    ) -> tuple[TensorVariable, TensorVariable]:
        """Write x, and ``log w_k N_k(x) − log q(k | x)``, of y (d,) and a selector."""
        means, roots, inverses, scales, cuts = (
            shared(values, name=f"tempering_{name}")  # no constants, so that code can be kept
            for name, values in (
                ("means", self.means),
                ("roots", self.roots),
                ("inverses", self._inverses),
                ("log_scales", self.log_scales),
                ("cuts", ndtri(np.cumsum(self.weights)[:-1])),
            )
        )
        if selector is None:
            x = means[0] + _times_symbolic(roots[0], y)
            return x, scales[0] - 0.5 * (y**2).sum()
        k = (selector > cuts).sum()
        x = means[k] + _times_symbolic(roots[k], y)
        a = scales - 0.5 * (_times_symbolic(inverses, x - means) ** 2).sum(axis=1)
        return x, pt.logsumexp(2 * a) - a[k]


def _times(root: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply matrices (n, d, d), or diagonals (n, d), with vectors (n, d)."""
    return root * y if root.ndim == y.ndim else np.einsum("nij,nj->ni", root, y)


def _times_symbolic(root, y):  # type: ignore[no-untyped-def]
    """Multiply matrices (..., d, d), or diagonals (..., d), with vectors (..., d)."""
    return root * y if root.ndim == y.ndim else (root * y[..., None, :]).sum(axis=-1)


def fit_base(idata: xr.DataTree, model: pm.Model) -> Base:
    """Fit a normal to draws of a model's free variables, of the group posterior, else prior."""
    group = next((name for name in ("posterior", "prior") if name in idata.children), None)
    if group is None:
        raise ValueError(
            f"temper: base has the groups {list(idata.children)}; give it a posterior."
        )
    data = idata[group].to_dataset()
    missing = [str(v.name) for v in model.free_RVs if v.name not in data]
    if missing:
        raise ValueError(f"temper: base has no draws of {missing} (it has {list(data)}).")
    stacked = data.stack(__draw=("chain", "draw")).transpose("__draw", ...)
    draws = [stacked[v.name].to_numpy().astype(v.dtype) for v in model.free_RVs]
    if len(draws[0]) < 10:
        raise ValueError(f"temper: base has {len(draws[0])} draws; a covariance needs 10 or more.")
    function = compile_unconstrained(model)
    rows = [function(*(d[t] for d in draws)) for t in range(len(draws[0]))]
    return Base.of(np.asarray(rows, dtype=float))
