"""The Gaussian at the easy end of a tempering path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.transforms.coordinates import compile_unconstrained

FULL_COVARIANCE = 200  # coordinates, at most
INFLATION = 1.2  # of standard deviations: the base must reach at least as far as the target


@dataclass(frozen=True)
class GaussianBase:
    """``x = m + L y`` with y standard normal.

    Parameters
    ----------
    mean : ndarray, shape (d,)
        m.
    root : ndarray, shape (d,) or (d, d)
        L: its diagonal, or a lower triangular matrix.
    """

    mean: NDArray[np.float64]
    root: NDArray[np.float64]

    @classmethod
    def of(cls, draws: NDArray[np.float64]) -> GaussianBase:
        """Take the mean and the covariance of draws, a little wider.

        Parameters
        ----------
        draws : ndarray, shape (draws, d)
            Draws that spread as far as the target.
        """
        n, d = draws.shape
        mean, spread = draws.mean(axis=0), np.maximum(draws.std(axis=0), 1e-8)
        if d > FULL_COVARIANCE:
            return cls(mean, INFLATION * spread)
        # shrunk towards its diagonal, as few draws say little about correlations
        covariance = (n * np.cov(draws.T).reshape(d, d) + d * np.diag(spread**2)) / (n + d)
        return cls(mean, INFLATION * np.linalg.cholesky(covariance))

    @property
    def log_det(self) -> float:
        """``log |L|``."""
        diagonal = self.root if self.root.ndim == 1 else np.diagonal(self.root)
        return float(np.log(diagonal).sum())

    def apply(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return x."""
        return self.mean + (self.root * y if self.root.ndim == 1 else self.root @ y)

    def apply_transposed(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a gradient with respect to y."""
        return self.root * gradient if self.root.ndim == 1 else self.root.T @ gradient

    def apply_symbolic(self, y: TensorVariable) -> TensorVariable:
        """Write x as a graph."""
        return self.mean + (self.root * y if self.root.ndim == 1 else pt.dot(self.root, y))


def fit_base(idata: xr.DataTree, model: pm.Model) -> GaussianBase:
    """Fit the base to draws of a model's free variables.

    Parameters
    ----------
    idata : DataTree
        With a group ``posterior``, else ``prior``.
    model : Model
        The model.

    Raises
    ------
    ValueError
        If a variable is missing, or there are too few draws.
    """
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
    return GaussianBase.of(np.asarray(rows, dtype=float))
