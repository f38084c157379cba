"""The modern Hopfield network as a PyMC random variable."""

from __future__ import annotations

from typing import Any

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import energies
from pymc_ebm.variables.boltzmann import Boltzmann
from pymc_ebm.variables.declaration import naming


class ModernHopfield(Boltzmann):
    r"""Real vectors around memories: the Boltzmann distribution of a modern Hopfield network.

    ``p(x) ∝ Σ_μ w_μ exp(β ξ^μ·x − ½ β |x|²)``, the mixture of normals ``N(ξ^μ, 1/β)`` with weights
    ``∝ w_μ exp(½ β |ξ^μ|²)``: forward draws are exact, log Z has a closed form, NUTS samples it.

    Parameters
    ----------
    name : str
        Name of the variable.
    patterns : tensor_like, shape (M, N)
        The memories ξ.
    beta : scalar tensor_like, default 1.0
        Sharpness of the network and inverse temperature in one, positive. For two different ones
        declare ``Boltzmann(name, energies.ModernHopfield(patterns, sharpness), beta=...)``.
    weights : tensor_like, shape (M,), optional
        Positive weights w; equal by default.
    shape, dims, observed, initval, log_partition
        As for `Boltzmann`; ``log_partition="auto"`` is the closed form.

    Raises
    ------
    MissingPartitionError
        If parameters are random and no `log_partition` is given.
    ValueError
        For patterns, weights or data that do not fit.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     x = ebm.ModernHopfield("x", [[3.0, 0.0], [0.0, 3.0]], beta=pm.Gamma("beta", 2, 1),
    ...                            log_partition="auto")
    >>> pm.draw(x, random_seed=1).shape
    (2,)
    """

    @classmethod
    def dist(  # type: ignore[override]
        cls, patterns: Any, beta: Any = 1.0, *, weights: Any = None, **kwargs: Any
    ) -> TensorVariable:
        """Return the variable without registering it; arguments as for the class."""
        with naming(kwargs, "ModernHopfield"):
            energy = energies.ModernHopfield(patterns, beta, weights)
        return super().dist(energy, beta=beta, **kwargs)
