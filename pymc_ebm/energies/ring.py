"""The ring energy: mass on a sphere of given radius."""

from typing import Any, ClassVar

import numpy as np
import pytensor.tensor as pt

from pymc_ebm.energies.energy import Energy, require_positive
from pymc_ebm.energies.inverse_cdf import draw_from_log_density


class Ring(Energy):
    """A soft sphere: a ring in two dimensions, two wells in one.

    ``E(x) = (|x| − radius)² / (2 width²)``

    Parameters
    ----------
    radius : scalar tensor_like
        Distance of the minimum from the origin.
    width : scalar tensor_like
        Standard deviation across the ring at β = 1.

    Raises
    ------
    ValueError
        For a radius or width that is not positive.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> float(ebm.energies.Ring(radius=5.0, width=1.0)([3.0, 4.0]).eval())
    0.0
    """

    constraints: ClassVar = {"radius": "positive", "width": "positive"}

    def __init__(self, radius: Any = 1.0, width: Any = 0.1) -> None:
        require_positive("Ring", radius=radius, width=width)
        super().__init__({"radius": radius, "width": width}, {"radius": 0, "width": 0})

    def evaluate(self, x, *, radius, width):
        """Return the squared distance from the sphere, in units of 2 width²."""
        # 1e-300 keeps the gradient finite (zero) at the origin and changes nothing elsewhere
        norm = pt.sqrt(pt.sum(x**2, axis=-1) + 1e-300)
        return (norm - radius) ** 2 / (2 * width**2)

    def exact_draws(self, rng, size, event_shape, beta, *, radius, width):
        """Draw the distance from ``r^{d−1} exp(−β E(r))`` and a direction uniformly."""
        (d,) = event_shape

        def log_density(r: np.ndarray) -> np.ndarray:
            shell = (d - 1) * np.log(r) if d > 1 else 0.0
            return shell - beta * (r - radius) ** 2 / (2 * width**2)

        spread = width / np.sqrt(beta)
        # r^{d−1} moves the mode out by at most about (d−1) spread² / r, at most spread √(d−1)
        reach = 12 * spread + 2 * spread * np.sqrt(d - 1)
        low = max(0.0, radius - 12 * spread)
        distance = draw_from_log_density(log_density, low, radius + reach, rng, size)
        direction = rng.standard_normal((size, d))
        return distance[:, None] * direction / np.linalg.norm(direction, axis=1, keepdims=True)
