"""Summing out hidden vertices of a pairwise model as a graph, given all that is visible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.elimination_order import plan_elimination


class HiddenVertices:
    """Which vertices of a graph are hidden, and which edges join what.

    `visible`, `hidden` list vertices; `within` the edges between visible ones, `among` those
    between hidden ones, both as numbers in ``graph.edges``; `across` (edges, 3) those that join the
    two: number, place of the visible end in `visible`, of the hidden end in `hidden`. `forward`
    says whether the visible end is an edge's first vertex.
    """

    def __init__(self, graph: Graph, hidden: Any, family: str) -> None:
        n = graph.n_vertices
        listed = np.atleast_1d(np.asarray(hidden))
        wrong = listed.dtype.kind not in "iu" or listed.ndim != 1
        if wrong or np.any((listed < 0) | (listed >= n)) or len(set(listed.tolist())) < len(listed):
            raise ValueError(
                f"{family}: hidden={hidden} must list different vertices, 0 to {n - 1}."
            )
        if len(listed) >= n:
            raise ValueError(f"{family}: all {n} vertices are hidden; none is left to observe.")
        self.hidden: NDArray[np.int64] = np.sort(listed).astype(np.int64)
        self.visible = np.setdiff1d(np.arange(n), self.hidden)
        is_hidden, place = np.zeros(n, bool), np.empty(n, np.int64)
        is_hidden[self.hidden] = True
        place[self.hidden] = np.arange(self.hidden.size)
        place[self.visible] = np.arange(self.visible.size)
        ends = is_hidden[graph.edges]
        count = ends.sum(axis=1)
        self.within, self.among = np.flatnonzero(count == 0), np.flatnonzero(count == 2)
        mixed = np.flatnonzero(count == 1)
        self.forward = ~ends[mixed, 0]
        first, second = graph.edges[mixed].T
        seen = np.where(self.forward, first, second)
        unseen = np.where(self.forward, second, first)
        self.across = np.column_stack([mixed, place[seen], place[unseen]])
        self.visible_graph = Graph(place[graph.edges[self.within]], (self.visible.size,))
        self.hidden_graph = Graph(place[graph.edges[self.among]], (self.hidden.size,))

    def messages(self, numbers: TensorVariable, tables: TensorVariable) -> TensorVariable:
        """Return what visible states (..., nv) say to hidden ones, shape (..., nh, q).

        `tables` (m, q, q) are log-potentials of all edges.
        """
        q, nv, nh = int(tables.type.shape[-1]), self.visible.size, self.hidden.size
        edge, seen, unseen = self.across.T
        facing = pt.switch(
            pt.constant(self.forward[:, None, None]), tables[edge], tables[edge].swapaxes(-1, -2)
        )
        weights = pt.zeros((nv, nh, q, q))[seen, unseen].inc(facing)
        matrix = weights.transpose(0, 2, 1, 3).reshape((nv * q, nh * q))
        one_hot = pt.eq(numbers[..., None], pt.constant(np.arange(q))).astype(tables.dtype)
        flat = one_hot.reshape((*tuple(numbers.shape[:-1]), nv * q))
        return (flat @ matrix).reshape((*tuple(numbers.shape[:-1]), nh, q))


def log_sum(fields: TensorVariable, tables: TensorVariable, graph: Graph) -> TensorVariable:
    """Return ``log Σ_h exp(Σ_j fields_j[h_j] + Σ_e tables_e[h_i, h_j])``, shape (...).

    `fields` (..., n, q); `tables` (m, q, q) in the order of the graph's edges.
    """
    if graph.n_edges == 0:
        return pt.logsumexp(fields, axis=-1).sum(axis=-1)
    plan = plan_elimination(graph)
    if plan is None:
        raise ValueError(
            "MarkovRandomField: the hidden vertices have no order of elimination with tables of "
            "fewer than 2^44 entries; hide fewer of them, or join them by fewer edges."
        )
    factors: list[tuple[tuple[int, ...], TensorVariable]] = [
        ((j,), fields[..., j, :]) for j in range(graph.n_vertices)
    ]
    for e, (i, j) in enumerate(graph.edges.tolist()):
        factors.append(((i, j), tables[e]))
    total: Any = 0.0
    for v in plan.order.tolist():
        meeting = [f for f in factors if v in f[0]]
        factors = [f for f in factors if v not in f[0]]
        scope = tuple(sorted(set().union(*(s for s, _ in meeting))))
        joined: Any = 0.0
        for own, value in meeting:
            absent = [k - len(scope) for k, u in enumerate(scope) if u not in own]
            joined = joined + (pt.expand_dims(value, tuple(absent)) if absent else value)
        axis = scope.index(v) - len(scope)
        message = pt.logsumexp(joined, axis=axis)
        rest = tuple(u for u in scope if u != v)
        if rest:
            factors.append((rest, message))
        else:
            total = total + message
    return total
