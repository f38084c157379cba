"""Frustration: whether some cycle of couplings cannot be satisfied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.graphs.graph import Graph


@dataclass(frozen=True)
class Frustration:
    """Signs (n,) with ``g_i g_j J_ij ≥ 0``, or a cycle whose couplings multiply to less than 0."""

    gauge: NDArray[np.int8] | None
    cycle: list[int]


def find_frustration(graph: Graph, coupling: NDArray[np.float64]) -> Frustration:
    """Find a gauge that makes couplings, () or (m,), ferromagnetic, or a cycle that forbids one."""
    signs = np.sign(np.asarray(coupling)).astype(np.int8)
    if np.all(signs >= 0):
        return Frustration(np.ones(graph.n_vertices, np.int8), [])
    indptr, indices, edge_numbers = graph.neighbors
    per_entry = np.broadcast_to(signs, (graph.n_edges,))[edge_numbers]
    gauge, parent, a, b = kernels.gauge.spread_signs(
        indptr, indices, np.ascontiguousarray(per_entry)
    )
    if a < 0:
        return Frustration(gauge, [])
    return Frustration(None, _cycle(parent, int(a), int(b)))


def _cycle(parent: NDArray[np.int64], a: int, b: int) -> list[int]:
    """Join the paths of two vertices at their last common ancestor."""
    up_a, up_b = _path_to_root(parent, a), _path_to_root(parent, b)
    while len(up_a) > 1 and len(up_b) > 1 and up_a[-2] == up_b[-2]:
        up_a.pop()
        up_b.pop()
    return up_a + up_b[-2::-1]


def _path_to_root(parent: NDArray[np.int64], vertex: int) -> list[int]:
    path = [vertex]
    while parent[vertex] != vertex:
        vertex = int(parent[vertex])
        path.append(vertex)
    return path
