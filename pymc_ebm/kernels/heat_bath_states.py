"""Heat-bath sweeps over variables with q states.

Variables are coded as state numbers 0 … q-1. Energies are in units where β = 1.
"""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import next_word, uniform


@numba.njit(cache=True)
def states_sweeps(x, indptr, indices, weights, interaction, agree, sites, field, sweeps, state):
    """Draw each variable in turn from its conditional distribution.

    The weight of state a is ``exp(field[i, a] + Σ_j weights_ij K[a, x_j])``.

    Parameters
    ----------
    x : ndarray of int8, shape (n,)
        State numbers, updated in place.
    indptr, indices : ndarray of int32
        Adjacency in compressed-sparse-row form.
    weights : ndarray of float64, shape (2 m,)
        ``βJ`` of each entry of `indices`.
    interaction : ndarray of float64, shape (q, q)
        K.
    agree : bool
        Whether K is the identity, which is faster.
    sites : ndarray of uint32, shape (n,)
        Order of the updates.
    field : ndarray of float64, shape (n, q)
        Log-weights.
    sweeps : int
        Number of passes over all sites.
    state : ndarray of uint64, shape (4,)
        State of the generator, updated in place.
    """
    q = interaction.shape[0]
    weight = np.empty(q)
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        for k in range(sites.size):
            i = sites[k]
            for a in range(q):
                weight[a] = field[i, a]
            for e in range(indptr[i], indptr[i + 1]):
                neighbor = x[indices[e]]
                if agree:
                    weight[neighbor] += weights[e]
                else:
                    for a in range(q):
                        weight[a] += weights[e] * interaction[a, neighbor]
            top = weight[0]
            for a in range(1, q):
                top = max(top, weight[a])
            total = 0.0
            for a in range(q):
                total += np.exp(weight[a] - top)
                weight[a] = total
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            threshold = uniform(word) * total
            chosen = 0
            while chosen < q - 1 and weight[chosen] <= threshold:
                chosen += 1
            x[i] = chosen
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
