"""Visiting every configuration of a few spins."""

import numba
import numpy as np


@numba.njit(cache=True)
def ising_log_weights(coupling, field):
    """Return ``½ sᵀ coupling s + fieldᵀ s`` for all ``2ⁿ`` configurations.

    Configuration k has ``s_i = +1`` where bit i of k is set. A Gray code flips one spin at a time,
    so each configuration costs O(n).

    Parameters
    ----------
    coupling : ndarray of float64, shape (n, n)
        Symmetric ``βJ`` with an empty diagonal.
    field : ndarray of float64, shape (n,)
        ``βh``.

    Returns
    -------
    ndarray of float64, shape (2**n,)
    """
    n = field.size
    spins = -np.ones(n)
    weight = 0.0
    for i in range(n):
        weight -= field[i]
        for j in range(i):
            weight += coupling[i, j]
    log_weights = np.empty(1 << n)
    log_weights[0] = weight
    code = 0
    for k in range(1, 1 << n):
        flip = 0
        while not (k >> flip) & 1:
            flip += 1
        local = field[flip]
        for j in range(n):
            local += coupling[flip, j] * spins[j]
        weight -= 2.0 * spins[flip] * local
        spins[flip] = -spins[flip]
        code ^= 1 << flip
        log_weights[code] = weight
    return log_weights
