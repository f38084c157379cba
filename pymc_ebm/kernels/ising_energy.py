"""Energy and magnetisation of one spin configuration."""

import numba
import numpy as np


@numba.njit(cache=True)
def ising_energy(spins, first, second, coupling, field):
    """Return ``−Σ_e J_e s_i s_j − Σ_i h_i s_i`` and the mean spin.

    `coupling` has shape (1,) or (m,), `field` (1,) or (n,): one value serves all.
    """
    n = field.size if field.size > 1 else 0
    total = np.int64(0)
    energy = 0.0
    if coupling.size == 1:
        pairs = np.int64(0)
        for e in range(first.size):
            pairs += np.int64(spins[first[e]]) * spins[second[e]]
        energy -= coupling[0] * pairs
    else:
        for e in range(first.size):
            energy -= coupling[e] * spins[first[e]] * spins[second[e]]
    for i in range(n):
        energy -= field[i] * spins[i]
    for i in range(spins.size):
        total += spins[i]
    if n == 0:
        energy -= field[0] * total
    return energy, total / spins.size
