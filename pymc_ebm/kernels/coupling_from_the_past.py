"""Monotone coupling from the past for ferromagnetic spins (Propp and Wilson 1996)."""

import numba
import numpy as np

from pymc_ebm.kernels.heat_bath import is_up
from pymc_ebm.kernels.xoshiro import next_word, uniform


@numba.njit(cache=True)
def sandwich(upper, lower, indptr, indices, weights, sites, field, state):
    """Sweep the largest and the smallest configuration with the same random numbers.

    Heat bath is monotone where all couplings are ferromagnetic: what starts between the two stays
    between them, and where they meet, everything has.

    Parameters
    ----------
    upper, lower : ndarray of int8, shape (n,)
        Updated in place; ``upper ≥ lower``.
    indptr, indices : ndarray of int32
        Adjacency in compressed-sparse-row form.
    weights : ndarray of float64, shape (2 m,)
        ``βJ ≥ 0`` of each entry of `indices`.
    sites : ndarray of uint32, shape (n,)
        Order of the updates.
    field : ndarray of float64, shape (n,)
        ``βh``.
    state : ndarray of uint64, shape (4,)
        State of the generator; not changed beyond this call's copy.

    Returns
    -------
    int
        In how many spins the two still differ.
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

    Parameters
    ----------
    upper, lower : ndarray of int8, shape (n + 1,)
        1 for up and 0 for down, updated in place; entry n is 0.
    neighbors : ndarray of uint32, shape (n, d)
        Neighbours of each vertex, padded with n.
    odds : ndarray of float64, shape (n, d + 1)
        Probability of up, by the number of neighbours that are up.
    sites, state
        As for `sandwich`.

    Returns
    -------
    int
        In how many spins the two still differ.
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
    """Run from `sweeps` in the past to the present; sweep t uses ``seeds[t - 1]``, t counting down.

    Parameters
    ----------
    sweeps : int
        How far back to start.
    upper, lower : ndarray of int8, shape (n,)
        Overwritten.
    indptr, indices, weights, sites, field
        As for `sandwich`.
    seeds : ndarray of uint64, shape (sweeps, 4)
        Generator states, the most recent sweep's first.

    Returns
    -------
    int
        In how many spins the two still differ; 0 if they have met.
    """
    upper[:] = 1
    lower[:] = -1
    different = upper.size
    for t in range(sweeps - 1, -1, -1):
        different = sandwich(upper, lower, indptr, indices, weights, sites, field, seeds[t])
    return different
