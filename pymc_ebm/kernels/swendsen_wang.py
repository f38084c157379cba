"""Swendsen–Wang updates: bonds, clusters, a new state for each cluster.

A bond is laid on an edge whose ends satisfy it with probability ``1 − exp(−w)``, ``w = 2βJ`` for
spins and ``βJ`` for Potts states (Fortuin and Kasteleyn 1972). Given the bonds, a cluster's state
has the distribution that its fields alone give it; so the field needs no bonds of its own: summing
out the ghost spin that would carry them leaves exactly this draw.

Clusters are found with a union-find forest whose roots have the smallest number of their tree, so
that one pass in the order of the vertices flattens it.
"""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import next_word, uniform

HELD_BONDS = 2048


@numba.njit(inline="always")
def join(parent, ends, others, count):
    """Hang trees below each other for `count` bonds; roots are the smallest vertices."""
    for b in range(count):
        i, j = ends[b], others[b]
        r = parent[j]
        while parent[r] != r:  # halving the path on the way
            parent[j] = parent[r]
            j = r
            r = parent[r]
        own = parent[i]
        while parent[own] != own:
            own = parent[own]
        low = min(r, own)
        parent[max(r, own)] = low
        parent[i] = low


@numba.njit(cache=True)
def lay_bonds(x, signs, parent, lower_ptr, lower, thresholds, state):
    """Draw the bonds and build the forest.

    Bonds are first listed, without a branch a bond that the processor would mispredict half of the
    time, and then joined.

    `x` (n,): spins or state numbers; `signs` (1,) or (entries,): +1 where an edge wants its ends
    equal, -1 where opposite (spins only); `parent` (n,): the forest, overwritten; ``parent[i] ≤
    i``; `lower_ptr`, `lower`: neighbours of each vertex that are smaller than itself, in
    compressed-sparse-row form; `thresholds` (2, 1) or (2, entries): the first and the next 32
    binary digits of the bond probabilities; `state` (4,): state of the generator, updated in place.
    """
    uniform_bonds = thresholds.shape[1] == 1
    threshold, digits, sign = thresholds[0, 0], thresholds[1, 0], signs[0]
    ends, others = np.empty(HELD_BONDS, np.uint32), np.empty(HELD_BONDS, np.uint32)
    held = np.uint64(0)
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for i in range(x.size):
        own = x[i] * sign
        parent[i] = i
        e, end = lower_ptr[i], lower_ptr[i + 1]
        while e < end:
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            if not uniform_bonds:
                threshold, digits = thresholds[0, e], thresholds[1, e]
                own = x[i] * signs[e]
            ends[held], others[held] = i, lower[e]
            low, high = np.uint32(word), np.uint32(word >> np.uint64(32))
            bond = low < threshold
            if low == threshold:  # the first digits do not decide
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                bond = np.uint32(word) < digits
            held += np.uint64((x[lower[e]] == own) & bond)
            e += 1
            if e < end:  # the upper half of the word serves the next edge
                if not uniform_bonds:
                    threshold, digits = thresholds[0, e], thresholds[1, e]
                    own = x[i] * signs[e]
                ends[held], others[held] = i, lower[e]
                bond = high < threshold
                if high == threshold:
                    word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                    bond = np.uint32(word) < digits
                held += np.uint64((x[lower[e]] == own) & bond)
                e += 1
            if held > HELD_BONDS - 3:
                join(parent, ends, others, held)
                held = np.uint64(0)
    join(parent, ends, others, held)
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@numba.njit(cache=True)
def flip_spin_clusters(spins, parent, flip, field, gain, state):
    """Turn each cluster over with the probability its field gives; return how many there are.

    `parent` (n,) is the forest of `lay_bonds`, flattened here; `flip` and `gain` (n,) are working
    space. `field` and `gain` are empty if there is no field.
    """
    n = spins.size
    clusters = 0
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    if field.size == 0:
        word = np.uint64(0)
        left = 0
        for i in range(n):
            p = parent[i]
            if p == i:
                if left == 0:
                    word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                    left = 64
                turn = np.int8(1) - np.int8(2) * np.int8(word & np.uint64(1))
                word >>= np.uint64(1)
                left -= 1
                clusters += 1
            else:
                p = parent[p]
                parent[i] = p
                turn = flip[p]
            flip[i] = turn
            spins[i] *= turn
    else:
        for i in range(n):
            p = parent[parent[i]]
            parent[i] = p
            if p == i:
                gain[i] = 0.0
            gain[p] += field[i] * spins[i]
        for i in range(n):
            p = parent[i]
            if p == i:
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                odds = np.exp(min(2.0 * gain[i], 700.0))
                flip[i] = np.int8(1) - np.int8(2) * np.int8(uniform(word) * (1.0 + odds) < 1.0)
                clusters += 1
            spins[i] *= flip[p]
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
    return clusters


@numba.njit(cache=True)
def draw_cluster_states(x, parent, q, field, log_weights, state):
    """Give each cluster a state with the probability its field gives; return their number.

    As `flip_spin_clusters`, for q Potts states; `log_weights` is working space of the shape of
    `field`, (n, q) or (0, q).
    """
    n = x.size
    clusters = 0
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    with_field = field.shape[0] > 0
    if with_field:
        log_weights[:] = 0.0
        for i in range(n):
            p = parent[parent[i]]
            parent[i] = p
            for a in range(q):
                log_weights[p, a] += field[i, a]
    for i in range(n):
        p = parent[i]
        if p == i:
            clusters += 1
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            if not with_field:
                x[i] = np.int64(uniform(word) * q)
                continue
            top = log_weights[i, 0]
            for a in range(1, q):
                top = max(top, log_weights[i, a])
            total = 0.0
            for a in range(q):
                total += np.exp(log_weights[i, a] - top)
                log_weights[i, a] = total
            threshold = uniform(word) * total
            chosen = 0
            while chosen < q - 1 and log_weights[i, chosen] <= threshold:
                chosen += 1
            x[i] = chosen
        else:
            if not with_field:
                p = parent[p]
                parent[i] = p
            x[i] = x[p]
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
    return clusters
