"""Log-weight of one configuration of a pairwise discrete model."""

import numba


@numba.njit(cache=True)
def spin_log_weight(spins, first, second, coupling, field):
    """Return ``Σ_e w_e s_i s_j + Σ_i f_i s_i`` of n spins on m edges (first, second)."""
    total = 0.0
    for e in range(first.size):
        total += coupling[e] * spins[first[e]] * spins[second[e]]
    for i in range(spins.size):
        total += field[i] * spins[i]
    return total


@numba.njit(cache=True)
def states_log_weight(x, first, second, coupling, interaction, field):
    """Return ``Σ_e w_e T_e(x_i, x_j) + Σ_i f_i(x_i)``; T of shape (q, q) or (m, q, q)."""
    total = 0.0
    for e in range(first.size):
        if interaction.ndim == 3:
            total += coupling[e] * interaction[e, x[first[e]], x[second[e]]]
        else:
            total += coupling[e] * interaction[x[first[e]], x[second[e]]]
    for i in range(x.size):
        total += field[i, x[i]]
    return total
