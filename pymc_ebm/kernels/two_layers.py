"""log Z of a restricted Boltzmann machine, by all configurations of one layer."""

from math import exp, log, log1p

import numba
import numpy as np

CHUNK = 512  # factors 1 + e^-|x| ≤ 2 whose product still fits a double


@numba.njit(cache=True)
def sum_softplus(inputs):
    """Return ``Σ_i log(1 + e^{x_i})`` with one logarithm for many terms."""
    total = 0.0
    for start in range(0, inputs.size, CHUNK):
        product, positive = 1.0, 0.0
        for i in range(start, min(start + CHUNK, inputs.size)):
            product *= 1.0 + exp(-abs(inputs[i]))
            positive += max(inputs[i], 0.0)
        total += positive + log(product)
    return total


@numba.njit(cache=True)
def layer_log_weights(W, b, c):
    """Return ``c·h + Σ_i log(1 + exp(b_i + (hW)_i))`` of all 2^k configurations of a layer.

    W (k, n) has the enumerated layer first; b (n,), c (k,); bit j of the index is h_j.
    """
    k, n = W.shape
    log_weights = np.empty(1 << k)
    partial = np.empty((k + 1, n))  # row j: inputs from the units above j
    bias = np.zeros(k + 1)
    partial[k] = b
    for number in range(1 << k):
        # units below the lowest one that changed are set afresh
        changed = k if number == 0 else 1
        while number and not (number >> (changed - 1)) & 1:
            changed += 1
        for j in range(min(changed, k) - 1, -1, -1):
            if (number >> j) & 1:
                partial[j] = partial[j + 1] + W[j]
                bias[j] = bias[j + 1] + c[j]
            else:
                partial[j] = partial[j + 1]
                bias[j] = bias[j + 1]
        log_weights[number] = bias[0] + sum_softplus(partial[0])
    return log_weights


@numba.njit(cache=True)
def layer_moments(W, b, c):
    """Return log Z, ``⟨h_j v_i⟩`` (k, n), ``⟨v_i⟩`` (n,) and ``⟨h_j⟩`` (k,).

    Arguments as for `layer_log_weights`.
    """
    k, n = W.shape
    W = np.ascontiguousarray(W)
    weights = layer_log_weights(W, b, c)
    top = weights.max()
    for number in range(weights.size):
        weights[number] = exp(weights[number] - top)
    total = weights.sum()
    products, mean_v, mean_h = np.zeros((k, n)), np.zeros(n), np.zeros(k)
    partial = np.empty((k + 1, n))
    partial[k] = b
    # sums over finished subtrees, waiting for their siblings: one row a level
    waiting, rising = np.zeros((k + 1, n)), np.empty(n)
    for number in range(1 << k):
        changed = k if number == 0 else 1
        while number and not (number >> (changed - 1)) & 1:
            changed += 1
        for j in range(min(changed, k) - 1, -1, -1):
            if (number >> j) & 1:
                partial[j] = partial[j + 1] + W[j]
            else:
                partial[j] = partial[j + 1]
        weight = weights[number] / total
        if weight > 0.0:
            for i in range(n):
                rising[i] = weight / (1.0 + exp(-partial[0, i]))
            for j in range(k):
                if (number >> j) & 1:
                    mean_h[j] += weight
        else:
            rising[:] = 0.0
        level = 0
        while (number >> level) & 1:
            products[level] += rising
            rising += waiting[level]
            level += 1
        waiting[level] = rising
    mean_v[:] = waiting[k]
    return top + log1p(total - 1.0), products, mean_v, mean_h
