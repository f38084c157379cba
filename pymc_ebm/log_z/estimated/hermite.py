"""Cubic Hermite interpolation of log Z, and the quadrature that goes with it."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable


def quadrature(K: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the matrices that integrate slopes and variances from 0 to each node."""
    zero = int(np.searchsorted(K, 0.0))
    slopes, variances = np.zeros((K.size, K.size)), np.zeros((K.size, K.size))
    for k in range(zero + 1, K.size):
        d = K[k] - K[k - 1]
        slopes[k], variances[k] = slopes[k - 1], variances[k - 1]
        slopes[k, k - 1 : k + 1] += d / 2
        variances[k, k - 1 : k + 1] += d**2 / 12 * np.array([1.0, -1.0])
    for k in range(zero - 1, -1, -1):
        d = K[k + 1] - K[k]
        slopes[k], variances[k] = slopes[k + 1], variances[k + 1]
        slopes[k, k : k + 2] -= d / 2
        variances[k, k : k + 2] -= d**2 / 12 * np.array([1.0, -1.0])
    return slopes, variances


def cell_and_basis(
    x: TensorVariable, knots: NDArray[np.float64]
) -> tuple[TensorVariable, tuple[TensorVariable, ...], TensorVariable]:
    """Return a point's cell, its Hermite basis (left, then right), and whether it is inside."""
    nodes = pt.as_tensor_variable(knots)
    cell = pt.clip(pt.searchsorted(nodes, x, side="right") - 1, 0, knots.size - 2)
    width = nodes[cell + 1] - nodes[cell]
    t = (x - nodes[cell]) / width
    basis = (
        (1 + 2 * t) * (1 - t) ** 2,
        width * t * (1 - t) ** 2,
        t**2 * (3 - 2 * t),
        width * t**2 * (t - 1),
    )
    return cell, basis, (x >= knots[0]) & (x <= knots[-1])
