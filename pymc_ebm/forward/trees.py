"""Exact draws on trees and forests: messages to the roots, then draws away from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.graphs import Graph


def is_forest(graph: Graph) -> bool:
    """Tell whether a graph has no cycle.

    Parameters
    ----------
    graph : Graph
        The graph.
    """
    if graph.n_edges >= graph.n_vertices:
        return False
    from scipy.sparse.csgraph import connected_components  # a tenth of a second to import

    components, _ = connected_components(_adjacency(graph), directed=False)
    return graph.n_edges == graph.n_vertices - components


def draw_forest(
    graph: Graph,
    coupling: NDArray[np.float64],
    interaction: NDArray[np.float64],
    field: NDArray[np.float64],
    rng: np.random.Generator,
    count: int,
) -> NDArray[np.int8]:
    """Draw state numbers of a pairwise model on a forest, independently and exactly.

    Parameters
    ----------
    graph : Graph
        Without cycles.
    coupling : ndarray, shape (m,)
        ``βJ``.
    interaction : ndarray, shape (q, q)
        What couples a pair of states.
    field : ndarray, shape (n, q)
        Log-weights.
    rng : numpy.random.Generator
        Source of randomness.
    count : int
        Number of draws.

    Returns
    -------
    ndarray of int8, shape (count, n)
    """
    from scipy.special import logsumexp

    n, q = field.shape
    order, parent = _ancestral_order(graph)
    strength = np.zeros(n)
    i, j = graph.edges.T
    down = parent[j] == i  # the edge joins j to its parent i
    strength[np.where(down, j, i)] = coupling
    log_weight = field.astype(float).copy()
    to_child = np.empty((n, q, q))  # log P(child | parent), unnormalised
    for v in order[::-1]:
        if parent[v] >= 0:
            to_child[v] = strength[v] * interaction + log_weight[v]
            log_weight[parent[v]] += logsumexp(to_child[v], axis=1)
    x = np.empty((count, n), np.int8)
    for v in order:
        logits = log_weight[v] if parent[v] < 0 else to_child[v][x[:, parent[v]]]
        gumbel = rng.gumbel(size=(count, q))
        x[:, v] = np.argmax(logits + gumbel, axis=1)
    return x


def _adjacency(graph: Graph) -> Any:
    from scipy.sparse import coo_array

    i, j = graph.edges.T
    return coo_array((np.ones(graph.n_edges), (i, j)), shape=(graph.n_vertices,) * 2).tocsr()


def _ancestral_order(graph: Graph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the vertices with parents first, and each vertex's parent, -1 for roots."""
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    adjacency = _adjacency(graph)
    _, label = connected_components(adjacency, directed=False)
    _, roots = np.unique(label, return_index=True)
    parent = np.full(graph.n_vertices, -1, np.int64)
    order = []
    for root in roots:
        found, before = breadth_first_order(adjacency, root, directed=False)
        order.append(found)
        parent[found[1:]] = before[found[1:]]
    return np.concatenate(order).astype(np.int64), parent
