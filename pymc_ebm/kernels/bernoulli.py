"""Two-valued units of many chains, drawn from their log-odds without an exponential each.

A unit is on where ``logit(u) < x``, u uniform. The leading bits of u choose a bracket of a table of
logits; only where x lies inside that bracket, once in 4 096 draws, is ``σ(x)`` computed.
"""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import next_word

BITS = 12
_LEVELS = np.arange(1, 1 << BITS) / (1 << BITS)
_LOGITS = np.concatenate([[-np.inf], np.log(_LEVELS) - np.log1p(-_LEVELS), [np.inf]])
LOGITS = {"float32": _LOGITS.astype(np.float32), "float64": _LOGITS}


def draw_units(inputs, bias, scale, states, units):
    """Draw units (chains, n) that are 1 with log-odds ``bias_j + scale_i · inputs_ij``, in place.

    `scale` (chains,) and generator `states` (chains, 4) have one row a chain; `inputs`, `bias` and
    `units` share a type, which is that of the arithmetic.
    """
    fill_units(inputs, bias, scale.astype(inputs.dtype), states, units, LOGITS[str(inputs.dtype)])


@numba.njit(cache=True)
def fill_units(inputs, bias, scale, states, units, logits):
    """Draw as `draw_units` says; `logits` is the table in the type of the inputs.

    Units inside their brackets are put off to a loop of their own: beside the others, the compiler
    would compute an exponential for all.
    """
    chains, n = inputs.shape
    bits, inside = np.empty(n + 1, np.uint32), np.empty(n + 1, np.int64)
    for i in range(chains):
        s0, s1, s2, s3 = states[i, 0], states[i, 1], states[i, 2], states[i, 3]
        for j in range(0, n, 2):
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            bits[j] = np.uint32(word)
            bits[j + 1] = np.uint32(word >> np.uint64(32))
        states[i, 0], states[i, 1], states[i, 2], states[i, 3] = s0, s1, s2, s3
        t, undecided = scale[i], 0
        for j in range(n):
            x = bias[j] + t * inputs[i, j]
            k = np.int64(bits[j] >> np.uint32(32 - BITS))
            units[i, j] = 1.0 if x >= logits[k + 1] else 0.0
            inside[undecided] = j
            undecided += (x > logits[k]) & (x < logits[k + 1])
        for m in range(undecided):
            j = inside[m]
            x = np.float64(bias[j] + t * inputs[i, j])
            u = (np.float64(bits[j]) + 0.5) / 4294967296.0
            units[i, j] = 1.0 if u * (1.0 + np.exp(-x)) < 1.0 else 0.0
