"""Walks of associative memories downhill, entry by entry.

States (C, N) are spins, 0 where a cue has a gap; an entry moves to the sign of its field where
`free` (C, N) says so, and an entry at a gap without any field takes the sign in `ties` (C, N).
"""

import numba
import numpy as np


@numba.njit(inline="always")
def _best(field, old, tie):
    """Return the spin that a field asks for."""
    if field > 0.0:
        return 1.0
    if field < 0.0:
        return -1.0
    return tie if old == 0.0 else old


@numba.njit(cache=True, fastmath=True)
def descend_columns(states, columns, bias, order, free, ties):
    """Sweep once: ``W = (1/N) η ηᵀ`` without its diagonal, columns η of shape (N, M)."""
    count, n = states.shape
    m = columns.shape[1]
    overlaps = np.empty(m)
    for c in range(count):
        overlaps[:] = 0.0
        for i in range(n):
            s = states[c, i]
            if s != 0.0:
                for k in range(m):
                    overlaps[k] += s * columns[i, k]
        for i in order:
            if not free[c, i]:
                continue
            heard, own = 0.0, 0.0
            for k in range(m):
                heard += columns[i, k] * overlaps[k]
                own += columns[i, k] * columns[i, k]
            old = states[c, i]
            new = _best((heard - own * old) / n + bias[i], old, ties[c, i])
            if new != old:
                states[c, i] = new
                for k in range(m):
                    overlaps[k] += (new - old) * columns[i, k]


@numba.njit(cache=True)
def descend_weights(states, weights, fields, order, free, ties):
    """Sweep once: symmetric weights (N, N) without a diagonal, fields ``W s + b`` (C, N)."""
    count, n = states.shape
    for c in range(count):
        for i in order:
            if not free[c, i]:
                continue
            old = states[c, i]
            new = _best(fields[c, i], old, ties[c, i])
            if new != old:
                states[c, i] = new
                for j in range(n):
                    fields[c, j] += (new - old) * weights[i, j]


@numba.njit(cache=True)
def descend_polynomial(states, memories, power, rectified, order, free, ties):
    """Sweep once: ``−Σ_μ F(ξ^μ·s)``, F a power, memories ξ of shape (N, M)."""
    count, n = states.shape
    m = memories.shape[1]
    overlaps = np.empty(m)
    scale = 1.0 if power * np.log(float(n)) < 36.0 else float(n)  # whole numbers, while exact
    for c in range(count):
        overlaps[:] = 0.0
        for i in range(n):
            for k in range(m):
                overlaps[k] += states[c, i] * memories[i, k]
        for i in order:
            if not free[c, i]:
                continue
            old, gain = states[c, i], 0.0
            for k in range(m):
                rest = overlaps[k] - old * memories[i, k]
                up, down = (rest + memories[i, k]) / scale, (rest - memories[i, k]) / scale
                if rectified:
                    up, down = max(up, 0.0), max(down, 0.0)
                gain += up**power - down**power
            new = _best(gain, old, ties[c, i])
            if new != old:
                states[c, i] = new
                for k in range(m):
                    overlaps[k] += (new - old) * memories[i, k]


@numba.njit(cache=True)
def descend_exponential(states, memories, sharpness, order, free, ties):
    """Sweep once: ``−log Σ_μ exp(λ ξ^μ·s)``, memories ξ of shape (N, M)."""
    count, n = states.shape
    m = memories.shape[1]
    overlaps = np.empty(m)
    for c in range(count):
        overlaps[:] = 0.0
        for i in range(n):
            for k in range(m):
                overlaps[k] += states[c, i] * memories[i, k]
        for i in order:
            if not free[c, i]:
                continue
            old, best = states[c, i], -np.inf
            for k in range(m):
                rest = overlaps[k] - old * memories[i, k]
                best = max(best, rest + abs(memories[i, k]))
            gain = 0.0
            for k in range(m):
                rest = overlaps[k] - old * memories[i, k] - best
                gain += np.exp(sharpness * (rest + memories[i, k]))
                gain -= np.exp(sharpness * (rest - memories[i, k]))
            new = _best(gain, old, ties[c, i])
            if new != old:
                states[c, i] = new
                for k in range(m):
                    overlaps[k] += (new - old) * memories[i, k]
