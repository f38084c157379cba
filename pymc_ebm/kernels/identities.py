"""Sums over sites of what heat-bath identities say is zero on average."""

import numba


@numba.njit(cache=True)
def site_sums(x, probability, weights, rounding, values, variance, fourth):
    """Add up ``w_i(x_i) − E[w_i]`` over sites, and its second and fourth conditional moments.

    x (C, D, S): state numbers; probability, weights (C, D, S, q), of any strides; values, variance,
    fourth (C, D): overwritten. Deviations below `rounding` times the largest weight count as zero.
    """
    chains, draws, sites, q = probability.shape
    largest = 0.0
    for c in range(chains):
        for d in range(draws):
            for i in range(sites):
                for a in range(q):
                    largest = max(largest, abs(weights[c, d, i, a]))
    least = rounding * largest
    for c in range(chains):
        for d in range(draws):
            total, second, last = 0.0, 0.0, 0.0
            for i in range(sites):
                mean = 0.0
                for a in range(q):
                    mean += probability[c, d, i, a] * weights[c, d, i, a]
                for a in range(q):
                    off = weights[c, d, i, a] - mean
                    if abs(off) <= least:
                        continue
                    square = off * off
                    second += probability[c, d, i, a] * square
                    last += probability[c, d, i, a] * square * square
                    if x[c, d, i] == a:
                        total += off
            values[c, d], variance[c, d], fourth[c, d] = total, second, last
