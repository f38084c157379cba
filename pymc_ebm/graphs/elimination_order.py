"""In which order to sum out the variables of a sparse graph, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.graphs import Graph

GREEDY_EDGES = 20_000  # beyond, opt_einsum's search takes many seconds
MOST_COST = 2.0**44  # of tables; a wider graph is not worth following to the end
RESTARTS = 16  # of the randomised search, for graphs of up to this many edges:
RESTARTED_EDGES = 400


@dataclass(frozen=True, eq=False)
class Plan:
    """An order of elimination and the tables it makes; see `pymc_ebm.kernels.elimination`.

    `order` (n,): variables in the order of elimination; `scope_ptr` (n + 1,): where each scope
    starts in the flat arrays; `scope`, `edge_of`, `position`: variables of the scopes, their edges
    to the eliminated variable, their places in the parent's clique; `parent` (n,): the step that
    consumes each table.
    """

    order: NDArray[np.int64]
    scope_ptr: NDArray[np.int64]
    scope: NDArray[np.int64]
    edge_of: NDArray[np.int64]
    position: NDArray[np.int64]
    parent: NDArray[np.int64]

    @property
    def width(self) -> int:
        """Variables in the largest scope: an upper bound of the graph's tree-width."""
        return int(np.diff(self.scope_ptr).max(initial=0))

    def entries(self, q: int) -> float:
        """Return the number of entries of all tables together.

        `q`: states of a variable.
        """
        return float(np.sum(float(q) ** np.diff(self.scope_ptr)))

    def table_ptr(self, q: int) -> NDArray[np.int64]:
        """Return where each table starts, shape (n + 1,).

        `q`: states of a variable.
        """
        sizes = np.int64(q) ** np.diff(self.scope_ptr)
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


@lru_cache(maxsize=32)
def plan_elimination(graph: Graph) -> Plan | None:
    """Find the cheapest of several orders; None if all have tables of more than 2^44 entries.

    Tried are contraction orders of opt_einsum (greedy, and randomised greedy on small graphs), the
    reverse Cuthill-McKee order, and sweeps along each axis of a configuration.

    `graph`: the graph.
    """
    best: tuple[float, list[int], list[list[int]]] | None = None
    for order in _candidates(graph):
        scopes = _scopes(graph, order, best[0] if best else MOST_COST)
        if scopes is None:
            continue
        cost = sum(2.0 ** len(scope) for scope in scopes)
        if best is None or cost < best[0]:
            best = cost, order, scopes
    if best is None:
        return None
    return _assemble(graph, best[1], best[2])


def _candidates(graph: Graph) -> list[list[int]]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    n, (i, j) = graph.n_vertices, graph.edges.T
    adjacency = coo_array((np.ones(graph.n_edges), (i, j)), shape=(n, n)).tocsr()
    swept = reverse_cuthill_mckee((adjacency + adjacency.T).tocsr(), symmetric_mode=True)
    orders = [[int(v) for v in swept]]
    number = np.arange(n).reshape(graph.shape)
    for axis in range(number.ndim):  # along one axis of a lattice after the other
        orders.append([int(v) for v in np.moveaxis(number, axis, 0).ravel()])
    if 2 < graph.n_edges <= GREEDY_EDGES:
        orders.append(_contraction_order(graph, 1))
        if graph.n_edges <= RESTARTED_EDGES:
            orders.append(_contraction_order(graph, RESTARTS))
    return orders


def _contraction_order(graph: Graph, restarts: int) -> list[int]:
    """Order variables as they disappear from a contraction that opt_einsum found."""
    from opt_einsum.path_random import RandomGreedy
    from opt_einsum.paths import greedy

    names = [chr(0x4E00 + v) if v < 0x5000 else chr(0x10000 + v) for v in range(graph.n_vertices)]
    inputs = [frozenset((names[i], names[j])) for i, j in graph.edges]
    sizes = dict.fromkeys(names, 2)
    if restarts == 1:
        path = greedy(inputs, frozenset(), sizes)
    else:
        path = RandomGreedy(max_repeats=restarts, parallel=False)(inputs, frozenset(), sizes)
    number = {name: v for v, name in enumerate(names)}
    live = [set(term) for term in inputs]
    uses = dict.fromkeys(names, 0)
    for term in live:
        for name in term:
            uses[name] += 1
    order: list[int] = []
    for step in path:
        terms = [live.pop(k) for k in sorted(step, reverse=True)]
        union = set().union(*terms)
        for name in sorted(union):
            uses[name] -= sum(name in term for term in terms)
            if uses[name] == 0:
                order.append(number[name])
                union.discard(name)
            else:
                uses[name] += 1
        live.append(union)
    met = set(order)
    return order + [v for v in range(graph.n_vertices) if v not in met]


def _scopes(graph: Graph, order: list[int], limit: float) -> list[list[int]] | None:
    """Eliminate symbolically; None once the tables cost more than the limit."""
    neighbors: list[set[int]] = [set() for _ in range(graph.n_vertices)]
    for i, j in graph.edges.tolist():
        neighbors[i].add(j)
        neighbors[j].add(i)
    rank = {v: t for t, v in enumerate(order)}
    scopes, cost = [], 0.0
    for v in order:
        scope = neighbors[v]
        cost += 2.0 ** len(scope)
        if cost > limit:
            return None
        for u in scope:
            neighbors[u] |= scope
            neighbors[u] -= {u, v}
        scopes.append(sorted(scope, key=rank.__getitem__))
    return scopes


def _assemble(graph: Graph, order: list[int], scopes: list[list[int]]) -> Plan:
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    edge = {(i, j): k for k, (i, j) in enumerate(graph.edges.tolist())}
    parent = np.array([rank[scope[0]] if scope else -1 for scope in scopes], np.int64)
    edge_of, position = [], []
    for v, scope, up in zip(order, scopes, parent, strict=True):
        place = {order[up]: -1, **{u: k for k, u in enumerate(scopes[up])}}
        edge_of += [edge.get((min(u, v), max(u, v)), -1) for u in scope]
        position += [place[u] for u in scope]
    return Plan(
        np.array(order, np.int64),
        np.concatenate([[0], np.cumsum([len(scope) for scope in scopes])]).astype(np.int64),
        np.array([u for scope in scopes for u in scope], np.int64),
        np.array(edge_of, np.int64),
        np.array(position, np.int64),
        parent,
    )
