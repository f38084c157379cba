"""Heat-bath sweeps over spins with a coupling of its own on every edge, from tables.

The odds against +1 are a product over the neighbours of ``exp(∓2 w)``. Neighbours are taken in
groups of three; for each group the eight possible products are laid out in one cache line, so that
an update takes a lookup a group, one random number and no exponential. Energies are in units where
β = 1.
"""

import numba
import numpy as np

from pymc_ebm.kernels.heat_bath import is_up, odds_of_fields
from pymc_ebm.kernels.xoshiro import next_word, uniform

GROUP = 3


@numba.njit(cache=True)
def odds_tables(weights):
    """Lay out the odds against +1 for every configuration of each group of neighbours.

    `weights` (n, 3 g) are ``βJ`` to each neighbour, 0 where there is none. Entry 8 j + b of a row
    (n, 8 g) is the factor of group j if bit i of b says that its neighbour i is up.
    """
    n, degree = weights.shape
    groups = degree // GROUP
    odds = np.empty((n, 8 * groups))
    for k in range(n):
        for j in range(groups):
            a = np.exp(-2.0 * weights[k, 3 * j])
            b = np.exp(-2.0 * weights[k, 3 * j + 1])
            c = np.exp(-2.0 * weights[k, 3 * j + 2])
            for bits in range(8):
                factor = a if bits & 1 else 1.0 / a
                factor *= b if bits & 2 else 1.0 / b
                factor *= c if bits & 4 else 1.0 / c
                odds[k, 8 * j + bits] = factor
    return odds


@numba.njit(inline="always")
def _group(spins, neighbors, k, first):
    """Return the number of the configuration of three neighbours."""
    total = (
        np.int64(spins[neighbors[k, first]])
        + 2 * np.int64(spins[neighbors[k, first + 1]])
        + 4 * np.int64(spins[neighbors[k, first + 2]])
    )
    return (total + 7) >> 1


@numba.njit(cache=True)
def strong_tabled_sweeps(spins, neighbors, odds, sites, field, sweeps, state):
    """Do what `tabled_sweeps` does for fields of any strength: adds before it exponentiates."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        for k in range(sites.size):
            against = 1.0
            for j in range(neighbors.shape[1] // GROUP):
                against *= odds[k, 8 * j + _group(spins, neighbors, k, 3 * j)]
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            local = field[sites[k]] - 0.5 * np.log(against)
            spins[sites[k]] = np.int8(2 * is_up(uniform(word), local) - 1)
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@numba.njit(cache=True)
def tabled_sweeps(spins, neighbors, odds, sites, field, sweeps, state):
    """Draw each spin in turn from its conditional distribution.

    `spins` (n + 1,): updated in place; the last entry is -1 and stands in for absent neighbours;
    `neighbors` (n, 3 g): row k: the neighbours of ``sites[k]``, padded with n; `odds` (n, 8 g):
    what `odds_tables` returns, in the order of the sites; `sites` (n,): order of the updates;
    `field` (n,): ``βh`` in the order of the vertices; `sweeps`: number of passes over all sites;
    `state` (4,): state of the generator, updated in place.
    """
    n, degree = neighbors.shape
    groups = degree // GROUP
    field_odds, fit = odds_of_fields(field, sites)
    if not fit:
        strong_tabled_sweeps(spins, neighbors, odds, sites, field, sweeps, state)
        return
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        if groups == 2:  # unrolled, for it is the common case: four to six neighbours
            for k in range(n):
                against = field_odds[k] * odds[k, _group(spins, neighbors, k, 0)]
                against *= odds[k, 8 + _group(spins, neighbors, k, 3)]
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                spins[sites[k]] = np.int8(2 * (uniform(word) * (1.0 + against) < 1.0) - 1)
        else:
            for k in range(n):
                against = field_odds[k]
                for j in range(groups):
                    against *= odds[k, 8 * j + _group(spins, neighbors, k, 3 * j)]
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                spins[sites[k]] = np.int8(2 * (uniform(word) * (1.0 + against) < 1.0) - 1)
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
