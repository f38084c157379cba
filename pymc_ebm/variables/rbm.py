"""The restricted Boltzmann machine as a PyMC random variable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import energies
from pymc_ebm.energies.energy import constant_value, require_positive
from pymc_ebm.variables.boltzmann import Boltzmann
from pymc_ebm.variables.declaration import naming


class RBM(Boltzmann):
    r"""Visible units of a restricted Boltzmann machine, hidden units summed out.

    ``p(v) ∝ Σ_h exp(β(vᵀWh + bᵀv + cᵀh)) = exp(β bᵀv + Σ_j softplus(β(c_j + (vᵀW)_j)))`` over
    binary visible units v and hidden units h.

    Parameters
    ----------
    name : str
        Name of the variable.
    W : tensor_like, shape (nv, nh)
        Weights.
    b : tensor_like, shape () or (nv,)
        Biases of the visible units.
    c : tensor_like, shape () or (nh,)
        Biases of the hidden units.
    beta : scalar tensor_like, default 1.0
        Inverse temperature of visible and hidden units together, positive.
    shape : int or tuple of int, optional
        ``(*batch, nv)``.
    dims : str or tuple of str, optional
        Names of the dimensions.
    observed : array_like of {0, 1}, optional
        Data; leading dimensions are independent observations.
    initval : array_like of {0, 1}, optional
        Where chains start.
    log_partition : str, float, TensorVariable or callable, optional
        ``log Z``, needed where W, b, c or beta are random; see `Boltzmann`.
    **kwargs
        ``impute`` and what else `Boltzmann` takes.

    Raises
    ------
    MissingPartitionError
        If W, b, c or beta are random and no `log_partition` is given.
    ValueError
        For biases that do not fit W, or observations outside {0, 1}.

    See Also
    --------
    BlockGibbs : the sampler it gets by itself.

    Examples
    --------
    >>> import numpy as np, pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     v = ebm.RBM("v", W=np.array([[1.0, -1.0], [0.5, 2.0], [0.0, 1.0]]))
    >>> pm.draw(v, random_seed=1).shape
    (3,)
    """

    @classmethod
    def dist(  # type: ignore[override]
        cls, W: Any, b: Any = 0.0, c: Any = 0.0, *, beta: Any = 1.0, **kwargs: Any
    ) -> TensorVariable:
        """Return the variable without registering it; arguments as for the class."""
        with naming(kwargs, "RBM"):
            energy = _at_temperature(W, b, c, beta)
        return super().dist(energy, **kwargs)


def _at_temperature(W: Any, b: Any, c: Any, beta: Any) -> energies.RBM:
    """Multiply the joint energy by beta: all three parameters scale."""
    require_positive("RBM", beta=beta)
    constant = constant_value(pt.as_tensor_variable(beta))
    if constant is not None and np.all(constant == 1.0):
        return energies.RBM(W, b, c)
    beta, W, b, c = (pt.as_tensor_variable(v) for v in (beta, W, b, c))
    return energies.RBM(beta * W, beta * b, beta * c)
