"""The generator against its published sequence."""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import next_word, seed_state, uniform


@numba.njit
def words(state, count):
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    out = np.empty(count, np.uint64)
    for k in range(count):
        out[k], s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
    return out


def test_reference_sequence():
    # the authors' C code from the state 1, 2, 3, 4 (also the test of Rust's rand_xoshiro)
    expected = [
        41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205,
        9973669472204895162, 14011001112246962877, 12406186145184390807, 15849039046786891736,
        10450023813501588000,
    ]  # fmt: skip
    state = np.array([1, 2, 3, 4], dtype=np.uint64)
    assert words(state, 10).tolist() == expected


def test_uniform_is_in_the_half_open_interval():
    convert = numba.njit(lambda word: uniform(word))
    assert convert(np.uint64(0)) == 0.0
    assert convert(np.uint64(2**64 - 1)) == 1 - 2.0**-53


def test_states_come_from_the_generator():
    first, second = seed_state(np.random.default_rng(1)), seed_state(np.random.default_rng(1))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.uint64
