"""The Potts energy on any graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.couplings import read_couplings
from pymc_ebm.energies.energy import as_parameter
from pymc_ebm.energies.pairwise import Pairwise, PairwiseEnergy, per_edge
from pymc_ebm.graphs import Graph
from pymc_ebm.states import MOST_STATES, labels


class Potts(PairwiseEnergy):
    """States in {0, …, q-1}; an edge counts where its two ends agree.

    ``E(x) = −Σ_{(i,j)∈edges} J_ij 1[x_i = x_j] − Σ_i h_i[x_i]``, each edge once. Two states with
    coupling ``2J`` are the Ising model with ``J``.

    Parameters
    ----------
    J : tensor_like or scipy.sparse array
        With `graph`: a scalar, or one value an edge in the order of ``graph.edges``. Without: a
        symmetric matrix with an empty diagonal, whose non-zeros are the edges.
    h : tensor_like, shape (), (q,) or ``(..., *graph.shape, q)``
        Field: one value a state, the same everywhere or for each vertex. A scalar changes nothing.
    q : int
        Number of states, 2 to 127.
    graph : Graph, optional
        Which variables are coupled.

    Raises
    ------
    ValueError
        For q < 2, a field whose last axis is not q, or a J that does not fit.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> chain = ebm.energies.Potts(1.0, q=3, graph=ebm.Graph.from_edges([(0, 1), (1, 2)]))
    >>> float(chain([2, 2, 0]).eval())
    -1.0
    """

    support = "categorical"

    def __init__(self, J: Any, h: Any = 0.0, *, q: int, graph: Graph | None = None) -> None:
        self.n_states = checked_number_of_states(q, "Potts")
        graph, couplings = read_couplings(J, graph, family="Potts", name="J")
        field = read_state_field(h, graph, self.n_states, family="Potts", name="h")
        super().__init__(
            graph,
            {"J": couplings, "h": field},
            {"J": per_edge(couplings), "h": state_field_core_ndim(field, graph)},
        )

    def settings(self) -> dict[str, Any]:
        """Return graph and number of states."""
        return {**super().settings(), "q": self.n_states}

    def pairwise_form(self) -> Pairwise:
        """Couple states where they agree."""
        q, field = self.n_states, self.everywhere("h", 1)
        return Pairwise(self.graph, labels(q), np.eye(q), self.parameters["J"], field)


def checked_number_of_states(q: Any, family: str) -> int:
    """Return q as an integer, or say what it must be."""
    if isinstance(q, bool) or not isinstance(q, int | np.integer) or not 2 <= q <= MOST_STATES:
        raise ValueError(
            f"{family}: q = {q} states; it must be a whole number from 2 to {MOST_STATES}."
        )
    return int(q)


def read_state_field(h: Any, graph: Graph, q: int, *, family: str, name: str) -> TensorVariable:
    """Return a field over states: a scalar, one value a state, or one a vertex and state."""
    field = as_parameter(h, f"{family}: {name}")
    event_ndim, everywhere = len(graph.shape), (*graph.shape, q)
    core = state_field_core_ndim(field, graph)
    wanted = everywhere[-core:] if core else ()
    trailing = field.type.shape[field.ndim - core :]
    fits = field.ndim in (0, 1) or field.ndim > event_ndim
    if not fits or any(
        got is not None and got != want and (got, core) != (1, event_ndim + 1)
        for got, want in zip(trailing, wanted, strict=True)
    ):
        raise ValueError(
            f"{family}: {name} has shape {field.type.shape}; pass one value a state, shape "
            f"({q},), or one a vertex and state, shape {everywhere}."
        )
    return field


def state_field_core_ndim(field: TensorVariable, graph: Graph) -> int:
    """Return how many axes of a field over states belong to one event."""
    return min(field.ndim, len(graph.shape) + 1) if field.ndim != 1 else 1
