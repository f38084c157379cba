"""Log-weights of every configuration of a few spins, doubled up from one spin at a time.

Configuration k has ``s_i = +1`` where bit i of k is set.
"""

import numba
import numpy as np


@numba.njit(cache=True)
def pair_log_weights(coupling, n):
    """Return ``Σ_{i<j<n} coupling_ij s_i s_j`` for all 2^n configurations."""
    table = np.zeros(1 << n)
    for j in range(1, n):
        half = 1 << j
        # the field that spins below j exert on spin j, doubled up from one spin at a time
        force = np.empty(half)
        force[0] = -coupling[j, :j].sum()
        for i in range(j):
            width = 1 << i
            force[width : 2 * width] = force[:width] + 2.0 * coupling[j, i]
        table[half : 2 * half] = table[:half] + force
        table[:half] -= force
    return table


@numba.njit(cache=True)
def fill_exponents(exponents, effective, low):
    """Write ``Σ_i (effective_i s_i − |effective_i|)`` for all configurations."""
    exponents[0] = 0.0
    for i in range(low):
        width = 1 << i
        change = -2.0 * abs(effective[i])
        up, down = (0.0, change) if effective[i] >= 0 else (change, 0.0)
        for k in range(width):
            exponents[width + k] = exponents[k] + up
            exponents[k] += down


@numba.njit(cache=True)
def ising_log_weights(coupling, field):
    """Return ``½ sᵀ coupling s + fieldᵀ s`` for all ``2ⁿ`` configurations.

    `coupling` (n, n) is symmetric with an empty diagonal; `field` (n,).
    """
    log_weights = pair_log_weights(coupling, field.size)
    own = np.empty(log_weights.size)
    fill_exponents(own, field, field.size)
    return log_weights + own + np.abs(field).sum()
