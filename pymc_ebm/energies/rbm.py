"""The restricted Boltzmann machine, hidden units summed out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.boltzmann_machine import BoltzmannMachine
from pymc_ebm.energies.energy import Energy, as_parameter
from pymc_ebm.graphs import Graph


class RBM(Energy):
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

    def __init__(self, W: Any, b: Any = 0.0, c: Any = 0.0) -> None:
        W, b, c = checked_layers("RBM", W, b, c)
        super().__init__(
            {"W": W, "b": b, "c": c}, {"W": 2, "b": 1, "c": 1}, 1, (int(W.type.shape[0]),)
        )
        self.n_hidden = int(W.type.shape[1])

    @classmethod
    def random(
        cls, n_visible: int, n_hidden: int, *, scale: float = 0.01, random_seed: Any = None
    ) -> Self:
        """Draw normal weights; biases are zero.

        Parameters
        ----------
        n_visible, n_hidden : int
            Numbers of units.
        scale : float, default 0.01
            Standard deviation of the weights.
        random_seed : int or Generator, optional
            Source of randomness.
        """
        rng = np.random.default_rng(random_seed)
        return cls(rng.normal(0, scale, (n_visible, n_hidden)))

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


def bipartite(n_visible: int, n_hidden: int) -> Graph:
    """Join every visible unit to every hidden one, edges in the order of a flattened W."""
    visible, hidden = np.divmod(np.arange(n_visible * n_hidden), n_hidden)
    pairs = np.column_stack([visible, n_visible + hidden])
    return Graph.from_edges(pairs, n_visible + n_hidden)


def checked_layers(family: str, W: Any, b: Any, c: Any) -> tuple[TensorVariable, ...]:
    """Return weights (nv, nh) and biases (nv,), (nh,) as tensors, or say what does not fit."""
    W, b, c = (as_parameter(v, f"{family}: {n}") for v, n in ((W, "W"), (b, "b"), (c, "c")))
    if W.ndim != 2 or None in W.type.shape:
        raise ValueError(
            f"{family}: W has shape {W.type.shape}; expected a matrix (visible, hidden) of known "
            "size."
        )
    nv, nh = W.type.shape
    for name, bias, size in (("b", b, nv), ("c", c, nh)):
        if bias.ndim > 1 or (bias.ndim and bias.type.shape[0] not in (None, size)):
            raise ValueError(
                f"{family}: {name} has shape {bias.type.shape}; W has shape {(nv, nh)}, so it must "
                f"be a scalar or have shape ({size},)."
            )
    return W, b * pt.ones(nv), c * pt.ones(nh)
