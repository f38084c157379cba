"""Dense associative memory as a PyMC random variable."""

from __future__ import annotations

from typing import Any, Literal

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import energies
from pymc_ebm.variables.boltzmann import Boltzmann
from pymc_ebm.variables.declaration import naming


class DenseAssociativeMemory(Boltzmann):
    r"""Spins, or points on a sphere, that remember patterns by a steep function of overlaps.

    ``p(x) ∝ exp(β (N/n) Σ_μ F(ξ^μ·x/N))``; see `energies.DenseAssociativeMemory`.

    Parameters
    ----------
    name : str
        Name of the variable.
    patterns, order, rectified, sharpness, sphere
        As for `energies.DenseAssociativeMemory`.
    beta : scalar tensor_like, default 1.0
        Inverse temperature, positive.
    shape, dims, observed, initval, log_partition
        As for `Boltzmann`.

    Raises
    ------
    MissingPartitionError
        If parameters are random and no `log_partition` is given.
    ValueError
        For patterns or data that do not fit.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.DenseAssociativeMemory("s", [[1, 1, -1, -1], [1, -1, 1, -1]], order=4, beta=2.0)
    >>> pm.draw(s, random_seed=1).shape
    (4,)
    """

    @classmethod
    def dist(  # type: ignore[override]
        cls,
        patterns: Any,
        order: int | Literal["exponential"] = 3,
        *,
        rectified: bool = False,
        sharpness: Any = 1.0,
        sphere: bool = False,
        **kwargs: Any,
    ) -> TensorVariable:
        """Return the variable without registering it; arguments as for the class."""
        with naming(kwargs, "DenseAssociativeMemory"):
            energy = energies.DenseAssociativeMemory(
                patterns, order, rectified=rectified, sharpness=sharpness, sphere=sphere
            )
        return super().dist(energy, **kwargs)
