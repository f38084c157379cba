"""The Boltzmann machine: the Ising model in {0, 1} coding."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from pymc_ebm.energies.couplings import read_couplings, read_field
from pymc_ebm.energies.pairwise import Pairwise, PairwiseEnergy, field_core_ndim, per_edge
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.readers.dimod import read_bqm
from pymc_ebm.states import BINARY

PRODUCT = np.array([[0.0, 0.0], [0.0, 1.0]])


class BoltzmannMachine(PairwiseEnergy):
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
        graph, weights = read_couplings(W, graph, family="BoltzmannMachine", name="W")
        bias = read_field(b, graph, family="BoltzmannMachine", name="b")
        super().__init__(
            graph,
            {"W": weights, "b": bias},
            {"W": per_edge(weights), "b": field_core_ndim(bias, graph)},
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
        read = read_bqm(bqm.change_vartype("BINARY", inplace=False))
        return cls(read.J, read.h, graph=read.graph)

    def pairwise_form(self) -> Pairwise:
        """Couple units by their product."""
        return Pairwise(
            self.graph, BINARY, PRODUCT, self.parameters["W"], slope=self.everywhere("b")
        )
