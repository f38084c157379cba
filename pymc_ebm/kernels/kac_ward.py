"""log Z of planar spins without a field, by the Kac–Ward determinant.

In a cold glass the determinant is an exponentially small remainder of larger terms, and no order of
elimination saves its digits. So the kernel measures what rounding does, and returns NaN where
that is too much.
"""

import numba
import numpy as np

NUDGE = 2e-15  # relative change of bonds, some ten roundings, that must leave correlations alone
MOST_ERROR = 1e-6  # of log Z and of correlations


@numba.njit(cache=True)
def kac_ward_matrix(bond, begin, follower, turn_real, turn_imaginary):
    """Return ``1 − X T`` over directed edges, shape (2 m, 2 m)."""
    m = bond.size
    matrix = np.eye(2 * m).astype(np.complex128)
    for e in range(2 * m):
        for k in range(begin[e], begin[e + 1]):
            matrix[e, follower[k]] -= bond[e % m] * complex(turn_real[k], turn_imaginary[k])
    return matrix


@numba.njit(cache=True)
def correlations(bond, inverse, begin, follower, turn_real, turn_imaginary):
    """Return ``⟨s_i s_j⟩`` of every edge from the inverse of the matrix, shape (m,)."""
    m = bond.size
    pairs = bond.copy()
    for e in range(2 * m):
        loop = 0.0
        for k in range(begin[e], begin[e + 1]):
            loop += (complex(turn_real[k], turn_imaginary[k]) * inverse[follower[k], e]).real
        pairs[e % m] -= 0.5 * (1.0 - bond[e % m] ** 2) * loop
    return pairs


@numba.njit(cache=True)
def kac_ward(coupling, begin, follower, turn_real, turn_imaginary):
    """Return ``log(Z / 2ⁿ)`` and ``⟨s_i s_j⟩`` of every edge; NaN where they could be wrong.

    ``Z / 2ⁿ = Π_e cosh βJ_e √det(1 − X T)`` over directed edges: X holds ``tanh βJ``, and T the
    factors ``exp(i angle / 2)`` by which a step from one edge to the next turns.

    `coupling` (m,): ``βJ``; directed edges e and e + m are the two directions of edge e; `begin` (2
    m + 1,): where the followers of each directed edge start; `follower`: directed edges that start
    where this one ends, its reverse left out; `turn_real`, `turn_imaginary`: ``exp(i angle / 2)``.

    References
    ----------
    Kac, M. and Ward, J. C. (1952). A combinatorial solution of the two-dimensional Ising model.
    Physical Review 88, 1332. Lis, M. (2016). A short proof of the Kac–Ward formula. Annales de
    l'Institut Henri Poincaré D 3, 45.
    """
    m = coupling.size
    bond = np.tanh(coupling)
    steps = (begin, follower, turn_real, turn_imaginary)
    matrix = kac_ward_matrix(bond, *steps)
    _, log_det = np.linalg.slogdet(matrix)
    if not np.isfinite(log_det):
        return np.nan, bond * np.nan
    inverse = np.linalg.inv(matrix)
    pairs = correlations(bond, inverse, *steps)
    # d log det = tr(inverse · d matrix), every entry being off by some roundings
    error = 0.5 * NUDGE * (np.abs(matrix) * np.abs(inverse.T)).sum()
    if error < MOST_ERROR and m:
        nudged = bond * (1.0 - NUDGE * (np.arange(m) % 3))
        matrix = kac_ward_matrix(nudged, *steps)
        others = correlations(nudged, np.linalg.inv(matrix), *steps)
        error = max(error, np.abs(others - pairs).max())
    if not error < MOST_ERROR:
        return np.nan, bond * np.nan
    strength = np.abs(coupling)
    log_z = 0.5 * log_det + (strength + np.log1p(np.exp(-2.0 * strength)) - np.log(2.0)).sum()
    return log_z, pairs
