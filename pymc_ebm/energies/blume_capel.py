"""The Blume–Capel energy: spins that may be absent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt

from pymc_ebm.energies.couplings import read_couplings, read_field
from pymc_ebm.energies.pairwise import Pairwise, PairwiseEnergy, field_core_ndim, per_edge
from pymc_ebm.graphs import Graph
from pymc_ebm.states import SIGNS_OR_ZERO

PRODUCT = np.outer([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0])


class BlumeCapel(PairwiseEnergy):
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
    >>> ebm.energies.BlumeCapel(1.0, D=0.5, graph=pair)([[1, 1], [1, 0], [1, -1]]).eval()
    array([0. , 0.5, 2. ])
    """

    support = "spin-1"

    def __init__(self, J: Any, h: Any = 0.0, D: Any = 0.0, *, graph: Graph | None = None) -> None:
        graph, couplings = read_couplings(J, graph, family="BlumeCapel", name="J")
        field = read_field(h, graph, family="BlumeCapel", name="h")
        crystal = read_field(D, graph, family="BlumeCapel", name="D")
        super().__init__(
            graph,
            {"J": couplings, "h": field, "D": crystal},
            {
                "J": per_edge(couplings),
                "h": field_core_ndim(field, graph),
                "D": field_core_ndim(crystal, graph),
            },
        )

    def pairwise_form(self) -> Pairwise:
        """Couple spins by their product; the crystal field is a table over the three values."""
        crystal = pt.shape_padright(self.everywhere("D")) * np.array([-1.0, 0.0, -1.0])
        J, h = self.parameters["J"], self.everywhere("h")
        return Pairwise(self.graph, SIGNS_OR_ZERO, PRODUCT, J, crystal, h)
