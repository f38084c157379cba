"""The restricted Boltzmann machine as a PyMC random variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import energies
from pymc_ebm.boltzmann import Boltzmann, BoltzmannRV
from pymc_ebm.declaration import LogPartition
from pymc_ebm.energies.energy import constant_value, require_positive


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
        What else `Boltzmann` takes.

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

    rv_type = BoltzmannRV
    rv_op = Boltzmann.rv_op  # PyMC's metaclass does not inherit it

    def __new__(  # type: ignore[misc]
        cls,
        name: str,
        W: Any,
        b: Any = 0.0,
        c: Any = 0.0,
        *,
        beta: Any = 1.0,
        shape: int | Sequence[int] | None = None,
        dims: str | Sequence[str] | None = None,
        observed: Any = None,
        initval: Any = None,
        log_partition: LogPartition = None,
        **kwargs: Any,
    ) -> TensorVariable:
        """Register the variable in the model on the context stack."""
        try:
            energy = _at_temperature(name, W, b, c, beta)
        except ValueError as error:
            raise ValueError(str(error).replace("RBM:", f"RBM {name!r}:", 1)) from None
        return super().__new__(
            cls,
            name,
            energy,
            shape=shape,
            dims=dims,
            observed=observed,
            initval=initval,
            log_partition=log_partition,
            **kwargs,
        )

    @classmethod
    def dist(  # type: ignore[override]
        cls, W: Any, b: Any = 0.0, c: Any = 0.0, *, beta: Any = 1.0, **kwargs: Any
    ) -> TensorVariable:
        """Return the variable without registering it.

        Parameters
        ----------
        W, b, c, beta
            As for the class; W may be an energy that was built already.
        **kwargs
            ``shape``, ``log_partition`` and what `pymc.Distribution.dist` takes.
        """
        if not isinstance(W, energies.Energy):
            W = _at_temperature("RBM", W, b, c, beta)
        return super().dist(W, **kwargs)


def _at_temperature(name: str, W: Any, b: Any, c: Any, beta: Any) -> energies.RBM:
    """Multiply the joint energy by beta: all three parameters scale."""
    require_positive(f"RBM {name!r}", beta=beta)
    constant = constant_value(pt.as_tensor_variable(beta))
    if constant is not None and np.all(constant == 1.0):
        return energies.RBM(W, b, c)
    beta, W, b, c = (pt.as_tensor_variable(v) for v in (beta, W, b, c))
    return energies.RBM(beta * W, beta * b, beta * c)
