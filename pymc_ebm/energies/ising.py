"""The Ising energy on any graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.couplings import read_couplings, read_field
from pymc_ebm.energies.energy import Energy, constant_value
from pymc_ebm.energies.pairwise import Pairwise, merge_couplings
from pymc_ebm.graphs import Graph


class Ising(Energy):
    """Spins in {-1, +1} with pairwise couplings and fields.

    ``E(s) = −Σ_{(i,j)∈edges} J_ij s_i s_j − Σ_i h_i s_i``, each edge once. ``J > 0`` is
    ferromagnetic.

    Parameters
    ----------
    J : tensor_like or scipy.sparse array
        With `graph`: a scalar, or one value an edge in the order of ``graph.edges``. Without: a
        symmetric matrix with an empty diagonal, whose non-zeros are the edges.
    h : tensor_like, shape () or ``(..., *graph.shape)``
        Field.
    graph : Graph, optional
        Which spins are coupled.

    Attributes
    ----------
    graph : Graph
        The graph given, or the one read from the matrix.

    Raises
    ------
    ValueError
        For a J that is not symmetric, not finite, or does not fit the graph.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> chain = ebm.energies.Ising(J=1.0, h=0.5, graph=ebm.Graph.from_edges([(0, 1), (1, 2)]))
    >>> float(chain([1, 1, -1]).eval())
    -0.5
    """

    support = "spin"

    def __init__(self, J: Any, h: Any = 0.0, *, graph: Graph | None = None) -> None:
        self.graph, couplings = read_couplings(J, graph, family="Ising", name="J")
        field = read_field(h, self.graph, family="Ising", name="h")
        event_ndim = len(self.graph.shape)
        super().__init__(
            {"J": couplings, "h": field},
            {"J": min(couplings.ndim, 1), "h": event_ndim if field.ndim else 0},
            event_ndim,
            self.graph.shape,
        )

    def evaluate(
        self, x: TensorVariable, *, J: TensorVariable, h: TensorVariable
    ) -> TensorVariable:
        """Return minus the coupled pairs minus the field term."""
        pairs = pair_sum(x, J, self.graph, uniform=self.core_ndims["J"] == 0)
        return -pairs - field_sum(x, h, self.graph, uniform=self.core_ndims["h"] == 0)

    def ising_form(self) -> Ising:
        """Return itself."""
        return self

    def pairwise_form(self) -> Pairwise:
        """Write the field as a table over the two values."""
        states = np.array([-1, 1])
        h = self.parameters["h"]
        if self.core_ndims["h"] == 0:
            h = pt.shape_padright(h, self.event_ndim)
        field = pt.shape_padright(h) * states.astype(float)
        return Pairwise(
            self.graph, (-1, 1), np.outer(states, states).astype(float), self.parameters["J"], field
        )

    def merge(self, other: Ising) -> Ising:
        """Add up two Ising energies over the same spins.

        Parameters
        ----------
        other : Ising
            Couplings may lie on another graph of the same shape.
        """
        graph, J = merge_couplings(
            self.graph, self.parameters["J"], other.graph, other.parameters["J"]
        )
        return Ising(J, self.parameters["h"] + other.parameters["h"], graph=graph)


def pair_sum(
    x: TensorVariable, weights: TensorVariable, graph: Graph, *, uniform: bool
) -> TensorVariable:
    """Return ``Σ_edges w_ij x_i x_j`` over the last ``len(graph.shape)`` axes.

    Parameters
    ----------
    x : TensorVariable, shape (..., *graph.shape)
        Configurations.
    weights : TensorVariable, shape (...) if uniform, else (..., m)
        One weight for all edges, or one an edge.
    graph : Graph
        The edges.
    uniform : bool
        Whether one weight serves all edges.
    """
    flat = x.reshape((*x.shape[: x.ndim - len(graph.shape)], graph.n_vertices))
    # as constants: PyTensor looks through an array index entry by entry
    first, second = (pt.constant(ends) for ends in graph.edges.T)
    products = flat[..., first] * flat[..., second]
    if uniform:
        return weights * products.sum(axis=-1)
    if weights.ndim == 1:
        return products.astype(weights.dtype) @ weights
    return (weights * products).sum(axis=-1)


def field_sum(
    x: TensorVariable, field: TensorVariable, graph: Graph, *, uniform: bool
) -> TensorVariable:
    """Return ``Σ_i f_i x_i`` over the last ``len(graph.shape)`` axes; a zero costs nothing."""
    constant = constant_value(field)
    if constant is not None and not np.any(constant):
        return pt.zeros(())
    axes = tuple(range(-len(graph.shape), 0))
    if uniform:
        return field * x.sum(axis=axes)
    if field.ndim == len(graph.shape):
        flat = x.reshape((*x.shape[: x.ndim - field.ndim], graph.n_vertices))
        return flat.astype(field.dtype) @ field.reshape((graph.n_vertices,))
    return (field * x).sum(axis=axes)
