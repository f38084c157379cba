"""Two-valued units of many chains, drawn from their log-odds without an exponential each.

A unit is on where ``logit(u) < x``, u uniform. The leading bits of u choose a bracket of a table of
logits; only where x lies inside that bracket, once in 4 096 draws, is ``σ(x)`` computed.
"""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import next_word

BITS = 12
_LEVELS = np.arange(1, 1 << BITS) / (1 << BITS)
LOGITS = np.concatenate([[-np.inf], np.log(_LEVELS) - np.log1p(-_LEVELS), [np.inf]])


@numba.njit(inline="always")
def _unit(x, half, logits):
    """Return 1 with probability σ(x), given 32 random bits."""
    k = half >> np.uint64(32 - BITS)
    if x >= logits[k + np.uint64(1)]:
        return 1.0
    if x <= logits[k]:
        return 0.0
    u = (np.float64(half) + 0.5) / 4294967296.0
    return 1.0 if u * (1.0 + np.exp(-x)) < 1.0 else 0.0


@numba.njit(cache=True)
def draw_units(inputs, bias, scale, states, units):
    """Draw units (chains, n) that are 1 with log-odds ``scale_i (bias_j + inputs_ij)``, in place.

    `scale` (chains,) and generator `states` (chains, 4) have one row a chain.
    """
    logits = LOGITS
    chains, n = inputs.shape
    for i in range(chains):
        s0, s1, s2, s3 = states[i, 0], states[i, 1], states[i, 2], states[i, 3]
        t = scale[i]
        for j in range(0, n - 1, 2):
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            units[i, j] = _unit(t * (bias[j] + inputs[i, j]), word & np.uint64(0xFFFFFFFF), logits)
            units[i, j + 1] = _unit(
                t * (bias[j + 1] + inputs[i, j + 1]), word >> np.uint64(32), logits
            )
        if n % 2:
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            j = n - 1
            units[i, j] = _unit(t * (bias[j] + inputs[i, j]), word >> np.uint64(32), logits)
        states[i, 0], states[i, 1], states[i, 2], states[i, 3] = s0, s1, s2, s3
