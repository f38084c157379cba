"""The restricted Boltzmann machine of spins, hidden ones summed out."""

from __future__ import annotations

from typing import Any

import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.ising import Ising
from pymc_ebm.energies.layered import LayeredEnergy, bipartite


class SpinRBM(LayeredEnergy):
    """Restricted Boltzmann machine of spins ±1 in both layers, hidden spins summed out.

    ``E(s, t) = −sᵀWt − bᵀs − cᵀt``, so ``E(s) = −bᵀs − Σ_j log 2cosh(c_j + (sᵀW)_j)``. With c = 0
    and b = 0 a flip of all spins changes nothing, which an `RBM` of {0, 1} units has to learn.

    Parameters
    ----------
    W : tensor_like, shape (nv, nh)
        Weights.
    b : tensor_like, shape () or (nv,)
        Fields of the visible spins.
    c : tensor_like, shape () or (nh,)
        Fields of the hidden spins.

    Raises
    ------
    ValueError
        If W is not a matrix, or b or c do not fit it.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> machine = ebm.energies.SpinRBM([[1.0], [1.0]])
    >>> machine([[1, 1], [1, -1]]).eval().round(3)  # −log 2cosh(2), −log 2
    array([-2.018, -0.693])
    """

    support = "spin"

    def evaluate(self, x, *, W, b, c):
        """Return the free energy of the visible spins."""
        x = x.astype(W.dtype)
        inputs = c + (x @ W if W.ndim == 2 else (x[..., :, None] * W).sum(axis=-2))
        # log 2cosh(a) = |a| + softplus(−2|a|)
        size = pt.abs(inputs)
        return -(x * b).sum(axis=-1) - (size + pt.softplus(-2 * size)).sum(axis=-1)

    def hidden_means(self, x: Any) -> TensorVariable:
        """Return ``⟨t_j⟩ = tanh(c_j + (sᵀW)_j)`` given s, shape ``(..., nv) → (..., nh)``."""
        W, c = self.parameters["W"], self.parameters["c"]
        return pt.tanh(c + pt.as_tensor_variable(x).astype(W.dtype) @ W)

    def with_hidden(self) -> Ising:
        """Return the energy of both layers' spins, visible ones first."""
        (nv,), nh = self.event_shape or (0,), self.n_hidden
        W, b, c = (self.parameters[name] for name in ("W", "b", "c"))
        couplings = W.reshape((*tuple(W.shape[:-2]), nv * nh))
        return Ising(couplings, pt.concatenate([b, c], axis=-1), graph=bipartite(nv, nh))
