"""Parallel tempering of spins and of q-state variables: local sweeps, cluster moves, swaps.

Configurations stay where they are in memory; ``place[c, k]`` says which of them is at rung k of
ladder c. Rung k has the density ``exp(t_k L(x))``, L being the log-weight of the target and
``t = 0`` the uniform distribution. The last rung may have a log-weight of its own: the target moves
with the parameters of a model, the rungs below must not (see `ParallelTempering`).
"""

import numba
import numpy as np

from pymc_ebm.kernels.heat_bath import scaled_sweeps, signed_sweeps
from pymc_ebm.kernels.heat_bath_states import scaled_states_sweeps
from pymc_ebm.kernels.log_weight import spin_log_weight, states_log_weight
from pymc_ebm.kernels.xoshiro import next_word, uniform


@numba.njit(inline="always")
def _next_uniform(state):
    """Draw from [0, 1) and advance the state."""
    word, state[0], state[1], state[2], state[3] = next_word(state[0], state[1], state[2], state[3])
    return uniform(word)


@numba.njit(cache=True)
def is_identity(interaction):
    """Tell whether states couple where they agree; tables (m, q, q) never do."""
    if interaction.ndim == 3:
        return False
    q = interaction.shape[0]
    for a in range(q):
        for b in range(q):
            if interaction[a, b] != (1.0 if a == b else 0.0):
                return False
    return True


@numba.njit(cache=True)
def houdayer(first_copy, second_copy, indptr, indices, weights, stack, visited, state):
    """Exchange one cluster of the sites where two configurations differ.

    The sum of their log-weights stays what it was whatever the couplings and fields, so the move
    is always accepted (Houdayer 2001).

    `first_copy`, `second_copy` (n,): updated in place; `indptr`, `indices`: adjacency in
    compressed-sparse-row form; `weights` (2 m,): edges of weight zero are not followed; `stack`,
    `visited` (n,): working space; `visited` all False; `state` (4,): state of the generator,
    updated in place.
    """
    n = first_copy.size
    different = 0
    for i in range(n):
        if first_copy[i] != second_copy[i]:
            stack[different] = i
            different += 1
    if different == 0:
        return
    stack[0] = stack[np.int64(_next_uniform(state) * different)]
    visited[stack[0]] = True
    size, head = 1, 0
    while head < size:
        i = stack[head]
        head += 1
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            if weights[e] != 0.0 and not visited[j] and first_copy[j] != second_copy[j]:
                visited[j] = True
                stack[size] = j
                size += 1
    for k in range(size):
        i = stack[k]
        visited[i] = False
        kept = first_copy[i]
        first_copy[i] = second_copy[i]
        second_copy[i] = kept


@numba.njit(cache=True)
def swap(place, logw, logw_last, scales, parity, direction, rejected, trips, state):
    """Propose to swap neighbouring rungs, even or odd pairs in turn.

    place (R,): which configuration is at each rung.
    logw (R,): log-weight of each configuration, as the rungs below the last see it.
    logw_last (R,): the same as the last rung sees it.
    scales (R,): t, increasing; the last is 1.
    parity: 0 for pairs (0, 1), (2, 3), …; 1 for the others.
    direction (R,): for each configuration: 1 after the first rung, -1 after the last, 0 before
        either.
    rejected (R - 1,): rejection probabilities are added to it.
    trips (1,): round trips from the first rung to the last and back are added to it.
    state (4,): state of the generator, updated in place.
    """
    last = scales.size - 1
    for k in range(parity, last, 2):
        a, b = place[k], place[k + 1]
        if k + 1 == last:
            gain = scales[k] * (logw[b] - logw[a]) + logw_last[a] - logw_last[b]
        else:
            gain = (scales[k + 1] - scales[k]) * (logw[a] - logw[b])
        chance = np.exp(min(gain, 0.0))
        rejected[k] += 1.0 - chance
        if _next_uniform(state) < chance:
            place[k], place[k + 1] = b, a
    if direction[place[0]] == -1:
        trips[0] += 1
    direction[place[0]] = 1
    if direction[place[last]] == 1:
        direction[place[last]] = -1


@numba.njit(cache=True)
def tempered_rounds(
    x,
    place,
    two_states,
    graph,
    weights,
    last_weights,
    interaction,
    by_entry,
    sites,
    neighbors,
    signs,
    field,
    last_field,
    couplings,
    anchored,
    scales,
    first_round,
    rounds,
    sweeps,
    exchange,
    direction,
    rejected,
    trips,
    state,
):
    """Run rounds of sweeps, cluster exchanges and swaps.

    x (C, R, n): configurations of C ladders: spins, or state numbers.
    place (C, R): which configuration is at each rung.
    two_states: whether `x` holds spins.
    graph: indptr, indices, first, second.
    weights, last_weights (2 m,): ``βJ`` of each entry of indices: for the ladder, and for its
        last rung.
    interaction (q, q) or (m, q, q): K; not used for spins.
    by_entry (q, q) or (2 m, q, q): the same as sweeps want it, see
        `pymc_ebm.moves.heat_bath.by_entry`.
    sites (n,): order of the updates.
    neighbors (n, d) or (0, d): where all couplings have one strength and there is no field: row
        k holds the neighbours of ``sites[k]``, padded with n. Empty otherwise.
    signs: signs of the couplings.
    field, last_field (n, 1) or (n, q): ``βh`` or log-weights.
    couplings (2, m): ``βJ`` of each edge, for the ladder and for its last rung.
    anchored: whether the last rung differs from the ladder.
    scales (R,): t.
    first_round: number of the first round: even rounds swap even pairs, odd rounds the others.
    rounds, sweeps: number of rounds, and of sweeps a round.
    exchange: whether to exchange clusters between pairs of ladders.
    direction, rejected, trips: as for `swap`, with a leading axis over ladders; `rejected` is
        summed over them.
    state (4,): state of the generator, updated in place.
    """
    indptr, indices, first, second = graph
    ladders, rungs, n = x.shape
    logw, logw_last = np.zeros((ladders, rungs)), np.empty((ladders, rungs))
    stack, visited = np.empty(n, np.int64), np.zeros(n, np.bool_)
    signed = neighbors.shape[0] > 0
    agree = not two_states and is_identity(interaction)
    padded = np.zeros(n + 1, np.int8)
    strength = np.abs(couplings[0, 0]) if couplings.shape[1] else 0.0
    field_1, last_1 = np.ascontiguousarray(field[:, 0]), np.ascontiguousarray(last_field[:, 0])
    for t in range(first_round, first_round + rounds):
        for c in range(ladders):
            for k in range(rungs):
                config = x[c, place[c, k]]
                last = k == rungs - 1
                if signed:
                    padded[:n] = config
                    growth = signed_sweeps(
                        padded, neighbors, signs, sites, strength, scales[k], sweeps, state
                    )
                    config[:] = padded[:n]
                elif two_states:
                    growth = scaled_sweeps(
                        config,
                        indptr,
                        indices,
                        last_weights if last else weights,
                        sites,
                        last_1 if last else field_1,
                        scales[k],
                        sweeps,
                        state,
                    )
                else:
                    growth = scaled_states_sweeps(
                        config,
                        indptr,
                        indices,
                        last_weights if last else weights,
                        by_entry,
                        agree,
                        sites,
                        last_field if last else field,
                        scales[k],
                        sweeps,
                        state,
                    )
                logw[c, place[c, k]] += growth
        if exchange:
            for c in range(0, ladders - 1, 2):
                for k in range(rungs):
                    houdayer(
                        x[c, place[c, k]],
                        x[c + 1, place[c + 1, k]],
                        indptr,
                        indices,
                        last_weights if k == rungs - 1 else weights,
                        stack,
                        visited,
                        state,
                    )
        for c in range(ladders):
            for r in range(rungs):
                if exchange or anchored or t == first_round:  # else the growth was added up
                    config = x[c, r]
                    if two_states:
                        logw[c, r] = spin_log_weight(config, first, second, couplings[0], field_1)
                    else:
                        logw[c, r] = states_log_weight(
                            config, first, second, couplings[0], interaction, field
                        )
                logw_last[c, r] = logw[c, r]
            for k in range(rungs - 2 if anchored else rungs, rungs):
                config = x[c, place[c, k]]
                if two_states:
                    logw_last[c, place[c, k]] = spin_log_weight(
                        config, first, second, couplings[1], last_1
                    )
                else:
                    logw_last[c, place[c, k]] = states_log_weight(
                        config, first, second, couplings[1], interaction, last_field
                    )
            swap(
                place[c],
                logw[c],
                logw_last[c],
                scales,
                t & 1,
                direction[c],
                rejected,
                trips,
                state,
            )
