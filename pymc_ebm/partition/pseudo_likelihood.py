"""The pseudo-likelihood: every entry given all others, which needs no log Z."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.graphs import Graph
from pymc_ebm.moves.heat_bath import padded_rows

DENSE_SPINS = 64  # a product with a matrix of couplings beats gathering neighbours


def pseudo_log_likelihood(
    energy: Energy, beta: TensorVariable, x: TensorVariable
) -> TensorVariable:
    r"""Return ``Σ_i log p(x_i | x_{−i})``, shape ``(..., *event) → (...)``.

    Parameters
    ----------
    energy : Energy
        A pairwise discrete energy.
    beta : TensorVariable, shape ()
        Inverse temperature.
    x : TensorVariable, shape (..., *event)
        Configurations in the support.

    Raises
    ------
    ValueError
        If the energy is not pairwise.

    Notes
    -----
    For spins ``log p(s_i | s_{−i}) = −log(1 + exp(−2 β s_i (h_i + Σ_j J_ij s_j)))``. Its maximum is
    consistent, but it counts each pair from both ends, so as a likelihood it is too sure.

    References
    ----------
    Besag, J. (1975). Statistical analysis of non-lattice data. The Statistician 24, 179-195.
    """
    form = Coded.of(energy)
    if form is None:
        raise ValueError(
            f"log_partition='pseudo' is written for pairwise energies, and {type(energy).__name__} "
            "is none."
        )
    graph = form.graph
    batch_ndim = x.ndim - len(graph.shape)
    flat = x.reshape((*x.shape[:batch_ndim], graph.n_vertices))
    if form.interaction is None:
        spins = (2 * flat - 1 if energy.states == (0, 1) else flat).astype("float64")
        own = pt.broadcast_to(form.field, graph.shape).reshape((graph.n_vertices,))
        force = own + _neighbor_sum(spins, form.J, graph)
        return -pt.softplus(-2 * beta * spins * force).sum(axis=-1)
    assert energy.states is not None
    q, number = len(energy.states), flat.astype("int64") - energy.states[0]
    table = pt.broadcast_to(form.field, (*graph.shape, q)).reshape((graph.n_vertices, q))
    logits = [
        beta
        * (table[:, a] + _neighbor_sum(pt.as_tensor(form.interaction[a])[number], form.J, graph))
        for a in range(q)
    ]
    chosen = sum(pt.eq(number, a) * logit for a, logit in enumerate(logits))
    return (chosen - pt.logsumexp(pt.stack(logits), axis=0)).sum(axis=-1)


def _neighbor_sum(values: TensorVariable, J: TensorVariable, graph: Graph) -> TensorVariable:
    """Return ``Σ_j J_ij v_j`` of every vertex, shape (..., n)."""
    n = graph.n_vertices
    if graph.n_edges == 0:
        return pt.zeros_like(values)
    if J.ndim and n <= DENSE_SPINS:
        i, j = graph.edges.T
        J = pt.broadcast_to(J.reshape((-1,)), (graph.n_edges,))
        matrix = pt.zeros((n, n))[i, j].set(J)[j, i].set(J)
        return values @ matrix
    indices, edge_numbers = graph.neighbors[1:]
    neighbor = padded_rows(graph, indices, 0, np.int64)
    present = padded_rows(graph, np.ones(indices.size), 0, np.float64)
    around = values[..., neighbor] * present
    if J.ndim == 0:
        return J * around.sum(axis=-1)
    J = pt.broadcast_to(J.reshape((-1,)), (graph.n_edges,))
    return (J[padded_rows(graph, edge_numbers, 0, np.int64)] * around).sum(axis=-1)
