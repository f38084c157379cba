"""Wolff updates: grow one cluster from a random seed and move it as a whole.

Bonds as in `swendsen_wang`. A field acts through the acceptance of the move: what the cluster's
fields gain decides, as if a ghost spin held them (Wolff 1989).
"""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import next_word, uniform


@numba.njit(cache=True)
def spin_clusters(
    spins, indptr, indices, probabilities, signs, field, stack, visited, clusters, state
):
    """Grow clusters of spins one after the other.

        spins (n,): updated in place.
        indptr, indices: adjacency in compressed-sparse-row form.
        probabilities (2 m,): bond probability ``1 − exp(−2|βJ|)`` of each entry of `indices`.
        signs (2 m,): +1 where an edge wants its ends equal, -1 where opposite.
        field (n,): ``βh``.
        stack (n,): working space.
        visited (n,): working space, all False.
        clusters: how many clusters to grow.
        state (4,): state of the generator, updated in place.

    Returns sum of the clusters' sizes.
    """
    n = spins.size
    grown = 0
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(clusters):
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        seed = np.int64(uniform(word) * n)
        stack[0] = seed
        visited[seed] = True
        size, head = 1, 0
        loss = 0.0
        while head < size:
            i = stack[head]
            head += 1
            loss += 2.0 * field[i] * spins[i]
            for e in range(indptr[i], indptr[i + 1]):
                j = indices[e]
                if visited[j] or spins[j] != spins[i] * signs[e]:
                    continue
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                if uniform(word) < probabilities[e]:
                    visited[j] = True
                    stack[size] = j
                    size += 1
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        accepted = loss <= 0.0 or uniform(word) < np.exp(-loss)
        for k in range(size):
            visited[stack[k]] = False
            if accepted:
                spins[stack[k]] = -spins[stack[k]]
        grown += size
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
    return grown


@numba.njit(cache=True)
def state_clusters(x, q, indptr, indices, probabilities, field, stack, visited, clusters, state):
    """Grow clusters of equal Potts states; each proposes one of the other states.

    As `spin_clusters`, with probabilities ``1 − exp(−βJ)`` and log-weights `field` (n, q).
    """
    n = x.size
    grown = 0
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(clusters):
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        seed = np.int64(uniform(word) * n)
        old = np.int64(x[seed])
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        new = np.int64(uniform(word) * (q - 1))
        new += new >= old
        stack[0] = seed
        visited[seed] = True
        size, head = 1, 0
        gain = 0.0
        while head < size:
            i = stack[head]
            head += 1
            gain += field[i, new] - field[i, old]
            for e in range(indptr[i], indptr[i + 1]):
                j = indices[e]
                if visited[j] or x[j] != old:
                    continue
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                if uniform(word) < probabilities[e]:
                    visited[j] = True
                    stack[size] = j
                    size += 1
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        accepted = gain >= 0.0 or uniform(word) < np.exp(gain)
        for k in range(size):
            visited[stack[k]] = False
            if accepted:
                x[stack[k]] = new
        grown += size
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
    return grown
