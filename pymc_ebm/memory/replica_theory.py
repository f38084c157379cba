"""Amit, Gutfreund and Sompolinsky's theory of the Hopfield network with Hebb's rule."""

from __future__ import annotations

from functools import cache
from math import erf, exp, pi, sqrt

import numpy as np

from scipy.optimize import brentq, minimize_scalar

NODES = np.linspace(-8.0, 8.0, 2001)
DENSITY = np.exp(-0.5 * NODES**2) / np.exp(-0.5 * NODES**2).sum()
GONE = 0.05  # an overlap below it is none
STEPS, STANDS = 20_000, 1e-12


def replica_overlap(load: float, temperature: float = 0.0) -> float:
    r"""Return the overlap of a retrieved memory with its pattern, for N → ∞.

    ``m = ∫Dz tanh β(m + √(αr) z)``, ``q = ∫Dz tanh² β(m + √(αr) z)``,
    ``r = q/(1 − β(1 − q))²``, replica-symmetric, for ``M = αN`` random patterns.

    Parameters
    ----------
    load : float
        α, the number of patterns a spin, positive.
    temperature : float, default 0.0
        T = 1/β.

    Returns
    -------
    float
        NaN where no memory is retrieved.

    Raises
    ------
    ValueError
        For a load that is not positive, or a negative temperature.

    References
    ----------
    Amit, D. J., Gutfreund, H. and Sompolinsky, H. (1985). Storing infinite numbers of patterns in a
    spin-glass model of neural networks. Physical Review Letters 55, 1530-1533.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> round(ebm.replica_overlap(0.1), 4)
    0.998
    """
    if not load > 0 or not temperature >= 0:
        raise ValueError(
            f"replica_overlap: load must be positive and temperature not negative, got {load} and "
            f"{temperature}."
        )
    if temperature == 0:
        if load > _critical()[1]:
            return float("nan")
        y = brentq(lambda y: _load(y) - load, _critical()[0], 30.0)
        return erf(y)
    beta, m, q = 1.0 / temperature, 1.0, 1.0
    for _ in range(STEPS):
        r = q / (1.0 - beta * (1.0 - q)) ** 2
        s = np.tanh(beta * (m + sqrt(load * r) * NODES))
        new_m, new_q = float(DENSITY @ s), float(DENSITY @ s**2)
        moved, (m, q) = abs(new_m - m) + abs(new_q - q), (new_m, new_q)
        if m < GONE or beta * (1.0 - q) >= 1.0:
            return float("nan")
        if moved < STANDS:
            break
    return m


def replica_capacity(temperature: float = 0.0) -> float:
    """Return the load α_c(T) up to which memories are retrieved, for N → ∞: .138 at T = 0.

    Parameters
    ----------
    temperature : float, default 0.0
        T, from 0 to 1; at 1 and above nothing is retrieved.

    Returns
    -------
    float

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> round(ebm.replica_capacity(), 5)
    0.13791
    """
    if not temperature >= 0:
        raise ValueError(f"replica_capacity: temperature must not be negative, got {temperature}.")
    if temperature == 0:
        return _critical()[1]
    low, high = 0.0, _critical()[1] * 1.01
    while high - low > 1e-5:
        middle = 0.5 * (low + high)
        if np.isnan(replica_overlap(middle, temperature)):
            high = middle
        else:
            low = middle
    return low


def _load(y: float) -> float:
    """Return α where ``m = erf y``, ``y = m/√(2αr)``, at T = 0."""
    return 0.5 * (erf(y) / y - 2.0 / sqrt(pi) * exp(-(y**2))) ** 2


@cache
def _critical() -> tuple[float, float]:
    """Return y and α where the memories vanish."""
    found = minimize_scalar(
        lambda y: -_load(y), bounds=(0.5, 5.0), method="bounded", options={"xatol": 1e-10}
    )
    return float(found.x), float(-found.fun)
