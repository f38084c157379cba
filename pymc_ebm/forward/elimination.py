"""Exact draws on graphs of low tree-width: variables summed out, then drawn in reverse."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.elimination_order import plan_elimination

MOST_ENTRIES = 2**21  # of all tables: a tenth of a second
PLANNED_EDGES = 5000  # finding an order takes longer than a second beyond


def has_low_tree_width(graph: Graph, q: int, most_entries: int = MOST_ENTRIES) -> bool:
    """Tell whether `draw_by_elimination` reaches a graph.

    `graph`: the graph; `q`: number of states; `most_entries`: entries that all tables together may
    have.
    """
    if graph.n_edges >= max(PLANNED_EDGES, graph.n_vertices):
        return False
    plan = plan_elimination(graph)
    return plan is not None and plan.entries(q) * q <= most_entries


def draw_by_elimination(
    graph: Graph,
    coupling: NDArray[np.float64],
    interaction: NDArray[np.float64],
    field: NDArray[np.float64],
    rng: np.random.Generator,
    count: int,
) -> NDArray[np.int8]:
    """Draw state numbers of a pairwise model, independently and exactly.

    `graph`: of low tree-width: chains, trees, strips; `coupling` (m,): ``βJ``; `interaction` (q, q)
    or (m, q, q): what couples a pair of states; `field` (n, q): log-weights; `rng`: source of
    randomness; `count`: number of draws. Returns (count, n).
    """
    plan, q = plan_elimination(graph), field.shape[1]
    assert plan is not None
    table_ptr = plan.table_ptr(q)
    odds = np.empty((q - 1, table_ptr[-1]))
    tables = np.broadcast_to(interaction, (graph.n_edges, q, q))
    kernels.elimination.collect_tables(
        np.ascontiguousarray(np.broadcast_to(coupling, graph.n_edges)[:, None, None] * tables),
        np.ascontiguousarray(field, np.float64),
        plan.order,
        plan.scope_ptr,
        plan.scope,
        plan.edge_of,
        plan.position,
        plan.parent,
        table_ptr,
        odds,
    )
    state = kernels.xoshiro.seed_state(rng)
    return kernels.elimination.draw(
        odds, q, count, plan.order, plan.scope_ptr, plan.scope, table_ptr, state
    )
