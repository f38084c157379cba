"""All configurations of a few variables with q states: log-weights, moments, draws.

Configuration k has ``x_i = k // qⁱ % q``: variable n - 1 is the highest digit, so configurations
that share its state are neighbours in memory, and summing it out leaves the table of the others.
All pairs cost about ``qⁿ (q / (q - 1))²`` additions.
"""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import next_state, uniform


@numba.njit(cache=True)
def edge_matrix(first, second, n):
    """Return the number of the edge between each pair of n vertices, -1 for none."""
    number = np.full((n, n), -1, np.int64)
    for e in range(first.size):
        number[first[e], second[e]] = e
    return number


@numba.njit(cache=True)
def states_log_weights(tables, field, first, second):
    """Return ``Σ_e T_e(x_i, x_j) + Σ_i f_i(x_i)`` of all configurations, shape (qⁿ,).

    `tables` (m, q, q): ``βT`` of each edge, [state of first, state of second]; `field` (n, q):
    log-weights; −∞ for a state that does not exist; `first`, `second` (m,): the ends of the edges,
    ``first < second``.
    """
    n, q = field.shape
    number = edge_matrix(first, second, n)
    table, said = np.zeros(q**n), np.empty(q ** max(n - 1, 0))
    size = 1
    for j in range(n):
        for b in range(q - 1, -1, -1):  # from above: block 0 holds what the others start from
            said[0] = field[j, b]
            width = 1
            for i in range(j):
                edge = number[i, j]
                for a in range(q - 1, -1, -1):
                    more = tables[edge, a, b] if edge >= 0 else 0.0
                    for k in range(width):
                        said[a * width + k] = said[k] + more
                width *= q
            for k in range(size):
                table[b * size + k] = table[k] + said[k]
        size *= q
    return table


@numba.njit(cache=True)
def sum_digits(weights, digits, q, out):
    """Write ``Σ_k w_k [x_i(k) = a]`` for the first digits, shape (digits, q). Spoils `weights`."""
    size = q**digits
    for i in range(digits - 1, -1, -1):
        size //= q
        for a in range(q):
            total = 0.0
            for k in range(a * size, (a + 1) * size):
                total += weights[k]
            out[i, a] = total
        for a in range(1, q):
            for k in range(size):
                weights[k] += weights[a * size + k]


@numba.njit(cache=True)
def state_sums(weights, number, n, q, edges):
    """Return the weights of ``x_i = a, x_j = b`` on edges and of ``x_i = a``. Spoils `weights`."""
    pairs, singles = np.zeros((edges, q, q)), np.zeros((n, q))
    space, out = np.empty(q ** max(n - 1, 0)), np.empty((n, q))
    size = weights.size
    for j in range(n - 1, -1, -1):
        size //= q
        for b in range(q):
            space[:size] = weights[b * size : (b + 1) * size]
            singles[j, b] = space[:size].sum()
            sum_digits(space, j, q, out)
            for i in range(j):
                if number[i, j] >= 0:
                    pairs[number[i, j], :, b] = out[i]
        for b in range(1, q):
            for k in range(size):
                weights[k] += weights[b * size + k]
    return pairs, singles


@numba.njit(cache=True)
def state_moments(tables, field, first, second):
    """Return log Z, ``P(x_i = a, x_j = b)`` of the edges and ``P(x_i = a)``.

    Arguments as for `states_log_weights`; shapes (), (m, q, q) and (n, q).
    """
    n, q = field.shape
    weights = states_log_weights(tables, field, first, second)
    top = weights.max()
    for k in range(weights.size):
        weights[k] = np.exp(weights[k] - top)
    total = weights.sum()
    weights /= total
    pairs, singles = state_sums(weights, edge_matrix(first, second, n), n, q, first.size)
    return top + np.log(total), pairs, singles


@numba.njit(cache=True)
def state_moment_derivatives(tables, field, tables_change, field_change, first, second):
    """Return how the pairs and singles of `state_moments` change along a direction.

    With φ the log-weight that the changes make up, these are its covariances with the indicators.
    """
    n, q = field.shape
    weights = states_log_weights(tables, field, first, second)
    slopes = states_log_weights(tables_change, field_change, first, second)
    top = weights.max()
    for k in range(weights.size):
        weights[k] = np.exp(weights[k] - top)
    weights /= weights.sum()
    centre = (weights * slopes).sum()
    for k in range(weights.size):
        weights[k] *= slopes[k] - centre
    return state_sums(weights, edge_matrix(first, second, n), n, q, first.size)


@numba.njit(cache=True)
def draw_states(log_weights, n, q, count, state):
    """Draw `count` configurations independently, shape (count, n), int8."""
    cumulative = np.exp(log_weights - log_weights.max()).cumsum()
    x = np.empty((count, n), np.int8)
    for row in range(count):
        threshold = uniform(next_state(state)) * cumulative[-1]
        k = np.searchsorted(cumulative, threshold, side="right")
        for i in range(n):
            x[row, i] = k % q
            k //= q
    return x
