"""The clock model: planar spins that point in q directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pymc_ebm.energies.couplings import read_couplings
from pymc_ebm.energies.pairwise import Pairwise, PairwiseEnergy, per_edge
from pymc_ebm.energies.potts import (
    checked_number_of_states,
    read_state_field,
    state_field_core_ndim,
)
from pymc_ebm.graphs import Graph
from pymc_ebm.states import labels


class Clock(PairwiseEnergy):
    """Directions 0, …, q - 1 on a circle, which like to be parallel to their neighbours.

    ``E(x) = −Σ_{(i,j)∈edges} J_ij cos(2π (x_i − x_j) / q) − Σ_i h_i[x_i]``, each edge once.

    Parameters
    ----------
    J : tensor_like or scipy.sparse array
        Couplings, in the forms `Ising` takes.
    h : tensor_like, shape (), (q,) or ``(..., *graph.shape, q)``
        Field: one value a direction, the same everywhere or for each vertex.
    q : int
        Number of directions, 2 to 127.
    graph : Graph, optional
        Which spins are coupled.

    Raises
    ------
    ValueError
        For a q, h or J that does not fit.

    References
    ----------
    Potts, R. B. (1952). Some generalized order-disorder transformations. Mathematical Proceedings
    of the Cambridge Philosophical Society 48, 106-109 (the planar model).

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> pair = ebm.Graph.from_edges([(0, 1)])
    >>> ebm.energies.Clock(1.0, q=4, graph=pair)([[0, 0], [0, 1], [0, 2]]).eval().round(12) + 0.0
    array([-1.,  0.,  1.])
    """

    support = "categorical"

    def __init__(self, J: Any, h: Any = 0.0, *, q: int, graph: Graph | None = None) -> None:
        self.n_states = checked_number_of_states(q, "Clock")
        graph, couplings = read_couplings(J, graph, family="Clock", name="J")
        field = read_state_field(h, graph, self.n_states, family="Clock", name="h")
        super().__init__(
            graph,
            {"J": couplings, "h": field},
            {"J": per_edge(couplings), "h": state_field_core_ndim(field, graph)},
        )

    def settings(self) -> dict[str, Any]:
        """Return graph and number of states."""
        return {**super().settings(), "q": self.n_states}

    def pairwise_form(self) -> Pairwise:
        """Couple directions by the cosine of the angle between them."""
        q = self.n_states
        angle = 2 * np.pi * np.subtract.outer(np.arange(q), np.arange(q)) / q
        J, field = self.parameters["J"], self.everywhere("h", 1)
        return Pairwise(self.graph, labels(q), np.cos(angle), J, field)
