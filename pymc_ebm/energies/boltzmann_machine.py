"""The Boltzmann machine: the Ising model in {0, 1} coding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.couplings import read_couplings, read_field
from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.ising import Ising, field_sum, pair_sum
from pymc_ebm.energies.pairwise import Pairwise
from pymc_ebm.graphs import Graph


class BoltzmannMachine(Energy):
    """Binary units in {0, 1} with pairwise weights and biases.

    ``E(v) = −Σ_{(i,j)∈edges} W_ij v_i v_j − Σ_i b_i v_i``, each edge once.

    Parameters
    ----------
    W : tensor_like or scipy.sparse array
        Weights, in the forms `Ising` takes its couplings.
    b : tensor_like, shape () or ``(..., *graph.shape)``
        Biases.
    graph : Graph, optional
        Which units are connected.

    Raises
    ------
    ValueError
        For a W that is not symmetric, not finite, or does not fit the graph.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> machine = ebm.energies.BoltzmannMachine(np.array([[0.0, 2.0], [2.0, 0.0]]), b=-1.0)
    >>> machine([[0, 0], [1, 0], [1, 1]]).eval()
    array([0., 1., 0.])
    """

    support = "binary"

    def __init__(self, W: Any, b: Any = 0.0, *, graph: Graph | None = None) -> None:
        self.graph, weights = read_couplings(W, graph, family="BoltzmannMachine", name="W")
        bias = read_field(b, self.graph, family="BoltzmannMachine", name="b")
        event_ndim = len(self.graph.shape)
        super().__init__(
            {"W": weights, "b": bias},
            {"W": min(weights.ndim, 1), "b": event_ndim if bias.ndim else 0},
            event_ndim,
            self.graph.shape,
        )

    def evaluate(
        self, x: TensorVariable, *, W: TensorVariable, b: TensorVariable
    ) -> TensorVariable:
        """Return minus the connected pairs minus the bias term."""
        pairs = pair_sum(x, W, self.graph, uniform=self.core_ndims["W"] == 0)
        return -pairs - field_sum(x, b, self.graph, uniform=self.core_ndims["b"] == 0)

    def ising_form(self) -> Ising:
        """Write ``v = (s + 1) / 2``: ``J = W / 4`` and ``h_i = b_i / 2 + Σ_j W_ij / 4``."""
        W, b = self.parameters["W"], self.parameters["b"]
        n, shape = self.graph.n_vertices, self.graph.shape
        if self.core_ndims["W"] == 0:
            strength = pt.shape_padright(W) * self.graph.degrees()
        else:
            strength = pt.zeros((*W.shape[:-1], n))
            for end in (0, 1):
                strength = strength[..., self.graph.edges[:, end]].inc(W)
        strength = strength.reshape((*strength.shape[:-1], *shape))
        if self.core_ndims["b"] == 0:
            b = pt.shape_padright(b, len(shape))
        return Ising(W / 4, b / 2 + strength / 4, graph=self.graph)

    def pairwise_form(self) -> Pairwise:
        """Write the bias as a table over the two values."""
        b = self.parameters["b"]
        if self.core_ndims["b"] == 0:
            b = pt.shape_padright(b, self.event_ndim)
        field = pt.shape_padright(b) * np.array([0.0, 1.0])
        interaction = np.array([[0.0, 0.0], [0.0, 1.0]])
        return Pairwise(self.graph, (0, 1), interaction, self.parameters["W"], field)
