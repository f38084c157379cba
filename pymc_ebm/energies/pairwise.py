"""What every pairwise discrete energy comes down to: couplings and a table of fields."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.graphs import Graph


@dataclass(frozen=True)
class Pairwise:
    """``E(x) = −Σ_{(i,j)∈edges} J_ij K(x_i, x_j) − Σ_i f_i(x_i)``, up to a constant.

    Parameters
    ----------
    graph : Graph
        Which variables interact.
    states : tuple of int
        The q values of a variable.
    interaction : ndarray, shape (q, q)
        The symmetric matrix K over pairs of states.
    J : TensorVariable, shape () or (..., m)
        One coupling for all edges, or one an edge.
    field : TensorVariable, shape (..., *shape, q)
        f; axes of length one broadcast.
    """

    graph: Graph
    states: tuple[int, ...]
    interaction: NDArray[np.float64]
    J: TensorVariable
    field: TensorVariable

    def scale(self, factor: TensorVariable) -> Pairwise:
        """Multiply the energy by a scalar.

        Parameters
        ----------
        factor : scalar TensorVariable
            The factor.
        """
        return replace(self, J=factor * self.J, field=factor * self.field)

    def merge(self, other: Pairwise) -> Pairwise | None:
        """Add another energy over the same variables; None if the pairs interact differently.

        Parameters
        ----------
        other : Pairwise
            Couplings may lie on another graph of the same shape.
        """
        if not np.array_equal(self.interaction, other.interaction):
            return None
        graph, J = merge_couplings(self.graph, self.J, other.graph, other.J)
        return replace(self, graph=graph, J=J, field=self.field + other.field)


def merge_couplings(
    first: Graph, J_first: TensorVariable, second: Graph, J_second: TensorVariable
) -> tuple[Graph, TensorVariable]:
    """Add up couplings on two graphs over the same vertices.

    Parameters
    ----------
    first, second : Graph
        Graphs of the same shape.
    J_first, J_second : TensorVariable, shape () or (m,)
        Their couplings.

    Returns
    -------
    graph : Graph
        The union.
    J : TensorVariable, shape (m,)
    """
    n = first.n_vertices
    keys = [graph.edges @ np.array([n, 1]) for graph in (first, second)]
    union = np.unique(np.concatenate(keys))
    graph = Graph(np.column_stack(np.divmod(union, n)), first.shape)
    J = pt.zeros(len(union))
    for couplings, key in zip((J_first, J_second), keys, strict=True):
        J = J[np.searchsorted(union, key)].inc(couplings)
    return graph, J
