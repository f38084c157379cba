"""The Gaussian–Bernoulli restricted Boltzmann machine as a PyMC random variable."""

from __future__ import annotations

from typing import Any

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import energies
from pymc_ebm.variables.boltzmann import Boltzmann
from pymc_ebm.variables.declaration import naming


class GaussianRBM(Boltzmann):
    r"""Real visible units of a restricted Boltzmann machine, hidden units summed out.

    ``p(v) ∝ exp(−Σ_i (v_i − b_i)²/(2σ_i²) + Σ_j softplus(c_j + Σ_i v_i W_ij/σ_i²))``, a mixture of
    ``2^nh`` normals with means ``b + Wh``: smooth, so NUTS samples it.

    Parameters
    ----------
    name : str
        Name of the variable.
    W, b, c, sigma
        As for `energies.GaussianRBM`.
    shape, dims, observed, initval, log_partition
        As for `Boltzmann`; ``log_partition="auto"`` sums over the hidden units' configurations.

    Raises
    ------
    MissingPartitionError
        If parameters are random and no `log_partition` is given.
    ValueError
        For parameters or data that do not fit.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     v = ebm.GaussianRBM("v", W=[[2.0], [1.0]], sigma=0.5)
    >>> pm.draw(v, random_seed=1).shape
    (2,)
    """

    @classmethod
    def dist(  # type: ignore[override]
        cls, W: Any, b: Any = 0.0, c: Any = 0.0, sigma: Any = 1.0, **kwargs: Any
    ) -> TensorVariable:
        """Return the variable without registering it; arguments as for the class."""
        with naming(kwargs, "GaussianRBM"):
            energy = energies.GaussianRBM(W, b, c, sigma)
        return super().dist(energy, **kwargs)
