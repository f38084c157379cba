"""The pseudo-likelihood: every entry given all others, which needs no log Z."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor import config
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.graphs import Graph
from pymc_ebm.moves.heat_bath import padded_rows

DENSE_SPINS = 64  # a product with a matrix of couplings beats gathering neighbours


def pseudo_log_likelihood(
    energy: Energy, beta: TensorVariable, x: TensorVariable
) -> TensorVariable:
    """Return ``Σ_i log p(x_i | x_{−i})``, shape ``(..., *event) → (...)``."""
    return site_log_probabilities(energy, beta, x).sum(axis=-1)


def site_log_probabilities(
    energy: Energy, beta: TensorVariable, x: TensorVariable
) -> TensorVariable:
    r"""Return ``log p(x_i | x_{−i})`` of every entry, shape ``(..., *event) → (..., n)``.

    `energy`: A discrete energy. One that is not pairwise is evaluated at every value of every
    entry; `beta` () or (rows,): inverse temperature; `x` (..., *event): configurations in the
    support.

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
        return _by_evaluation(energy, beta, x)
    graph, states = form.graph, form.states
    flat = x.reshape((*x.shape[: x.ndim - len(graph.shape)], graph.n_vertices))
    if form.is_spin:
        spins = states.spins(flat).astype(config.floatX)
        force = _over_vertices(form.field, graph) + _neighbor_sum(spins, form.J, graph)
        aligned = pt.shape_padright(beta) if beta.ndim else beta
        return -pt.softplus(-2 * aligned * spins * force)
    number, q = states.numbers(flat), len(states)
    table = _over_vertices(form.field, graph, q)
    if form.has_tables or not _is_symmetric(form.interaction):
        pulls = _table_sum(pt.eq(pt.shape_padright(number), np.arange(q)), form, graph)
    else:
        said = [pt.as_tensor(form.interaction[a])[number] for a in range(q)]  # type: ignore[index]
        pulls = pt.stack([_neighbor_sum(values, form.J, graph) for values in said], axis=-1)
    logits = (pt.shape_padright(beta, 2) if beta.ndim else beta) * (table + pulls)
    absent = states.absent()
    if absent is not None:
        logits = logits + absent.reshape((graph.n_vertices, q))
    chosen = pt.switch(pt.eq(pt.shape_padright(number), np.arange(q)), logits, 0.0).sum(axis=-1)
    return chosen - pt.logsumexp(logits, axis=-1)


def _by_evaluation(energy: Energy, beta: TensorVariable, x: TensorVariable) -> TensorVariable:
    """Evaluate the energy at every value of every entry."""
    energies, absent = energies_of_changes(energy, x)
    logits = -beta * energies
    if absent is not None:
        logits = logits + absent
    own = -beta * energy(x)
    return pt.moveaxis(own - pt.logsumexp(logits, axis=1), 0, -1)


def energies_of_changes(
    energy: Energy, x: TensorVariable
) -> tuple[TensorVariable, NDArray[np.float64] | None]:
    """Return E with entry i set to its a-th value, shape (n, q, *batch).

    The second result is −∞ where an entry does not take a value, 0 elsewhere, shape (n, q, 1, …);
    None if all do.
    """
    states, event_ndim = energy.states, energy.event_ndim
    assert states is not None
    assert energy.event_shape is not None
    n, batch_ndim = int(np.prod(energy.event_shape)), x.ndim - event_ndim
    batch, tail = tuple(x.shape[:batch_ndim]), [1] * batch_ndim
    flat = x.reshape((*batch, n))
    here = pt.constant(np.eye(n, dtype=bool).reshape((n, 1, *tail, n)))
    value = pt.constant(states.values.reshape((1, -1, *tail, 1)))
    trials = pt.switch(here, value, flat)
    energies = energy(trials.reshape((n, len(states), *batch, *energy.event_shape)))
    absent = states.absent()
    return energies, None if absent is None else absent.reshape((n, len(states), *tail))


def _over_vertices(field: TensorVariable, graph: Graph, *tail: int) -> TensorVariable:
    """Return a field with one axis for all vertices, shape (..., n, *tail)."""
    depth = len(graph.shape) + len(tail)
    batch = tuple(field.shape[: field.ndim - depth])
    whole = pt.broadcast_to(field, (*batch, *graph.shape, *tail))
    return whole.reshape((*batch, graph.n_vertices, *tail))


def _is_symmetric(interaction: Any) -> bool:
    return np.array_equal(interaction, interaction.T)


def _table_sum(one_hot: TensorVariable, form: Coded, graph: Graph) -> TensorVariable:
    """Return ``Σ_e J_e K_e(a, x_j)`` of every vertex and state, shape (..., n, q)."""
    J = form.J if form.J.ndim else pt.shape_padright(form.J)
    interaction: Any = form.interaction
    tables = pt.shape_padright(J, 2) * pt.as_tensor(interaction)
    first, second = graph.edges.T
    total: Any = 0.0
    for ends, others, axis in ((first, second, -1), (second, first, -2)):
        states = pt.expand_dims(one_hot[..., others, :], -2 if axis == -1 else -1)
        said = (tables * states).sum(axis=axis)  # (..., m, q)
        moved = pt.moveaxis(said, -2, 0)
        placed = pt.zeros((graph.n_vertices, *moved.shape[1:]))[ends].inc(moved)
        total = total + pt.moveaxis(placed, 0, -2)
    return total


def _neighbor_sum(values: TensorVariable, J: TensorVariable, graph: Graph) -> TensorVariable:
    """Return ``Σ_j J_ij v_j`` of every vertex, shape (..., n)."""
    n = graph.n_vertices
    if graph.n_edges == 0:
        return pt.zeros_like(values)
    uniform = J.ndim == 0 or J.type.broadcastable[-1]
    if J.ndim == 1 and not uniform and n <= DENSE_SPINS:
        i, j = graph.edges.T
        matrix = pt.zeros((n, n))[i, j].set(J)[j, i].set(J)
        return values @ matrix
    indices, edge_numbers = graph.neighbors[1:]
    neighbor = padded_rows(graph, indices, 0, np.int64)
    present = padded_rows(graph, np.ones(indices.size), 0, np.float64)
    around = values[..., neighbor] * present
    if uniform:
        return J * around.sum(axis=-1)
    return (J[..., padded_rows(graph, edge_numbers, 0, np.int64)] * around).sum(axis=-1)
