"""Conditional log-weights of every entry, and descent to a local minimum.

Variables are coded as state numbers 0 … q-1; energies are in units where β = 1.
"""

import numba
import numpy as np


@numba.njit(cache=True)
def log_weights(x, sites, indptr, indices, weights, interaction, field, out):
    """Fill ``out[m, k, a] = field[i, a] + Σ_j w_ij K[a, x_mj]``, i being ``sites[k]``.

    Configurations `x` (M, n); adjacency with `weights` (2 m,); K (q, q); `field` (n, q).
    """
    q = field.shape[1]
    for m in range(x.shape[0]):
        for k in range(sites.size):
            i = sites[k]
            for a in range(q):
                out[m, k, a] = field[i, a]
            for e in range(indptr[i], indptr[i + 1]):
                other = x[m, indices[e]]
                for a in range(q):
                    out[m, k, a] += weights[e] * interaction[a, other]


@numba.njit(cache=True)
def normalise(weights):
    """Subtract from each row of log-weights (rows, q) the log of its sum, in place."""
    q = weights.shape[1]
    for row in range(weights.shape[0]):
        largest = weights[row, 0]
        for a in range(1, q):
            largest = max(largest, weights[row, a])
        total = 0.0
        for a in range(q):
            total += np.exp(weights[row, a] - largest)
        shift = largest + np.log(total)
        for a in range(q):
            weights[row, a] -= shift


@numba.njit(cache=True)
def descend(x, indptr, indices, weights, interaction, field, most_sweeps):
    """Set each entry of x (M, n) to its likeliest state in turn, until none changes.

    Ties keep the present state, so the descent ends; other arguments as for `log_weights`.
    """
    n, q = field.shape
    local = np.empty(q)
    for m in range(x.shape[0]):
        for _ in range(most_sweeps):
            changed = False
            for i in range(n):
                for a in range(q):
                    local[a] = field[i, a]
                for e in range(indptr[i], indptr[i + 1]):
                    other = x[m, indices[e]]
                    for a in range(q):
                        local[a] += weights[e] * interaction[a, other]
                best = x[m, i]
                for a in range(q):
                    if local[a] > local[best] + 1e-12:
                        best = a
                if best != x[m, i]:
                    x[m, i] = best
                    changed = True
            if not changed:
                break
