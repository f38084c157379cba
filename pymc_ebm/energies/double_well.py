"""The double-well energy."""

from typing import Any, ClassVar

import numpy as np
import pytensor.tensor as pt

from pymc_ebm.energies.energy import Energy, require_positive
from pymc_ebm.energies.inverse_cdf import draw_from_log_density


class DoubleWell(Energy):
    """Independent double wells with minima at −1 and +1 and a barrier of height `a`.

    ``E(x) = a Σ_i (x_i² − 1)²``

    Parameters
    ----------
    a : scalar tensor_like
        Barrier height.

    Raises
    ------
    ValueError
        For a barrier that is not positive.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> float(ebm.energies.DoubleWell(a=4.0)([0.0, 1.0]).eval())
    4.0
    """

    constraints: ClassVar = {"a": "positive"}

    def __init__(self, a: Any = 1.0) -> None:
        require_positive("DoubleWell", a=a)
        super().__init__({"a": a}, {"a": 0})

    def evaluate(self, x, *, a):
        """Return the sum over coordinates."""
        return a * pt.sum((x**2 - 1) ** 2, axis=-1)

    def exact_draws(self, rng, size, event_shape, beta, *, a):
        """Draw each coordinate by inversion."""
        reach = np.sqrt(1 + np.sqrt(60 / (beta * a)))  # where β a (x² − 1)² = 60

        def log_density(x: np.ndarray) -> np.ndarray:
            return -beta * a * (x**2 - 1) ** 2

        return draw_from_log_density(log_density, -reach, reach, rng, (size, *event_shape))
