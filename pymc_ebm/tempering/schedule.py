"""How inverse temperature runs from the base to the target: B(u) and log ζ(u) for u in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable
from scipy.interpolate import PchipInterpolator

AT_TARGET = 0.3  # fraction of u where β = 1: there draws need no weights
NODES = 8  # of the quadrature in every interval between knots


@dataclass(frozen=True)
class Schedule:
    """Cubic curves through knots equally far apart in u.

    `table` (K + 1, 4): ``B``, ``dB/du``, ``log ζ`` and ``d log ζ/du`` at the knots.
    """

    table: NDArray[np.float64]

    @classmethod
    def adapted(
        cls,
        betas: NDArray[np.float64],
        log_zeta: NDArray[np.float64],
        mean_difference: NDArray[np.float64],
    ) -> Schedule:
        """Move equally fast in rejection, and stay at the target for a while.

        `betas` (R,): A ladder whose neighbours reject equally many swaps; `log_zeta` (R,): log Z at
        its rungs; `mean_difference` (R,): means of Δ at its rungs.
        """
        extra = max(1, round((len(betas) - 1) * AT_TARGET / (1 - AT_TARGET)))
        B = np.concatenate([betas, np.ones(extra)])
        u = np.linspace(0.0, 1.0, len(B))
        slope = PchipInterpolator(u, B).derivative()(u)
        slope[len(betas) - 1 :] = 0.0
        mean = np.concatenate([mean_difference, np.full(extra, mean_difference[-1])])
        log_z = np.concatenate([log_zeta, np.full(extra, log_zeta[-1])])
        return cls(np.column_stack([B, slope, log_z, -mean * slope]))

    @classmethod
    def uniform(cls, log_zeta: float) -> Schedule:
        """Take ``B(u) = u`` and ``log ζ(u) = u log ζ``, as Graham and Storkey (2017) do.

        `log_zeta`: A guess of log Z.
        """
        return cls(np.array([[0.0, 1.0, 0.0, log_zeta], [1.0, 1.0, log_zeta, log_zeta]]))

    def at(self, u: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return B and log ζ.

        `u`: between 0 and 1.
        """
        knots = len(self.table) - 1
        i = np.clip(np.floor(u * knots), 0, knots - 1).astype(int)
        B, log_zeta = _hermite(u * knots - i, self.table[i], self.table[i + 1], 1 / knots)
        return B, log_zeta

    def nodes(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return B, log ζ and weights of a quadrature over u."""
        knots = len(self.table) - 1
        x, w = np.polynomial.legendre.leggauss(NODES)
        u = (np.arange(knots)[:, None] + 0.5 * (x + 1)) / knots
        B, log_zeta = self.at(u.reshape(-1))
        return B, log_zeta, np.tile(0.5 * w / knots, knots)


def symbolic(table: TensorVariable, u: TensorVariable) -> tuple[TensorVariable, TensorVariable]:
    """Write B(u) and log ζ(u) as graphs.

    `table` (K + 1, 4): as for `Schedule`; `u` (): between 0 and 1.
    """
    knots = table.shape[0] - 1
    i = pt.clip(pt.floor(u * knots), 0, knots - 1).astype("int64")
    return _hermite(u * knots - i, table[i], table[i + 1], 1.0 / knots)


def _hermite(t, left, right, width):  # type: ignore[no-untyped-def]
    """Interpolate values and slopes at the ends of an interval; arrays or tensors."""
    keep, take = (1 + 2 * t) * (1 - t) ** 2, t**2 * (3 - 2 * t)
    leave, arrive = t * (1 - t) ** 2 * width, -(t**2) * (1 - t) * width
    return tuple(
        keep * left[..., k] + take * right[..., k]
        + leave * left[..., k + 1] + arrive * right[..., k + 1]
        for k in (0, 2)
    )  # fmt: skip
