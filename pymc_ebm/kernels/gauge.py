"""Whether couplings are frustrated: signs carried along a spanning forest."""

import numba
import numpy as np


@numba.njit(cache=True)
def spread_signs(indptr, indices, signs):
    """Choose signs g with ``g_i g_j sign_ij = 1`` on every edge of a spanning forest.

    `signs` (2 m,) belong to the adjacency; 0 is no edge. Returns the gauge (n,), the parents of the
    forest (n,), roots being their own, and the ends of the first edge that no gauge satisfies, -1
    if all are satisfied.
    """
    n = indptr.size - 1
    gauge = np.zeros(n, np.int8)
    parent = np.arange(n)
    queue = np.empty(n, np.int64)
    for root in range(n):
        if gauge[root]:
            continue
        gauge[root] = 1
        queue[0] = root
        head, tail = 0, 1
        while head < tail:
            i = queue[head]
            head += 1
            for e in range(indptr[i], indptr[i + 1]):
                if signs[e] == 0:
                    continue
                j = indices[e]
                if gauge[j] == 0:
                    gauge[j] = gauge[i] * signs[e]
                    parent[j] = i
                    queue[tail] = j
                    tail += 1
                elif gauge[j] != gauge[i] * signs[e]:
                    return gauge, parent, i, np.int64(j)
    return gauge, parent, np.int64(-1), np.int64(-1)
