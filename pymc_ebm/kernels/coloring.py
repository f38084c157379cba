"""Greedy graph colouring in breadth-first order."""

import numba
import numpy as np


@numba.njit(cache=True)
def greedy_coloring(indptr, indices):
    """Give each vertex the smallest colour that no coloured neighbour has, shape (n,), int32.

    Breadth-first order makes this optimal on bipartite graphs (two colours): when a vertex is
    reached, its coloured neighbours all lie on the other side.
    """
    n = indptr.size - 1
    color = np.full(n, -1, np.int32)
    taken_by = np.full(n + 1, -1, np.int64)  # taken_by[c] == v: a neighbour of v has colour c
    queue = np.empty(n, np.int64)
    for root in range(n):
        if color[root] >= 0:
            continue
        color[root] = 0
        queue[0] = root
        head, tail = 0, 1
        while head < tail:
            vertex = queue[head]
            head += 1
            for e in range(indptr[vertex], indptr[vertex + 1]):
                neighbor = indices[e]
                if color[neighbor] >= 0:
                    continue
                for f in range(indptr[neighbor], indptr[neighbor + 1]):
                    if color[indices[f]] >= 0:
                        taken_by[color[indices[f]]] = neighbor
                c = 0
                while taken_by[c] == neighbor:
                    c += 1
                color[neighbor] = c
                queue[tail] = neighbor
                tail += 1
    return color
