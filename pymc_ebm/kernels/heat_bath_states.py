"""Heat-bath sweeps over variables with q states.

Variables are coded as state numbers 0 … q-1. Energies are in units where β = 1. What couples two
states is one symmetric matrix for all edges, shape (q, q), or a table for each adjacency entry,
shape (2 m, q, q), indexed [entry, neighbour's state, own state]; `around` lays those out. A field
of −∞ makes a state impossible.
"""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import next_word, uniform


@numba.njit(cache=True)
def around(tables, indptr, indices, edge_numbers):
    """Lay tables (m, q, q), [edge, smaller vertex's state, larger's], out by adjacency entry."""
    laid = np.empty((indices.size, *tables.shape[1:]))
    for i in range(indptr.size - 1):
        for e in range(indptr[i], indptr[i + 1]):
            table = tables[edge_numbers[e]]
            laid[e] = table.T if i < indices[e] else table
    return laid


@numba.njit(cache=True)
def row_of(interaction, entry, neighbor):
    """Return what a neighbour in a given state says about each own state, shape (q,)."""
    if interaction.ndim == 3:
        return interaction[entry, neighbor]
    return interaction[neighbor]


@numba.njit(cache=True)
def states_sweeps(x, indptr, indices, weights, interaction, agree, sites, field, sweeps, state):
    """Draw each variable in turn from its conditional distribution.

    The weight of state a is ``exp(field[i, a] + Σ_j weights_ij T_ij(a, x_j))``.

        x (n,): state numbers, updated in place.
        indptr, indices: adjacency in compressed-sparse-row form.
        weights (2 m,): ``βJ`` of each entry of `indices`.
        interaction (q, q) or (2 m, q, q): T.
        agree: whether T is the identity everywhere, which is faster.
        sites (n,): order of the updates.
        field (n, q): log-weights.
        sweeps: number of passes over all sites.
        state (4,): state of the generator, updated in place.
    """
    scaled_states_sweeps(
        x, indptr, indices, weights, interaction, agree, sites, field, 1.0, sweeps, state
    )


@numba.njit(cache=True)
def scaled_states_sweeps(
    x, indptr, indices, weights, interaction, agree, sites, field, scale, sweeps, state
):
    """Heat bath with all log-weights times `scale`; return how much the unscaled one has grown.

    A scale of 0 draws every state anew among those that are possible.
    """
    q = field.shape[1]
    local, cumulative = np.empty(q), np.empty(q)
    growth = 0.0
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for _ in range(sweeps):
        for k in range(sites.size):
            i = sites[k]
            for a in range(q):
                local[a] = field[i, a]
            for e in range(indptr[i], indptr[i + 1]):
                neighbor = x[indices[e]]
                if agree:
                    local[neighbor] += weights[e]
                else:
                    row = row_of(interaction, e, neighbor)
                    for a in range(q):
                        local[a] += weights[e] * row[a]
            top = local[0]
            for a in range(1, q):
                top = max(top, local[a])
            total = 0.0
            for a in range(q):
                if local[a] > -np.inf:  # else 0 · ∞ where the scale is 0
                    total += np.exp(scale * (local[a] - top))
                cumulative[a] = total
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            threshold = uniform(word) * total
            new = 0
            while new < q - 1 and cumulative[new] <= threshold:
                new += 1
            growth += local[new] - local[x[i]]
            x[i] = new
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
    return growth
