"""log Z of planar spins without a field, by the Kac–Ward determinant."""

import numba
import numpy as np


@numba.njit(cache=True)
def kac_ward(coupling, begin, follower, turn_real, turn_imaginary):
    """Return ``log(Z / 2ⁿ)`` and ``⟨s_i s_j⟩`` of every edge.

    ``Z / 2ⁿ = Π_e cosh βJ_e √det(1 − X T)`` over directed edges: X holds ``tanh βJ``, and T the
    factors ``exp(i angle / 2)`` by which a step from one edge to the next turns.

    Parameters
    ----------
    coupling : ndarray of float64, shape (m,)
        ``βJ``; directed edges e and e + m are the two directions of edge e.
    begin : ndarray of int64, shape (2 m + 1,)
        Where the followers of each directed edge start.
    follower : ndarray of int64
        Directed edges that start where this one ends, its reverse left out.
    turn_real, turn_imaginary : ndarray of float64
        ``exp(i angle / 2)``.

    References
    ----------
    Kac, M. and Ward, J. C. (1952). A combinatorial solution of the two-dimensional Ising model.
    Physical Review 88, 1332. Lis, M. (2016). A short proof of the Kac–Ward formula. Annales de
    l'Institut Henri Poincaré D 3, 45.
    """
    m = coupling.size
    matrix = np.zeros((2 * m, 2 * m), np.complex128)
    bond = np.tanh(coupling)
    for e in range(2 * m):
        matrix[e, e] = 1.0
        for k in range(begin[e], begin[e + 1]):
            matrix[e, follower[k]] -= bond[e % m] * complex(turn_real[k], turn_imaginary[k])
    _, log_det = np.linalg.slogdet(matrix)
    inverse = np.linalg.inv(matrix)
    log_z = 0.5 * log_det
    pairs = bond.copy()
    for e in range(2 * m):
        loop = 0.0
        for k in range(begin[e], begin[e + 1]):
            turn = complex(turn_real[k], turn_imaginary[k])
            loop += (turn * inverse[follower[k], e]).real
        pairs[e % m] -= 0.5 * (1.0 - bond[e % m] ** 2) * loop
    for e in range(m):
        strength = abs(coupling[e])
        log_z += strength + np.log1p(np.exp(-2.0 * strength)) - np.log(2.0)
    return log_z, pairs
