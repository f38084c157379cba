"""log Z and all moments up to pairs of a few spins, without a table of all configurations.

The spins are split into low and high ones. A block is one configuration of the high spins: it acts
on the low ones as a field, so its 2^low weights are a fixed table (couplings among low spins)
times a product of odds, both of which fit the first-level cache. Each configuration costs about
six multiplications and additions, and no exponential.
"""

import numba
import numpy as np

from pymc_ebm.kernels.enumeration import fill_exponents, pair_log_weights

LOW_SPINS = 10
REORDER = {"reassoc", "nsz", "contract"}  # lets sums use vector registers; NaN stays NaN
LOG_RANGE = 600.0  # beyond this sum of |βJ| and |βh| products of weights could under- or overflow


@numba.njit(cache=True)
def fill_odds(odds, effective, low):
    """Write ``Π_i exp(effective_i s_i − |effective_i|)`` for all configurations."""
    odds[0] = 1.0
    for i in range(low):
        width = 1 << i
        ratio = np.exp(-2.0 * abs(effective[i]))
        up, down = (1.0, ratio) if effective[i] >= 0 else (ratio, 1.0)
        for k in range(width):
            odds[width + k] = odds[k] * up
            odds[k] *= down


@numba.njit(cache=True, fastmath=REORDER)
def first_moments(weights, low, space, out):
    """Write ``Σ_k w_k s_i(k)`` for every low spin; return ``Σ_k w_k``. Spoils `space`."""
    size = 1 << low
    if low == 0:
        return weights[0]
    half = size >> 1
    difference = 0.0
    for k in range(half):
        a, b = weights[k], weights[half + k]
        space[k] = a + b
        difference += b - a
    out[low - 1] = difference
    for i in range(low - 2, -1, -1):
        half >>= 1
        difference = 0.0
        for k in range(half):
            a, b = space[k], space[half + k]
            space[k] = a + b
            difference += b - a
        out[i] = difference
    return space[0]


@numba.njit(cache=True)
def pair_moments(weights, low, out):
    """Write ``Σ_k w_k s_i(k) s_j(k)`` for all pairs of low spins, i < j. Spoils `weights`."""
    space = np.empty(1 << low)
    difference = np.empty(1 << low)
    moments = np.empty(low)
    for j in range(low - 1, 0, -1):
        half = 1 << j
        for k in range(half):
            a, b = weights[k], weights[half + k]
            difference[k] = b - a
            weights[k] = a + b
        first_moments(difference, j, space, moments)
        for i in range(j):
            out[i, j] = moments[i]


@numba.njit(cache=True)
def block_log_weights(coupling, field, low, block, spins, effective):
    """Write the high spins of a block and the fields on the low ones; return the log of the rest.

    The rest is what high spins contribute among themselves, and ``Σ |effective_i|``.
    """
    high = spins.size
    for a in range(high):
        spins[a] = 1.0 if (block >> a) & 1 else -1.0
    rest = 0.0
    for a in range(high):
        local = field[low + a]
        for b in range(a):
            local += coupling[low + a, low + b] * spins[b]
        rest += local * spins[a]
    for i in range(low):
        local = field[i]
        for a in range(high):
            local += coupling[i, low + a] * spins[a]
        effective[i] = local
        rest += abs(local)
    return rest


@numba.njit(cache=True)
def fill_weights(weights, effective, low, log_low, table, wide):
    """Write a block's weights with the largest near 1; return the log of what was divided out."""
    if not wide:
        fill_odds(weights, effective, low)
        for k in range(weights.size):
            weights[k] *= table[k]
        return 0.0
    fill_exponents(weights, effective, low)
    peak = -np.inf
    for k in range(weights.size):
        weights[k] += log_low[k]
        peak = max(peak, weights[k])
    for k in range(weights.size):
        weights[k] = np.exp(weights[k] - peak)
    return peak


@numba.njit(cache=True)
def accumulate(weights, factor, spins, low, profile, space, moments, mean, pairs):
    """Scale a block's weights, add them to the sums of moments, and return their sum."""
    high = spins.size
    for k in range(weights.size):
        weights[k] *= factor
        profile[k] += weights[k]
    weight = first_moments(weights, low, space, moments)
    for a in range(high):
        signed = weight * spins[a]
        mean[low + a] += signed
        for i in range(low):
            pairs[i, low + a] += moments[i] * spins[a]
        for b in range(a):
            pairs[low + b, low + a] += signed * spins[b]
    for i in range(low):
        mean[i] += moments[i]
    return weight


@numba.njit(cache=True)
def ising_moments(coupling, field):
    """Return log Z, ``⟨s_i⟩`` and ``⟨s_i s_j⟩`` for ``p(s) ∝ exp(½ sᵀ coupling s + fieldᵀ s)``.

    `coupling` (n, n) is symmetric with an empty diagonal; `field` (n,). The pairs (n, n) are filled
    for i < j and zero elsewhere.
    """
    n = field.size
    low = min(n, LOW_SPINS)
    size = 1 << low
    log_low = pair_log_weights(coupling, low)
    top_low = log_low.max()
    log_low -= top_low
    table = np.exp(log_low)
    wide = 0.5 * np.abs(coupling).sum() + np.abs(field).sum() > LOG_RANGE
    weights, space, profile = np.empty(size), np.empty(size), np.zeros(size)
    mean, pairs = np.zeros(n), np.zeros((n, n))
    effective, moments, spins = np.empty(low), np.empty(low), np.empty(n - low)
    total, scale = 0.0, -np.inf
    for block in range(1 << (n - low)):
        log_block = top_low + block_log_weights(coupling, field, low, block, spins, effective)
        log_block += fill_weights(weights, effective, low, log_low, table, wide)
        if log_block > scale:
            shrink = np.exp(scale - log_block)
            scale = log_block
            total *= shrink
            profile *= shrink
            mean *= shrink
            pairs *= shrink
        factor = np.exp(log_block - scale)
        total += accumulate(weights, factor, spins, low, profile, space, moments, mean, pairs)
    pair_moments(profile, low, pairs)
    return scale + np.log(total), mean / total, pairs / total


@numba.njit(cache=True)
def ising_moment_derivatives(coupling, field, coupling_change, field_change):
    """Return how the moments of `ising_moments` change when couplings and fields do.

    With ``φ(s) = ½ sᵀ coupling_change s + field_changeᵀ s`` these are the covariances of φ with
    the spins and with their pairs, a product of the Fisher information with a vector.
    """
    n = field.size
    low = min(n, LOW_SPINS)
    size = 1 << low
    log_z, mean, pairs = ising_moments(coupling, field)
    centre = (field_change * mean).sum() + (coupling_change * pairs).sum()
    log_low = pair_log_weights(coupling, low)
    top_low = log_low.max()
    log_low -= top_low
    table, slope_low = np.exp(log_low), pair_log_weights(coupling_change, low)
    wide = 0.5 * np.abs(coupling).sum() + np.abs(field).sum() > LOG_RANGE
    weights, slopes, space = np.empty(size), np.empty(size), np.empty(size)
    profile, mean, pairs = np.zeros(size), np.zeros(n), np.zeros((n, n))
    effective, moments, spins = np.empty(low), np.empty(low), np.empty(n - low)
    for block in range(1 << (n - low)):
        rest = block_log_weights(coupling_change, field_change, low, block, spins, effective)
        fill_exponents(slopes, effective, low)
        log_block = top_low + block_log_weights(coupling, field, low, block, spins, effective)
        log_block += fill_weights(weights, effective, low, log_low, table, wide)
        factor = np.exp(log_block - log_z)
        for k in range(size):
            weights[k] *= rest + slopes[k] + slope_low[k] - centre
        accumulate(weights, factor, spins, low, profile, space, moments, mean, pairs)
    pair_moments(profile, low, pairs)
    return mean, pairs


@numba.njit(cache=True)
def edge_moments(coupling, field, first, second):
    """Return log Z, ``⟨s_i s_j⟩`` of the edges (m,) and ``⟨s_i⟩``; one coupling an edge."""
    log_z, mean, pairs = ising_moments(dense(coupling, first, second, field.size), field)
    return log_z, on_edges(pairs, first, second), mean


@numba.njit(cache=True)
def edge_moment_derivatives(coupling, field, coupling_change, field_change, first, second):
    """Return how the moments of `edge_moments` change in a direction, pairs first."""
    n = field.size
    mean, pairs = ising_moment_derivatives(
        dense(coupling, first, second, n),
        field,
        dense(coupling_change, first, second, n),
        field_change,
    )
    return on_edges(pairs, first, second), mean


@numba.njit(cache=True)
def dense(coupling, first, second, n):
    """Return couplings as a symmetric matrix."""
    matrix = np.zeros((n, n))
    for e in range(coupling.size):
        matrix[first[e], second[e]] = matrix[second[e], first[e]] = coupling[e]
    return matrix


@numba.njit(cache=True)
def on_edges(matrix, first, second):
    """Return the entries of a matrix at the edges."""
    values = np.empty(first.size)
    for e in range(first.size):
        values[e] = matrix[first[e], second[e]]
    return values
