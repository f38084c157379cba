"""Log-weights of a restricted Boltzmann machine on the way from one temperature to the next."""

from math import exp, log

import numba
import numpy as np

CHUNK = 64  # ratios whose product stays within a double for inputs below 11 each
SAFE = 10.0  # beyond, a logarithm is taken at once


@numba.njit(cache=True)
def softplus_change(inputs, bias, before, after):
    """Return ``Σ_j log(1 + e^{c_j + t′ x_j}) − log(1 + e^{c_j + t x_j})`` of every chain.

    x is `inputs` (chains, n) and c is `bias` (n,), both float32; t and t′ (chains,) float64.
    """
    chains, n = inputs.shape
    total = np.zeros(chains)
    for i in range(chains):
        product, change = 1.0, 0.0
        for j in range(n):
            a = bias[j] + before[i] * inputs[i, j]
            b = bias[j] + after[i] * inputs[i, j]
            if abs(a) < SAFE and abs(b) < SAFE:
                product *= (1.0 + exp(b)) / (1.0 + exp(a))
            else:
                change += max(b, 0.0) - max(a, 0.0)
                product *= (1.0 + exp(-abs(b))) / (1.0 + exp(-abs(a)))
            if j % CHUNK == CHUNK - 1:
                change += log(product)
                product = 1.0
        total[i] = change + log(product)
    return total
