"""Single-site Metropolis sweeps.

An acceptance probability of one would make a model without interactions alternate for ever, so all
are multiplied by `LAZINESS`; detailed balance does not notice. Energies are in units where β = 1.
"""

import numba
import numpy as np

from pymc_ebm.kernels.heat_bath_states import row_of
from pymc_ebm.kernels.xoshiro import next_word, uniform

LAZINESS = 15.0 / 16.0


@numba.njit(cache=True)
def spin_sweeps(spins, indptr, indices, weights, sites, field, sweeps, state):
    """Flip spins in {-1, +1} with probability ``LAZINESS min(1, exp(−2 s_i f_i))``.

    Arguments as for `pymc_ebm.kernels.heat_bath.weighted_sweeps`.
    """
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        for k in range(sites.size):
            i = sites[k]
            local = field[i]
            for e in range(indptr[i], indptr[i + 1]):
                local += weights[e] * spins[indices[e]]
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            drop = min(-2.0 * spins[i] * local, 0.0)
            if uniform(word) < LAZINESS * np.exp(drop):
                spins[i] = -spins[i]
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@numba.njit(cache=True)
def states_sweeps(x, indptr, indices, weights, interaction, sites, field, sweeps, state):
    """Propose one of the other states of each variable, as likely as any.

    Arguments as for `pymc_ebm.kernels.heat_bath_states.states_sweeps`.
    """
    q = field.shape[1]
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        for k in range(sites.size):
            i = sites[k]
            old = np.int64(x[i])
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            new = np.int64(uniform(word) * (q - 1))
            new += new >= old
            gain = field[i, new] - field[i, old]
            if field[i, new] == field[i, old]:
                gain = 0.0  # two impossible states: a start outside the support may leave it
            for e in range(indptr[i], indptr[i + 1]):
                row = row_of(interaction, e, x[indices[e]])
                gain += weights[e] * (row[new] - row[old])
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            if uniform(word) < LAZINESS * np.exp(min(gain, 0.0)):
                x[i] = new
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
