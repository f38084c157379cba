"""The one discrete form: a graph, states, what couples a pair of them, couplings and fields."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor import config
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy, constant_value
from pymc_ebm.graphs import Graph
from pymc_ebm.states import States

Interaction = NDArray[np.float64] | TensorVariable


@dataclass(frozen=True)
class Pairwise:
    """``E(x) = −Σ_{(i,j)∈edges} J_ij K_ij(x_i, x_j) − Σ_i (h_i x_i + f_i(x_i))``.

    A family writes this form once; its energy, conditionals, samplers, Gaussian field and
    normalisers follow.

    Parameters
    ----------
    graph : Graph
        Which variables interact.
    states : States
        The q values of a variable.
    interaction : ndarray or TensorVariable, shape (q, q) or (..., m, q, q)
        K, shared by all edges or one an edge; rows are states of the edge's first vertex.
    J : TensorVariable, shape () or (..., m)
        One coupling for all edges, or one an edge.
    field : TensorVariable, shape ``(..., *shape, q)``, optional
        f; axes of length one broadcast.
    slope : TensorVariable, shape ``(..., *shape)``, optional
        h; axes of length one broadcast.
    """

    graph: Graph
    states: States
    interaction: Interaction
    J: TensorVariable
    field: TensorVariable | None = None
    slope: TensorVariable | None = None

    def __post_init__(self) -> None:
        """Take a plain tuple of values for labels, and give a field a column a state."""
        if not isinstance(self.states, States):
            object.__setattr__(self, "states", States("labels", self.states))
        if self.field is not None and self.field.type.broadcastable[-1]:
            constant, each = constant_value(self.field), np.zeros(len(self.states))
            field = self.field + each if constant is None else pt.constant(constant + each)
            object.__setattr__(self, "field", field)

    @property
    def product(self) -> bool:
        """Whether pairs interact by the product of their values."""
        values = np.asarray(self.states, float)
        return _is(self.interaction, np.outer(values, values))

    def energy(self, x: TensorVariable) -> TensorVariable:
        """Return E of configurations, shape ``(..., *shape) → (...)``."""
        event_ndim = len(self.graph.shape)
        energy = -self._pairs(x)
        axes = tuple(range(-event_ndim, 0))
        if self.slope is not None and not _is_zero(self.slope):
            energy = energy - _linear(x, self.slope, self.graph)
        if self.field is not None and not _is_zero(self.field):
            for number, state in enumerate(self.states):
                energy = energy - (self.field[..., number] * pt.eq(x, state)).sum(axis=axes)
        return energy

    def _pairs(self, x: TensorVariable) -> TensorVariable:
        """Return ``Σ_edges J_ij K_ij(x_i, x_j)``."""
        graph = self.graph
        flat = x.reshape((*x.shape[: x.ndim - len(graph.shape)], graph.n_vertices))
        # as constants: PyTensor looks through an array index entry by entry
        ends = [pt.constant(end) for end in graph.edges.T]
        if self.product:
            a, b = (flat[..., end] for end in ends)
            terms = a * b
        elif _is(self.interaction, np.eye(len(self.states))):
            a, b = (flat[..., end] for end in ends)
            terms = pt.eq(a, b)
        else:
            first, second = (self.states.numbers(flat)[..., end] for end in ends)
            table = pt.as_tensor(self.interaction)
            if table.ndim == 2:
                terms = table[first, second]
            elif table.ndim == 3:
                terms = table[np.arange(graph.n_edges), first, second]
            else:  # tables that differ from row to row
                states = np.arange(len(self.states))
                rows = pt.eq(first[..., None, None], states[:, None])
                columns = pt.eq(second[..., None, None], states)
                terms = (table * (rows & columns)).sum(axis=(-2, -1))
        if self.J.ndim == 0 or (self.J.ndim > 0 and self.J.type.broadcastable[-1]):
            J = self.J if self.J.ndim == 0 else self.J[..., 0]
            return J * terms.sum(axis=-1, dtype=config.floatX)
        if self.J.ndim == 1 and self.J.type.shape[-1] != 1:
            return terms.astype(self.J.dtype) @ self.J
        return (self.J * terms).sum(axis=-1)

    def scale(self, factor: TensorVariable) -> Pairwise:
        """Multiply the energy by a scalar."""
        scaled = {
            name: None if value is None else factor * value
            for name, value in (("J", self.J), ("field", self.field), ("slope", self.slope))
        }
        return replace(self, **scaled)  # type: ignore[arg-type]

    def merge(self, other: Pairwise) -> Pairwise:
        """Add another energy over the same variables, on any graph of the same shape."""
        first, second = self, other
        both: Any = (first.interaction, second.interaction)
        shared = all(isinstance(K, np.ndarray) and K.ndim == 2 for K in both)
        if shared and np.array_equal(*both):
            graph, J = _on_union(first, second, lambda form: form.J, ())
            interaction: Interaction = first.interaction
        else:
            graph, interaction = _on_union(first, second, Pairwise.tables, (len(self.states),) * 2)
            J = pt.ones(())
        return Pairwise(
            graph,
            self.states,
            interaction,
            J,
            _add(first.field, second.field),
            _add(first.slope, second.slope),
        )

    def tables(self) -> TensorVariable:
        """Return ``J_ij K_ij`` of every edge, shape (..., m, q, q)."""
        table = pt.as_tensor(self.interaction)
        J = self.J if self.J.ndim else pt.shape_padright(self.J)
        m, q = self.graph.n_edges, len(self.states)
        product = pt.shape_padright(J, 2) * table
        return pt.broadcast_to(product, (*product.shape[:-3], m, q, q))


class PairwiseEnergy(Energy):
    """A discrete energy that is a sum over the edges and the vertices of a graph.

    A family sets `graph` and its states in ``__init__`` and writes `pairwise_form`.

    Attributes
    ----------
    graph : Graph
        Which variables interact.
    """

    graph: Graph

    def __init__(
        self, graph: Graph, parameters: Mapping[str, Any], core_ndims: Mapping[str, int]
    ) -> None:
        self.graph = graph
        super().__init__(parameters, core_ndims, len(graph.shape), graph.shape)

    def settings(self) -> dict[str, Any]:
        """Return the graph, and what families add."""
        return {"graph": self.graph}

    @abstractmethod
    def pairwise_form(self) -> Pairwise | None:
        """Write couplings and fields."""

    def evaluate(self, x: TensorVariable, **parameters: TensorVariable) -> TensorVariable:
        """Return minus the coupled pairs minus the fields."""
        form = self.replace(**parameters).pairwise_form()
        assert form is not None
        return form.energy(x)

    def everywhere(self, name: str, core_axes: int = 0) -> TensorVariable:
        """Return a parameter with axes for the vertices, also where one value serves all."""
        value = self.parameters[name]
        have, want = self.core_ndims[name], self.event_ndim + core_axes
        batch = value.ndim - have
        constant = constant_value(value)
        if constant is not None:  # stay one: a field of zeros costs nothing
            shape = constant.shape
            return pt.constant(
                constant.reshape((*shape[:batch], *[1] * (want - have), *shape[batch:]))
            )
        axes = [*range(batch), *"x" * (want - have), *range(batch, value.ndim)]
        return value if have == want else value.dimshuffle(axes)


def field_core_ndim(field: TensorVariable, graph: Graph) -> int:
    """Return how many axes of a field belong to one event: all vertices', or none."""
    return len(graph.shape) if field.ndim else 0


def per_edge(couplings: TensorVariable) -> int:
    """Return how many axes of couplings belong to one event."""
    return min(couplings.ndim, 1)


def _linear(x: TensorVariable, slope: TensorVariable, graph: Graph) -> TensorVariable:
    """Return ``Σ_i h_i x_i`` over the last ``len(graph.shape)`` axes."""
    event_ndim = len(graph.shape)
    axes = tuple(range(-event_ndim, 0))
    if all(slope.type.broadcastable[slope.ndim - event_ndim :]):
        return slope.squeeze(axes) * x.sum(axis=axes)
    if slope.ndim == event_ndim and slope.type.shape == graph.shape:
        flat = x.reshape((*x.shape[: x.ndim - event_ndim], graph.n_vertices))
        return flat.astype(slope.dtype) @ slope.reshape((graph.n_vertices,))
    return (slope * x).sum(axis=axes)


def _on_union(first: Pairwise, second: Pairwise, read: Any, tail: tuple[int, ...]) -> tuple:
    """Add up what is read of each edge on two graphs over the same vertices."""
    n = first.graph.n_vertices
    keys = [form.graph.edges @ np.array([n, 1]) for form in (first, second)]
    union = np.unique(np.concatenate(keys))
    graph = Graph(np.column_stack(np.divmod(union, n)), first.graph.shape)
    total: Any = 0.0
    for form, key in zip((first, second), keys, strict=True):
        value = read(form)
        edges = len(tail) + 1
        if value.ndim < edges:
            value = pt.broadcast_to(value, (form.graph.n_edges, *tail))
        # the edges come first while they are placed
        moved = pt.moveaxis(value, value.ndim - edges, 0)
        empty = pt.zeros((len(union), *moved.shape[1:]))
        placed = empty[np.searchsorted(union, key)].inc(moved)
        total = total + pt.moveaxis(placed, 0, value.ndim - edges)
    return graph, total


def _add(first: TensorVariable | None, second: TensorVariable | None) -> TensorVariable | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second


def _is(interaction: Interaction, matrix: NDArray[np.float64]) -> bool:
    return isinstance(interaction, np.ndarray) and np.array_equal(interaction, matrix)


def _is_zero(variable: TensorVariable) -> bool:
    constant = constant_value(variable)
    return constant is not None and not np.any(constant)
