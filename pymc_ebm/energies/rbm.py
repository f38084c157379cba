"""The restricted Boltzmann machine, hidden units summed out."""

from __future__ import annotations

from typing import Any

import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.boltzmann_machine import BoltzmannMachine
from pymc_ebm.energies.layered import LayeredEnergy, bipartite


class RBM(LayeredEnergy):
    """Restricted Boltzmann machine: binary visible units, binary hidden units summed out.

    ``E(v, h) = −vᵀWh − bᵀv − cᵀh`` gives the free energy of the visible units,
    ``F(v) = −bᵀv − Σ_j softplus(c_j + (vᵀW)_j)``, which is the energy of this family.

    Parameters
    ----------
    W : tensor_like, shape (nv, nh)
        Weights.
    b : tensor_like, shape () or (nv,)
        Biases of the visible units.
    c : tensor_like, shape () or (nh,)
        Biases of the hidden units.

    Raises
    ------
    ValueError
        If W is not a matrix, or b or c do not fit it.

    References
    ----------
    Smolensky, P. (1986). Information processing in dynamical systems: foundations of harmony
    theory. Parallel Distributed Processing 1, 194-281.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> machine = ebm.energies.RBM([[1.0], [-1.0]])
    >>> machine([[0, 0], [1, 0]]).eval().round(3)
    array([-0.693, -1.313])
    """

    support = "binary"

    def evaluate(
        self, x: TensorVariable, *, W: TensorVariable, b: TensorVariable, c: TensorVariable
    ) -> TensorVariable:
        """Return the free energy of the visible units."""
        x = x.astype(W.dtype)
        if W.ndim == 2 and b.ndim == 1 and c.ndim == 1:
            return -(x @ b) - pt.softplus(c + x @ W).sum(axis=-1)
        inputs = c + (x[..., :, None] * W).sum(axis=-2)
        return -(x * b).sum(axis=-1) - pt.softplus(inputs).sum(axis=-1)

    def hidden_means(self, x: Any) -> TensorVariable:
        """Return ``P(h_j = 1 | v) = σ(c_j + (vᵀW)_j)``, shape ``(..., nv) → (..., nh)``."""
        W, c = self.parameters["W"], self.parameters["c"]
        x = pt.as_tensor_variable(x).astype(W.dtype)
        return pt.sigmoid(c + x @ W)

    def joint(self) -> BoltzmannMachine:
        """Return the energy over visible and hidden units together, visible units first."""
        (nv,), nh = self.event_shape or (0,), self.n_hidden
        graph = bipartite(nv, nh)
        W, b, c = (self.parameters[name] for name in ("W", "b", "c"))
        return BoltzmannMachine(W.reshape((nv * nh,)), pt.concatenate([b, c]), graph=graph)
