"""Multi-spin coding: 64 replicas in the bits of a word, one word a site.

All replicas obey the same couplings at the same temperature. A site's neighbours are added up with
bitwise full adders, which sorts the 64 replicas into levels: how far the neighbours are from a tie.
On level l the spin goes against the majority with probability ``q_l = 1 / (1 + exp(2 w l))``. The
binary digits of q_l are compared with random bits, most significant first, in all 64 replicas at
once, until every comparison is decided (about ten words of random bits for a block of sites);
the decision is exact to 2⁻⁶⁴.

Blocks of sites and generators are laid out so that the inner loops become vector instructions.

References
----------
Jacobs, L. and Rebbi, C. (1981). Multi-spin coding: a very efficient technique for Monte Carlo
simulations of spin systems. Journal of Computational Physics 41, 203-210.
"""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import rotate_left

BLOCK = 16  # sites a block: two vector registers of the widest kind
DIGITS = 64
_NONE = np.uint64(0)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(inline="always")
def against_majority(digits, first, second, third, undecided, minority, s0, s1, s2, s3):
    """Decide for a block of sites which replicas go against the majority.

    `first`, `second`, `third` say which replicas are one, two, three levels away from the lowest
    level. The result is left in `minority`.
    """
    for k in range(BLOCK):
        undecided[k] = _ALL
        minority[k] = _NONE
    for b in range(DIGITS):
        digit0, digit1, digit2, digit3 = digits[b, 0], digits[b, 1], digits[b, 2], digits[b, 3]
        open_lanes = _NONE
        for k in range(BLOCK):
            a0, a1, a2, a3 = s0[k], s1[k], s2[k], s3[k]
            random = rotate_left(a0 + a3, 23) + a0
            t = a1 << np.uint64(17)
            a2 ^= a0
            a3 ^= a1
            a1 ^= a2
            a0 ^= a3
            a2 ^= t
            s0[k], s1[k], s2[k], s3[k] = a0, a1, a2, rotate_left(a3, 45)
            lowest = ~(first[k] | second[k] | third[k])
            digit = (
                (lowest & digit0) | (first[k] & digit1) | (second[k] & digit2) | (third[k] & digit3)
            )
            lanes = undecided[k]
            minority[k] |= lanes & digit & ~random
            lanes &= ~(digit ^ random)
            undecided[k] = lanes
            open_lanes |= lanes
        if open_lanes == _NONE:
            break


@numba.njit(cache=True)
def four_neighbor_sweeps(words, neighbors, flips, sites, digits, sweeps, state):
    """Heat bath on a graph where every vertex has four neighbours and all couplings one strength.

    `words` (n + 1,): bit r of word i: spin i of replica r is up. Updated in place; the last word is
    scratch; `neighbors` (N, 4): row k: the neighbours of ``sites[k]``. N is the number of sites
    padded to full blocks for each colour; padding writes to the scratch word; `flips` (1, 4) or (N,
    4): all bits set where the coupling is negative, else 0; `sites` (N,): order of the updates; a
    block must not hold two neighbours; `digits` (64, 4): column l: the binary digits of the
    probability on level l (0: a tie), as all-ones words; `sweeps`: number of passes over all sites;
    `state` (4, 16): generators, one for each place in a block; updated in place.
    """
    first, second = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    third = np.zeros(BLOCK, np.uint64)
    majority, minority = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    undecided = np.empty(BLOCK, np.uint64)
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    signed = flips.shape[0] > 1
    for _ in range(sweeps):
        for start in range(0, sites.size, BLOCK):
            for k in range(BLOCK):
                row = start + k
                a, b = words[neighbors[row, 0]], words[neighbors[row, 1]]
                c, d = words[neighbors[row, 2]], words[neighbors[row, 3]]
                f = row if signed else 0
                a ^= flips[f, 0]
                b ^= flips[f, 1]
                c ^= flips[f, 2]
                d ^= flips[f, 3]
                odd = a ^ b ^ c ^ d
                four = a & b & c & d
                first[k] = odd
                second[k] = four | ~(a | b | c | d)
                majority[k] = (odd & ((a & b) | (c & d))) | four
            against_majority(digits, first, second, third, undecided, minority, s0, s1, s2, s3)
            for k in range(BLOCK):
                words[sites[start + k]] = majority[k] ^ minority[k]


@numba.njit(cache=True)
def six_neighbor_sweeps(words, neighbors, flips, sites, digits, sweeps, state):
    """Heat bath where every vertex has six neighbours, as on cubic and triangular lattices.

    Arguments as for `four_neighbor_sweeps`, with six columns in `neighbors` and `flips`.
    """
    first, second = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    third = np.empty(BLOCK, np.uint64)
    majority, minority = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    undecided = np.empty(BLOCK, np.uint64)
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    signed = flips.shape[0] > 1
    for _ in range(sweeps):
        for start in range(0, sites.size, BLOCK):
            for k in range(BLOCK):
                row = start + k
                f = row if signed else 0
                a = words[neighbors[row, 0]] ^ flips[f, 0]
                b = words[neighbors[row, 1]] ^ flips[f, 1]
                c = words[neighbors[row, 2]] ^ flips[f, 2]
                d = words[neighbors[row, 3]] ^ flips[f, 3]
                g = words[neighbors[row, 4]] ^ flips[f, 4]
                h = words[neighbors[row, 5]] ^ flips[f, 5]
                # two full adders, then a half adder: count = one + 2 two + 4 four
                low, low_carry = a ^ b ^ c, (a & b) | (c & (a ^ b))
                high, high_carry = d ^ g ^ h, (d & g) | (h & (d ^ g))
                one, carry = low ^ high, low & high
                two = low_carry ^ high_carry ^ carry
                four = (low_carry & high_carry) | (carry & (low_carry ^ high_carry))
                first[k] = ~one & (two ^ four)  # two or four
                second[k] = one & ~two  # one or five
                third[k] = ~one & ~(two ^ four)  # none or six
                majority[k] = four
            against_majority(digits, first, second, third, undecided, minority, s0, s1, s2, s3)
            for k in range(BLOCK):
                words[sites[start + k]] = majority[k] ^ minority[k]


PLANES = 6
CAPACITY = 2**PLANES - 1  # words a vertical counter of so many planes can take


@numba.njit(inline="always")
def _add(block, planes):
    """Add a block of words to vertical counters: plane p holds digit p of every count."""
    for k in range(BLOCK):
        carry = block[k]
        for p in range(PLANES):
            old = planes[p, k]
            planes[p, k] = old ^ carry
            carry &= old


@numba.njit
def _empty(planes, totals):
    """Read the vertical counters into ordinary ones and reset them."""
    for p in range(PLANES):
        for k in range(BLOCK):
            word = planes[p, k]
            planes[p, k] = _NONE
            for r in range(64):
                totals[r] += np.int64((word >> np.uint64(r)) & np.uint64(1)) << p


@numba.njit(cache=True)
def measure(words, first, second, flips, satisfied, ups):
    """Count satisfied edges and up spins of each replica, into two arrays of shape (64,).

    `flips` (1,) or (m,) has all bits set where the coupling of edge (first, second) is negative.
    """
    satisfied[:] = 0
    ups[:] = 0
    planes, block = np.zeros((PLANES, BLOCK), np.uint64), np.empty(BLOCK, np.uint64)
    signed = flips.size > 1
    held = 0
    for start in range(0, first.size, BLOCK):
        for k in range(BLOCK):
            e = start + k
            block[k] = _NONE
            if e < first.size:
                block[k] = ~(words[first[e]] ^ words[second[e]] ^ flips[e if signed else 0])
        _add(block, planes)
        held += 1
        if held == CAPACITY:
            _empty(planes, satisfied)
            held = 0
    _empty(planes, satisfied)
    held = 0
    for start in range(0, words.size, BLOCK):
        for k in range(BLOCK):
            block[k] = words[start + k] if start + k < words.size else _NONE
        _add(block, planes)
        held += 1
        if held == CAPACITY:
            _empty(planes, ups)
            held = 0
    _empty(planes, ups)


@numba.njit(cache=True)
def square_lattice_sweeps(words, flip, digits, sweeps, state):
    """Heat bath on a periodic square lattice (rows, columns), even sides: no list of neighbours.

    `flip` has all bits set for negative couplings; the rest is as for `four_neighbor_sweeps`.
    """
    first, second = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    third = np.zeros(BLOCK, np.uint64)
    majority, minority = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    undecided = np.empty(BLOCK, np.uint64)
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    rows, columns = words.shape
    flat = words.reshape(-1)
    half = columns // 2
    for _ in range(sweeps):
        for color in range(2):
            for i in range(rows):
                # unsigned positions: numba would check signed ones for wrapping
                own = np.uint64(i * columns)
                above = np.uint64((i - 1 if i else rows - 1) * columns)
                below = np.uint64((i + 1 if i + 1 < rows else 0) * columns)
                offset = (i + color) & 1
                for start in range(0, half, BLOCK):
                    filled = min(BLOCK, half - start)
                    for k in range(filled):
                        j = 2 * (start + k) + offset
                        here = np.uint64(j)
                        left = np.uint64(j - 1 if j else columns - 1)
                        right = np.uint64(j + 1 if j + 1 < columns else 0)
                        a, b = flat[above + here], flat[below + here]
                        c, d = flat[own + left], flat[own + right]
                        odd = a ^ b ^ c ^ d
                        four = a & b & c & d
                        first[k] = odd
                        second[k] = four | ~(a | b | c | d)
                        majority[k] = ((odd & ((a & b) | (c & d))) | four) ^ flip
                    for k in range(filled, BLOCK):
                        second[k] = _ALL
                        first[k] = _NONE
                    against_majority(
                        digits, first, second, third, undecided, minority, s0, s1, s2, s3
                    )
                    for k in range(filled):
                        place = own + np.uint64(2 * (start + k) + offset)
                        flat[place] = majority[k] ^ minority[k]


@numba.njit(cache=True)
def measure_square_lattice(words, flip, satisfied, ups):
    """Do what `measure` does on a periodic square lattice (rows, columns)."""
    satisfied[:] = 0
    ups[:] = 0
    rows, columns = words.shape
    edges, spins = np.zeros((PLANES, BLOCK), np.uint64), np.zeros((PLANES, BLOCK), np.uint64)
    block = np.empty(BLOCK, np.uint64)
    held = 0
    for i in range(rows):
        below = i + 1 if i + 1 < rows else 0
        for start in range(0, columns, BLOCK):
            filled = min(BLOCK, columns - start)
            for k in range(filled):
                block[k] = words[i, start + k]
            for k in range(filled, BLOCK):
                block[k] = _NONE
            _add(block, spins)
            for k in range(filled):
                block[k] = ~(words[i, start + k] ^ words[below, start + k] ^ flip)
            _add(block, edges)
            for k in range(filled):
                j = start + k
                block[k] = ~(words[i, j] ^ words[i, j + 1 if j + 1 < columns else 0] ^ flip)
            _add(block, edges)
            held += 1
            if 2 * held + 2 > CAPACITY:
                _empty(edges, satisfied)
                _empty(spins, ups)
                held = 0
    _empty(edges, satisfied)
    _empty(spins, ups)
