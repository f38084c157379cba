"""The Potts energy on any graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.couplings import read_couplings
from pymc_ebm.energies.energy import Energy, as_parameter, constant_value
from pymc_ebm.energies.ising import Ising
from pymc_ebm.energies.pairwise import Pairwise
from pymc_ebm.graphs import Graph


class Potts(Energy):
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
        if isinstance(q, bool) or not isinstance(q, int | np.integer) or not 2 <= q <= 127:
            raise ValueError(f"Potts: q = {q} states; it must be a whole number from 2 to 127.")
        self.n_states = int(q)
        self.graph, couplings = read_couplings(J, graph, family="Potts", name="J")
        field = as_parameter(h, "Potts: h")
        event_ndim = len(self.graph.shape)
        everywhere = (*self.graph.shape, self.n_states)
        fits = field.ndim in (0, 1) or field.ndim > event_ndim
        wanted = everywhere[-min(field.ndim, event_ndim + 1) :] if field.ndim else ()
        trailing = field.type.shape[field.ndim - len(wanted) :]
        if not fits or any(
            got is not None and got != want for got, want in zip(trailing, wanted, strict=True)
        ):
            raise ValueError(
                f"Potts: h has shape {field.type.shape}; pass one value a state, shape "
                f"({self.n_states},), or one a vertex and state, shape {everywhere}."
            )
        super().__init__(
            {"J": couplings, "h": field},
            {"J": min(couplings.ndim, 1), "h": len(wanted)},
            event_ndim,
            self.graph.shape,
        )

    def evaluate(
        self, x: TensorVariable, *, J: TensorVariable, h: TensorVariable
    ) -> TensorVariable:
        """Return minus the agreeing pairs minus the field term."""
        event_ndim = len(self.graph.shape)
        flat = x.reshape((*x.shape[: x.ndim - event_ndim], self.graph.n_vertices))
        agree = pt.eq(flat[..., self.graph.edges[:, 0]], flat[..., self.graph.edges[:, 1]])
        if self.core_ndims["J"] == 0:
            energy = -J * agree.sum(axis=-1, dtype="float64")
        else:
            energy = -(J * agree).sum(axis=-1)
        constant = constant_value(h)
        if constant is not None and not np.any(constant):
            return energy
        axes = tuple(range(-event_ndim, 0))
        if self.core_ndims["h"] == 0:
            return energy - h * self.graph.n_vertices
        if self.core_ndims["h"] == 1:  # one row for all vertices
            h = h.reshape((*h.shape[:-1], *(1,) * event_ndim, self.n_states))
        for state in range(self.n_states):
            energy -= (h[..., state] * pt.eq(x, state)).sum(axis=axes)
        return energy

    def ising_form(self) -> Ising | None:
        """Write two states as spins: ``J / 2`` and ``(h[1] − h[0]) / 2``; None for more states."""
        if self.n_states != 2:
            return None
        J, h = self.parameters["J"], self.parameters["h"]
        if self.core_ndims["h"] == 0:
            return Ising(J / 2, graph=self.graph)
        return Ising(J / 2, (h[..., 1] - h[..., 0]) / 2, graph=self.graph)

    def pairwise_form(self) -> Pairwise:
        """Return the couplings and the fields."""
        h, event_ndim = self.parameters["h"], len(self.graph.shape)
        if self.core_ndims["h"] < event_ndim + 1:
            missing = event_ndim + 1 - self.core_ndims["h"]
            core = h.shape[h.ndim - self.core_ndims["h"] :]
            batch = h.shape[: h.ndim - self.core_ndims["h"]]
            h = h.reshape((*batch, *(1,) * missing, *core))
        q = self.n_states
        return Pairwise(self.graph, tuple(range(q)), np.eye(q), self.parameters["J"], h)
