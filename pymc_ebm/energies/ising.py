"""The Ising energy on any graph."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from pymc_ebm.energies.couplings import read_couplings, read_field
from pymc_ebm.energies.pairwise import Pairwise, PairwiseEnergy, field_core_ndim, per_edge
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.readers.dimod import read_bqm
from pymc_ebm.states import SIGNS

PRODUCT = np.array([[1.0, -1.0], [-1.0, 1.0]])


class Ising(PairwiseEnergy):
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
        graph, couplings = read_couplings(J, graph, family="Ising", name="J")
        field = read_field(h, graph, family="Ising", name="h")
        super().__init__(
            graph,
            {"J": couplings, "h": field},
            {"J": per_edge(couplings), "h": field_core_ndim(field, graph)},
        )

    @classmethod
    def from_bqm(cls, bqm: Any) -> Self:
        """Read a binary quadratic model of dimod; its offset, a constant, is left out.

        Variables' names become ``graph.names``.

        Parameters
        ----------
        bqm : dimod.BinaryQuadraticModel
            Of either vartype: it is changed to the family's. dimod minimises, and so does an
            energy, so couplings and fields are dimod's biases with the sign turned.
        """
        read = read_bqm(bqm.change_vartype("SPIN", inplace=False))
        return cls(read.J, read.h, graph=read.graph)

    def pairwise_form(self) -> Pairwise:
        """Couple spins by their product."""
        return Pairwise(
            self.graph, SIGNS, PRODUCT, self.parameters["J"], slope=self.everywhere("h")
        )
