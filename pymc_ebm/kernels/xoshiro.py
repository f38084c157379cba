"""xoshiro256++, a fast generator that compiles into the loop that calls it.

Calling a NumPy generator from numba costs a function pointer per number, more than a whole
spin update. A kernel instead receives four 64-bit words drawn from the step method's own
NumPy generator and continues from there.

References
----------
Blackman, D. and Vigna, S. (2021). Scrambled linear pseudorandom number generators.
ACM Transactions on Mathematical Software 47(4), 36.
"""

import numba
import numpy as np

_INV_2_53 = 1.0 / 9007199254740992.0  # spacing of the doubles drawn in [0, 1)


@numba.njit(inline="always")
def rotate_left(x, k):
    """Rotate the 64 bits of `x` left by `k`."""
    return (x << np.uint64(k)) | (x >> np.uint64(64 - k))


@numba.njit(inline="always")
def next_word(s0, s1, s2, s3):
    """Return one 64-bit random word and the four words of the next state."""
    word = rotate_left(s0 + s3, 23) + s0
    t = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = rotate_left(s3, 45)
    return word, s0, s1, s2, s3


@numba.njit(inline="always")
def uniform(word):
    """Map a random word to a double in [0, 1), 53 bits fine."""
    return np.float64(word >> np.uint64(11)) * _INV_2_53


def seed_state(rng: np.random.Generator) -> np.ndarray:
    """Draw a generator state, shape (4,), dtype uint64, from a NumPy generator."""
    return rng.integers(1, 2**64, size=4, dtype=np.uint64)


@numba.njit(cache=True)
def next_state(state):
    """Return one 64-bit random word and advance the state (4,) in place."""
    word, state[0], state[1], state[2], state[3] = next_word(state[0], state[1], state[2], state[3])
    return word
