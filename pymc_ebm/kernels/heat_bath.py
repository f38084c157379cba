"""Heat-bath sweeps over spins in {-1, +1}.

A spin in local field f becomes +1 with probability ``1 / (1 + exp(−2f))``. The kernels update the
spins in the order of `sites`; grouped by colour, the updates of one colour do not wait for each
other. Energies are in units where β = 1: pass ``βJ`` and ``βh``.
"""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import next_word, uniform

# The logistic function at the corners of a grid of log-odds. A uniform number below its value at
# the left corner of a cell is below it at the point itself, and above the right corner above; only
# in between (once in 500 draws) must the exponential be taken. The decision is exact.
CELLS_PER_UNIT = 32.0
REACH = 32.0
_grid = np.arange(-REACH, REACH + 1.5 / CELLS_PER_UNIT, 1.0 / CELLS_PER_UNIT)
LOGISTIC = 1.0 / (1.0 + np.exp(-_grid))

LOG_ODDS_LIMIT = 350.0  # exp(±350) squared still fits a double


@numba.njit(inline="always")
def is_up(u, local):
    """Tell whether ``u < 1 / (1 + exp(−2 local))``."""
    position = (2.0 * local + REACH) * CELLS_PER_UNIT
    if 0.0 <= position < 2.0 * REACH * CELLS_PER_UNIT:
        cell = np.int64(position)
        # a hair of slack, because rounding may put a point on the wrong side of a corner
        if u < LOGISTIC[cell] * (1.0 - 1e-12):
            return True
        if u > LOGISTIC[cell + 1] * (1.0 + 1e-12):
            return False
    return u * (1.0 + np.exp(min(-2.0 * local, 2 * LOG_ODDS_LIMIT))) < 1.0


@numba.njit(cache=True)
def odds_of_fields(field, sites):
    """Return ``exp(−2 h)`` in the order of the sites, and whether all of them fit a double."""
    odds, fit = np.empty(sites.size), True
    for k in range(sites.size):
        log_odds = -2.0 * field[sites[k]]
        fit = fit and abs(log_odds) <= LOG_ODDS_LIMIT
        odds[k] = np.exp(log_odds)
    return odds, fit


@numba.njit(cache=True)
def strong_uniform_sweeps(spins, neighbors, sites, coupling, field, sweeps, state):
    """Do what `uniform_coupling_sweeps` does, for any strength: adds before it exponentiates."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        for k in range(sites.size):
            total = np.int64(0)
            for e in range(neighbors.shape[1]):
                total += spins[neighbors[k, e]]
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            local = field[sites[k]] + coupling * total
            spins[sites[k]] = np.int8(2 * is_up(uniform(word), local) - 1)
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@numba.njit(cache=True)
def uniform_coupling_sweeps(spins, neighbors, sites, coupling, field, sweeps, state):
    """Heat bath where all couplings are equal and no vertex has many neighbours.

    The odds against +1 are ``exp(−2h_i) exp(−2 coupling Σ s_j)``: the first factor is computed
    once a call, the second comes from a table over the sum of the neighbours.

    `spins` (n + 1,): updated in place; ``spins[n]`` is 0 and stands in for absent neighbours;
    `neighbors` (n, d): row k: the neighbours of ``sites[k]``, padded with n; `sites` (n,): order of
    the updates; `coupling`: ``βJ``; `field` (n,): ``βh`` in the order of the vertices; `sweeps`:
    number of passes over all sites; `state` (4,): state of the generator, updated in place.
    """
    n, degree = neighbors.shape
    field_odds, fit = odds_of_fields(field, sites)
    if not fit or 2.0 * abs(coupling) * degree > LOG_ODDS_LIMIT:
        strong_uniform_sweeps(spins, neighbors, sites, coupling, field, sweeps, state)
        return
    neighbor_odds = np.exp(-2.0 * coupling * np.arange(-degree, degree + 1))
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        if degree == 4:  # the unrolled sum is worth a factor 1.5
            for k in range(n):
                total = (
                    np.int64(spins[neighbors[k, 0]])
                    + spins[neighbors[k, 1]]
                    + spins[neighbors[k, 2]]
                    + spins[neighbors[k, 3]]
                )
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                odds = field_odds[k] * neighbor_odds[total + 4]
                spins[sites[k]] = np.int8(2 * (uniform(word) * (1.0 + odds) < 1.0) - 1)
        else:
            for k in range(n):
                total = np.int64(0)
                for e in range(degree):
                    total += spins[neighbors[k, e]]
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                odds = field_odds[k] * neighbor_odds[total + degree]
                spins[sites[k]] = np.int8(2 * (uniform(word) * (1.0 + odds) < 1.0) - 1)
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@numba.njit(cache=True)
def weighted_sweeps(spins, indptr, indices, weights, sites, field, sweeps, state):
    """Heat bath with a coupling of its own on every edge.

    `spins` (n,): updated in place; `indptr`, `indices`: adjacency in compressed-sparse-row form;
    `weights` (2 m,): ``βJ`` of each entry of `indices`; `sites` (n,): order of the updates; `field`
    (n,): ``βh``; `sweeps`: number of passes over all sites; `state` (4,): state of the generator,
    updated in place.
    """
    scaled_sweeps(spins, indptr, indices, weights, sites, field, 1.0, sweeps, state)


@numba.njit(cache=True)
def scaled_sweeps(spins, indptr, indices, weights, sites, field, scale, sweeps, state):
    """Heat bath with all couplings and fields multiplied by `scale`; 0 draws every spin anew.

    Arguments as for `weighted_sweeps`; returns how much the unscaled log-weight has grown.
    """
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    growth = 0.0
    for _ in range(sweeps):
        for k in range(sites.size):
            i = sites[k]
            local = field[i]
            for e in range(indptr[i], indptr[i + 1]):
                local += weights[e] * spins[indices[e]]
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            new = np.int8(2 * is_up(uniform(word), scale * local) - 1)
            growth += local * (new - spins[i])
            spins[i] = new
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
    return growth


@numba.njit(cache=True)
def signed_sweeps(spins, neighbors, signs, sites, strength, scale, sweeps, state):
    """Heat bath at a scale where all couplings have one strength and there is no field.

    `spins` (n + 1,): updated in place; the last entry is 0 and stands in for absent neighbours;
    `neighbors` (n, d): row k: the neighbours of ``sites[k]``, padded with n; `signs` (n, d): signs
    of the couplings, whose strength is ``β|J|``; `sites`, `strength`, `scale`, `sweeps`, `state`:
    as for `scaled_sweeps`, which also says what is returned.
    """
    n, degree = neighbors.shape
    up = np.empty(2 * degree + 1)
    for k in range(2 * degree + 1):
        up[k] = 1.0 / (1.0 + np.exp(min(-2.0 * scale * strength * (k - degree), 700.0)))
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    growth = np.int64(0)
    for _ in range(sweeps):
        if degree == 6:  # the unrolled sum is worth a factor 1.5
            for k in range(n):
                total = (
                    np.int64(signs[k, 0] * spins[neighbors[k, 0]])
                    + np.int64(signs[k, 1] * spins[neighbors[k, 1]])
                    + np.int64(signs[k, 2] * spins[neighbors[k, 2]])
                    + np.int64(signs[k, 3] * spins[neighbors[k, 3]])
                    + np.int64(signs[k, 4] * spins[neighbors[k, 4]])
                    + np.int64(signs[k, 5] * spins[neighbors[k, 5]])
                )
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                new = np.int8(2 * (uniform(word) < up[total + 6]) - 1)
                growth += total * (new - spins[sites[k]])
                spins[sites[k]] = new
        else:
            for k in range(n):
                total = np.int64(0)
                for e in range(degree):
                    total += signs[k, e] * spins[neighbors[k, e]]
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                new = np.int8(2 * (uniform(word) < up[total + degree]) - 1)
                growth += total * (new - spins[sites[k]])
                spins[sites[k]] = new
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
    return strength * growth


@numba.njit(cache=True)
def dense_sweeps(spins, coupling, field, sweeps, state):
    """Heat bath where most pairs of spins are coupled.

    The local fields are kept up to date, which costs a row of the matrix where a spin flips and
    nothing where it does not.

    `spins` (n,): updated in place; `coupling` (n, n): symmetric ``βJ`` with an empty diagonal;
    `field` (n,): ``βh``; `sweeps`: number of passes over all spins; `state` (4,): state of the
    generator, updated in place.
    """
    n = spins.size
    local = np.zeros(n)  # without the field, whose size would round what flips add and take away
    for j in range(n):
        for i in range(n):
            local[i] += coupling[j, i] * spins[j]
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        for i in range(n):
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            new = np.int8(2 * is_up(uniform(word), field[i] + local[i]) - 1)
            if new != spins[i]:
                spins[i] = new
                change = 2.0 * new
                row = coupling[i]
                for j in range(n):
                    local[j] += change * row[j]
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
