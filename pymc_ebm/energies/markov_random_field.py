"""The general pairwise Markov random field: any graph, any states, a table for each edge."""

from __future__ import annotations

import copy

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.couplings import shared_by_edges
from pymc_ebm.energies.energy import as_parameter
from pymc_ebm.energies.hidden_vertices import HiddenVertices, log_sum
from pymc_ebm.energies.pairwise import Pairwise, PairwiseEnergy, per_edge
from pymc_ebm.energies.potts import read_state_field, state_field_core_ndim
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.readers.uai import read_uai
from pymc_ebm.states import MOST_STATES, States, labels


class MarkovRandomField(PairwiseEnergy):
    r"""Labels on the vertices of a graph, with a table for each edge.

    ``E(x) = −Σ_{(i,j)∈edges} J_ij T_ij[x_i, x_j] − Σ_i f_i[x_i]``, each edge once, i < j. Vertex i
    takes the states 0, …, q_i − 1. Ising, Potts, clock and ordinal models, DCA with q × q
    couplings, hidden Markov models and conditional random fields are special cases.

    Parameters
    ----------
    tables : tensor_like, shape (q, q) or (..., m, q, q), or a sequence of arrays
        Log-potentials: one table for all edges, or one an edge in the order of ``graph.edges``,
        rows being states of the edge's smaller vertex. A sequence may hold arrays of the shapes
        (q_i, q_j).
    fields : tensor_like, shape (), (q,) or ``(..., *graph.shape, q)``, or a sequence of arrays
        Log-potentials of single vertices. A sequence may hold arrays of the lengths q_i.
    n_states : int or array_like of int, optional
        The number of states, or one a vertex; by default what tables and fields say. Entries of
        tables and fields beyond a vertex's number are not used.
    J : tensor_like, shape () or (..., m), default 1.0
        What the tables are multiplied by.
    graph : Graph
        Which vertices are joined.
    hidden : sequence of int, optional
        Vertices that are never seen. A configuration then holds the others, in order, and E is
        ``−log Σ_h exp(−E(v, h))``: summed out exactly, in the data's term and in log Z alike.

    Raises
    ------
    ValueError
        For tables or fields that fit neither the graph nor the numbers of states.

    See Also
    --------
    Potts, Clock, Ordinal : shorthands.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> chain = ebm.Graph.from_edges([(0, 1), (1, 2)])
    >>> tables = [np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]]), np.zeros((3, 2))]
    >>> field = ebm.energies.MarkovRandomField(tables, graph=chain)  # 2, 3 and 2 states
    >>> float(field([1, 0, 1]).eval()), field.states.counts.tolist()
    (-3.0, [2, 3, 2])

    With a hidden vertex the visible ones depend on each other, though no edge joins them:

    >>> star = ebm.Graph.from_edges([(0, 2), (1, 2)])
    >>> field = ebm.energies.MarkovRandomField(2 * np.eye(2), graph=star, hidden=[2])
    >>> field([[0, 0], [0, 1]]).eval().round(3)
    array([-4.018, -2.693])
    """

    support = "categorical"

    def __init__(
        self,
        tables: Any,
        fields: Any = 0.0,
        *,
        graph: Graph,
        n_states: int | Sequence[int] | None = None,
        J: Any = 1.0,
        hidden: Sequence[int] = (),
    ) -> None:
        if not isinstance(graph, Graph):
            raise TypeError(f"MarkovRandomField: graph is a {type(graph).__name__}; pass a Graph.")
        counts = _counts(tables, fields, n_states, graph)
        q = self.n_states = int(counts.max())
        self._counts = counts
        self.hidden = HiddenVertices(graph, hidden, "MarkovRandomField") if len(hidden) else None
        table = _read_tables(tables, counts, graph)
        field = _pad_fields(fields, counts) if _is_list(fields) else fields
        if _is_list(fields):
            field = field.reshape((*graph.shape, q))
        field = read_state_field(field, graph, q, family="MarkovRandomField", name="fields")
        coupling = shared_by_edges(as_parameter(J, "MarkovRandomField: J"))
        if coupling.ndim and coupling.type.shape[-1] not in (None, 1, graph.n_edges):
            raise ValueError(
                f"MarkovRandomField: J has shape {coupling.type.shape}, and the graph has "
                f"{graph.n_edges} edges. Pass a scalar or one value an edge."
            )
        super().__init__(
            graph,
            {"tables": table, "fields": field, "J": coupling},
            {
                "tables": min(table.ndim, 3),
                "fields": state_field_core_ndim(field, graph),
                "J": per_edge(coupling),
            },
        )
        if self.hidden is not None:
            if table.ndim > 3 or coupling.ndim > 1 or field.ndim > len(graph.shape) + 1:
                raise ValueError(
                    "MarkovRandomField: hidden vertices go with one set of tables, fields and J, "
                    "not with one a row."
                )
            self.event_ndim, self.event_shape = 1, (self.hidden.visible.size,)

    @classmethod
    def from_uai(cls, path: Any) -> Self:
        """Read a Markov network in the UAI format, of functions of one or two variables.

        Parameters
        ----------
        path : path-like
            The file. A factor of zero is log-probability −∞, which an energy cannot have: such a
            file is refused.
        """
        read = read_uai(path)
        return cls(read.tables, read.fields, graph=read.graph, n_states=read.n_states)

    @property
    def states(self) -> States:
        """The labels, and how many of them each vertex takes that can be seen."""
        if self.hidden is None:
            return labels(self.n_states, self._counts.reshape(self.graph.shape))
        return labels(self.n_states, self._counts[self.hidden.visible])

    def settings(self) -> dict[str, Any]:
        """Return graph, numbers of states and hidden vertices."""
        hidden = [] if self.hidden is None else self.hidden.hidden.tolist()
        return {**super().settings(), "n_states": self._counts.tolist(), "hidden": hidden}

    def with_hidden(self) -> MarkovRandomField:
        """Return the energy over visible and hidden vertices together."""
        if self.hidden is None:
            return self
        joint = copy.copy(self)
        joint.hidden = None
        joint.event_ndim, joint.event_shape = len(self.graph.shape), self.graph.shape
        return joint

    def pairwise_form(self) -> Pairwise | None:
        """Couple states by the tables; None if vertices are summed out."""
        if self.hidden is not None:
            return None
        table: Any = self.parameters["tables"]
        constant = getattr(table, "data", None)
        if constant is not None and constant.ndim == 2:
            table = np.asarray(constant, float)
        J, field = self.parameters["J"], self.everywhere("fields", 1)
        return Pairwise(self.graph, self.states, table, J, field)

    def evaluate(self, x: TensorVariable, **parameters: TensorVariable) -> TensorVariable:
        """Return minus the coupled pairs minus the fields, hidden vertices summed out."""
        if self.hidden is None:
            return super().evaluate(x, **parameters)
        bound = self.replace(**parameters)
        tables, fields = bound._flat_form()
        hidden = self.hidden
        seen = Pairwise(
            hidden.visible_graph,
            self.states,
            tables[hidden.within],
            pt.ones(()),
            fields[hidden.visible],
        )
        said, among = bound._said(x, tables, fields), tables[hidden.among]
        return seen.energy(x) - log_sum(said, among, hidden.hidden_graph)

    def hidden_probabilities(self, x: Any) -> TensorVariable:
        """Return ``P(h_j = a | v)``, shape ``(..., nv) → (..., nh, q)``.

        Hidden vertices must not be joined to each other.
        """
        if self.hidden is None or self.hidden.hidden_graph.n_edges:
            raise ValueError(
                "MarkovRandomField.hidden_probabilities: "
                + ("no vertex is hidden." if self.hidden is None else "hidden vertices are joined.")
            )
        said = self._said(pt.as_tensor_variable(x), *self._flat_form())
        return pt.special.softmax(said, axis=-1)

    def _flat_form(self) -> tuple[TensorVariable, TensorVariable]:
        """Return log-potentials of all edges (m, q, q) and vertices (n, q)."""
        form = self.with_hidden().pairwise_form()
        assert form is not None
        assert form.field is not None
        n, q = self.graph.n_vertices, self.n_states
        fields = pt.broadcast_to(form.field, (*self.graph.shape, q)).reshape((n, q))
        return form.tables(), fields

    def _said(
        self, x: TensorVariable, tables: TensorVariable, fields: TensorVariable
    ) -> TensorVariable:
        """Return log-weights of hidden states given visible ones, shape (..., nh, q)."""
        assert self.hidden is not None
        exists = np.arange(self.n_states) < self._counts[self.hidden.hidden][:, None]
        absent = pt.constant(np.where(exists, 0.0, -np.inf))
        return self.hidden.messages(x, tables) + fields[self.hidden.hidden] + absent


def _is_list(values: Any) -> bool:
    """Tell whether a user passed a sequence of arrays of possibly different shapes."""
    return isinstance(values, list | tuple) and any(np.ndim(v) for v in values)


def _counts(tables: Any, fields: Any, n_states: Any, graph: Graph) -> NDArray[np.int64]:
    """Return the number of states of each vertex, shape (n,)."""
    n, m = graph.n_vertices, graph.n_edges
    found: NDArray[np.int64]
    if n_states is not None:
        given = np.asarray(n_states)
        if given.ndim and given.size != n:
            raise ValueError(
                f"MarkovRandomField: n_states has {given.size} entries, and the graph {n} vertices."
            )
        found = np.broadcast_to(given.reshape(-1) if given.ndim else given, (n,)).astype(np.int64)
        if np.any(found != np.broadcast_to(given.reshape(-1) if given.ndim else given, (n,))):
            raise ValueError(f"MarkovRandomField: n_states = {n_states} must be whole numbers.")
    elif _is_list(fields) and len(fields) == n:
        found = np.array([len(f) for f in fields], np.int64)
    elif _is_list(tables) and len(tables) == m:
        found = np.zeros(n, np.int64)
        for (i, j), table in zip(graph.edges.tolist(), tables, strict=True):
            found[[i, j]] = np.maximum(found[[i, j]], np.shape(table))
        if np.any(found == 0):
            i = int(np.flatnonzero(found == 0)[0])
            raise ValueError(
                f"MarkovRandomField: vertex {i} has no edge, so its number of states is not known. "
                "Pass n_states=."
            )
    else:
        known = [
            variable.type.shape[-1]
            for variable in map(pt.as_tensor_variable, (tables, fields))
            if variable.ndim
        ]
        if not known or known[0] is None:
            raise ValueError(
                "MarkovRandomField: the number of states is not known. Pass n_states=."
            )
        found = np.full(n, known[0], np.int64)
    if not 2 <= found.min(initial=2) <= found.max(initial=2) <= MOST_STATES:
        raise ValueError(
            f"MarkovRandomField: numbers of states go from {found.min()} to {found.max()}; they "
            f"must be 2 to {MOST_STATES}."
        )
    return found


def _read_tables(tables: Any, counts: NDArray[np.int64], graph: Graph) -> TensorVariable:
    """Return tables of shape (q, q) or (..., m, q, q); those of a sequence are padded."""
    q, m = int(counts.max()), graph.n_edges
    if _is_list(tables) and {np.ndim(table) for table in tables} == {2}:
        if len(tables) != m:
            raise ValueError(
                f"MarkovRandomField: {len(tables)} tables were given, and the graph has {m} edges."
            )
        padded = np.zeros((m, q, q))
        for e, (table, (i, j)) in enumerate(zip(tables, graph.edges.tolist(), strict=True)):
            want = (int(counts[i]), int(counts[j]))
            if np.shape(table) != want:
                raise ValueError(
                    f"MarkovRandomField: tables[{e}] of edge ({i}, {j}) has shape "
                    f"{np.shape(table)}; vertices {i} and {j} have {want[0]} and {want[1]} states."
                )
            padded[e, : want[0], : want[1]] = table
        tables = padded
    table = as_parameter(tables, "MarkovRandomField: tables")
    shape = table.type.shape
    if table.ndim == 0:
        table, shape = table * pt.zeros((q, q)), (q, q)
    fits = table.ndim >= 2 and all(length in (None, q) for length in shape[-2:])
    if not fits or (table.ndim > 2 and shape[-3] not in (None, 1, m)):
        raise ValueError(
            f"MarkovRandomField: tables have shape {shape}; pass one table of shape {(q, q)}, or "
            f"one an edge, shape {(m, q, q)}."
        )
    return table


def _pad_fields(fields: Any, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return fields of shape (n, q) from one array a vertex."""
    padded = np.zeros((counts.size, int(counts.max())))
    for i, field in enumerate(fields):
        if i >= counts.size or len(field) != counts[i]:
            want = counts[i] if i < counts.size else 0
            raise ValueError(
                f"MarkovRandomField: fields[{i}] has {len(field)} entries; vertex {i} has {want} "
                "states."
            )
        padded[i, : len(field)] = field
    return padded
