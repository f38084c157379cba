"""Log-weight of one configuration of a pairwise discrete model."""

import numba


@numba.njit(cache=True)
def spin_log_weight(spins, first, second, coupling, field):
    """Return ``Σ_e w_e s_i s_j + Σ_i f_i s_i``.

    Parameters
    ----------
    spins : ndarray of int8, shape (n,)
        The configuration.
    first, second : ndarray of int32, shape (m,)
        The ends of each edge.
    coupling : ndarray of float64, shape (m,)
        ``βJ``.
    field : ndarray of float64, shape (n,)
        ``βh``.
    """
    total = 0.0
    for e in range(first.size):
        total += coupling[e] * spins[first[e]] * spins[second[e]]
    for i in range(spins.size):
        total += field[i] * spins[i]
    return total


@numba.njit(cache=True)
def states_log_weight(x, first, second, coupling, interaction, field):
    """Return ``Σ_e w_e K[x_i, x_j] + Σ_i f_i[x_i]``.

    Parameters
    ----------
    x : ndarray of int8, shape (n,)
        State numbers.
    first, second, coupling
        As for `spin_log_weight`.
    interaction : ndarray of float64, shape (q, q)
        K.
    field : ndarray of float64, shape (n, q)
        Log-weights.
    """
    total = 0.0
    for e in range(first.size):
        total += coupling[e] * interaction[x[first[e]], x[second[e]]]
    for i in range(x.size):
        total += field[i, x[i]]
    return total
