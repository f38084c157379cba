"""Monotone coupling from the past for ferromagnetic spins (Propp and Wilson 1996)."""

import numba
import numpy as np

from pymc_ebm.kernels.heat_bath import is_up
from pymc_ebm.kernels.xoshiro import next_word, uniform


@numba.njit(cache=True)
def sandwich(upper, lower, indptr, indices, weights, sites, field, state):
    """Sweep the largest and the smallest configuration with the same random numbers.

    Heat bath is monotone where all couplings are ferromagnetic: what starts between the two stays
    between them, and where they meet, everything has. Returns in how many spins they still differ.
    Arguments as for `pymc_ebm.kernels.heat_bath.weighted_sweeps`, but `state` is not advanced.
    """
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    different = 0
    for k in range(sites.size):
        i = sites[k]
        high = low = field[i]
        for e in range(indptr[i], indptr[i + 1]):
            high += weights[e] * upper[indices[e]]
            low += weights[e] * lower[indices[e]]
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        u = uniform(word)
        upper[i] = np.int8(2 * is_up(u, high) - 1)
        lower[i] = np.int8(2 * is_up(u, low) - 1)
        different += upper[i] != lower[i]
    return different


@numba.njit(cache=True)
def uniform_sandwich(upper, lower, neighbors, odds, sites, state):
    """Do what `sandwich` does where all couplings are equal.

    `upper` and `lower` (n + 1,) hold 1 for up and 0 for down, entry n being 0; `neighbors` (n, d)
    is padded with n; `odds` (n, d + 1) is the probability of up by the number of neighbours up.
    """
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    different = 0
    for k in range(sites.size):
        i = sites[k]
        high = low = 0
        for e in range(neighbors.shape[1]):
            high += upper[neighbors[i, e]]
            low += lower[neighbors[i, e]]
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        u = uniform(word)
        a, b = np.int8(u < odds[i, high]), np.int8(u < odds[i, low])
        upper[i], lower[i] = a, b
        different += int(a != b)
    return different


@numba.njit(cache=True)
def uniform_coupled_from(sweeps, upper, lower, neighbors, odds, sites, seeds):
    """Do what `coupled_from` does where all couplings are equal; see `uniform_sandwich`."""
    upper[:-1] = 1
    upper[-1] = 0
    lower[:] = 0
    different = upper.size
    for t in range(sweeps - 1, -1, -1):
        different = uniform_sandwich(upper, lower, neighbors, odds, sites, seeds[t])
    return different


@numba.njit(cache=True)
def coupled_from(sweeps, upper, lower, indptr, indices, weights, sites, field, seeds):
    """Run from `sweeps` in the past to the present; return in how many spins the two differ.

    Sweep t, counting down, uses ``seeds[t - 1]``, seeds (sweeps, 4) being generator states. `upper`
    and `lower` (n,) are overwritten; other arguments as for `sandwich`.
    """
    upper[:] = 1
    lower[:] = -1
    different = upper.size
    for t in range(sweeps - 1, -1, -1):
        different = sandwich(upper, lower, indptr, indices, weights, sites, field, seeds[t])
    return different
