"""The Blume–Capel energy: spins that may be absent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.couplings import read_couplings, read_field
from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.ising import field_sum, pair_sum
from pymc_ebm.energies.pairwise import Pairwise
from pymc_ebm.graphs import Graph


class BlumeCapel(Energy):
    """Spins in {-1, 0, +1} with a crystal field.

    ``E(s) = −Σ_{(i,j)∈edges} J_ij s_i s_j − Σ_i h_i s_i + Σ_i D_i s_i²``, each edge once. A large
    crystal field D favours 0.

    Parameters
    ----------
    J : tensor_like or scipy.sparse array
        Couplings, in the forms `Ising` takes.
    h : tensor_like, shape () or ``(..., *graph.shape)``
        Field.
    D : tensor_like, shape () or ``(..., *graph.shape)``
        Crystal field.
    graph : Graph, optional
        Which spins are coupled.

    Raises
    ------
    ValueError
        For a J that is not symmetric, not finite, or does not fit the graph.

    References
    ----------
    Blume, M. (1966). Theory of the first-order magnetic phase change in UO₂. Physical Review 141,
    517. Capel, H. W. (1966). Physica 32, 966.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> pair = ebm.Graph.from_edges([(0, 1)])
    >>> ebm.energies.BlumeCapel(1.0, D=0.5, graph=pair)([[1, 1], [1, 0], [0, 0]]).eval()
    array([0. , 0.5, 0. ])
    """

    support = "spin-1"

    def __init__(self, J: Any, h: Any = 0.0, D: Any = 0.0, *, graph: Graph | None = None) -> None:
        self.graph, couplings = read_couplings(J, graph, family="BlumeCapel", name="J")
        field = read_field(h, self.graph, family="BlumeCapel", name="h")
        crystal = read_field(D, self.graph, family="BlumeCapel", name="D")
        event_ndim = len(self.graph.shape)
        super().__init__(
            {"J": couplings, "h": field, "D": crystal},
            {
                "J": min(couplings.ndim, 1),
                "h": event_ndim if field.ndim else 0,
                "D": event_ndim if crystal.ndim else 0,
            },
            event_ndim,
            self.graph.shape,
        )

    def evaluate(
        self, x: TensorVariable, *, J: TensorVariable, h: TensorVariable, D: TensorVariable
    ) -> TensorVariable:
        """Return minus the coupled pairs minus the field term plus the crystal term."""
        pairs = pair_sum(x, J, self.graph, uniform=self.core_ndims["J"] == 0)
        field = field_sum(x, h, self.graph, uniform=self.core_ndims["h"] == 0)
        return field_sum(x**2, D, self.graph, uniform=self.core_ndims["D"] == 0) - pairs - field

    def pairwise_form(self) -> Pairwise:
        """Write field and crystal field as a table over the three values."""
        states = np.array([-1.0, 0.0, 1.0])
        h, D = (
            pt.shape_padright(value, 1 if self.core_ndims[name] else self.event_ndim + 1)
            for name, value in (("h", self.parameters["h"]), ("D", self.parameters["D"]))
        )
        interaction = np.outer(states, states)
        field = h * states - D * states**2
        return Pairwise(self.graph, (-1, 0, 1), interaction, self.parameters["J"], field)
