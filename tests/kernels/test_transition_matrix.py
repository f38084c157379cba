"""Transition matrices of the compiled kernels themselves: πT = π to 1e-12.

A kernel's decision is a step function of its random word. xoshiro256++ can be run backwards, so a
generator state can be written whose next words are any we like; bisection over them finds where
the decision flips, to the last of 53 bits, and that is the transition probability. No sampling, no
tolerance but rounding.
"""

from functools import reduce

import numpy as np
import pytest

from pymc_ebm import Graph
from pymc_ebm.kernels import heat_bath, heat_bath_states, heat_bath_tables, metropolis, tempering
from pymc_ebm.kernels.metropolis import LAZINESS
from pymc_ebm.kernels.xoshiro import next_word
from pymc_ebm.moves.heat_bath import padded_rows
from tests.oracles import boltzmann

MASK, TOP = 2**64 - 1, 2**53
GRAPH = Graph.from_edges([(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)], 4)
RNG = np.random.default_rng(12)
J, H = RNG.normal(0, 0.6, 5), RNG.normal(0, 0.5, 4)
INDPTR, INDICES, NUMBERS = GRAPH.neighbors


def turn(x, k):
    """Rotate 64 bits to the left; to the right for negative k."""
    k %= 64
    return ((x << k) | (x >> (64 - k))) & MASK


def state_with_words(first, second):
    """Write a generator state whose next two 53-bit numbers are given."""
    out1, out2 = first << 11, second << 11
    b = 0x9E3779B97F4A7C15
    v = turn((turn((out2 - b) & MASK, -23) - b) & MASK, -45)
    s0 = b ^ v
    s3 = (turn((out1 - s0) & MASK, -23) - s0) & MASK
    return np.array([s0, s3 ^ v, 88172645463325252, s3], dtype=np.uint64)


def test_the_generator_can_be_run_backwards():
    first, second = 123456789012345, 4242424242424242
    s = state_with_words(first, second)
    word, *s = next_word(*s)
    assert int(word) >> 11 == first
    assert int(next_word(*s)[0]) >> 11 == second


def first_index(is_low):
    """Return how many of the 2^53 numbers satisfy a predicate that holds up to a point."""
    low, high = 0, TOP
    while low < high:
        middle = (low + high) // 2
        if is_low(middle):
            low = middle + 1
        else:
            high = middle
    return low


def configurations(q, n):
    return (np.arange(q**n)[:, None] // q ** np.arange(n)) % q


def number(x, q):
    return int(x @ q ** np.arange(len(x)))


def site_matrix(q, n, i, decide, proposals=1):
    """Build the transition matrix of one site's update by asking the kernel.

    `decide(x, state)` updates a configuration of state numbers in place.
    """
    states = configurations(q, n)
    T = np.zeros((q**n, q**n))

    def after(x, proposal, word):
        x = x.copy()
        a = ((2 * proposal + 1) * TOP) // (2 * proposals)
        decide(x, state_with_words(*((a, word) if proposals > 1 else (word, 1))))
        return number(x, q)

    for k, x in enumerate(states):
        for proposal in range(proposals):
            low = 0
            while low < TOP:  # each piece of the unit interval has one outcome
                outcome = after(x, proposal, low)
                share = first_index(lambda w: w <= low or after(x, proposal, w) == outcome)  # noqa: B023
                T[k, outcome] += (share - low) / TOP / proposals
                low = share
    return T


def spins(kernel):
    """Let a kernel of spins act on state numbers 0 and 1."""

    def decide(x, state):
        s = (2 * x - 1).astype(np.int8)
        kernel(s, state)
        x[:] = (s + 1) // 2

    return decide


def padded(kernel, filler):
    def run(s, state):
        longer = np.append(s, np.int8(filler))
        kernel(longer, state)
        s[:] = longer[:-1]

    return run


def site(i):
    return np.array([i], np.uint32)


NEIGHBORS = padded_rows(GRAPH, INDICES, 4, np.uint32)


def weighted(i, J):
    return spins(
        lambda s, st: heat_bath.weighted_sweeps(s, INDPTR, INDICES, J[NUMBERS], site(i), H, 1, st)
    )


def tabled(i, J):
    weights = padded_rows(GRAPH, J[NUMBERS], 0, np.float64)
    odds = heat_bath_tables.odds_tables(weights)
    return spins(padded(
        lambda s, st: heat_bath_tables.tabled_sweeps(
            s, NEIGHBORS[[i]], odds[[i]], site(i), H, 1, st
        ), -1,
    ))  # fmt: skip


def uniform(i, J):
    return spins(padded(
        lambda s, st: heat_bath.uniform_coupling_sweeps(
            s, NEIGHBORS[[i]], site(i), J[0], H, 1, st
        ), 0,
    ))  # fmt: skip


def metropolis_spins(i, J):
    return spins(
        lambda s, st: metropolis.spin_sweeps(s, INDPTR, INDICES, J[NUMBERS], site(i), H, 1, st)
    )


def log_weights(q, K, J, table):
    x = configurations(q, 4)
    a, b = GRAPH.edges.T
    return (J * K[x[:, a], x[:, b]]).sum(1) + table[np.arange(4), x].sum(1)


ISING = np.array([[1.0, -1.0], [-1.0, 1.0]])
SPIN_TABLE = np.column_stack([-H, H])


@pytest.mark.parametrize("kernel", [weighted, tabled, uniform, metropolis_spins])
def test_spin_kernels(kernel):
    """A whole sweep; and couplings off by 1e-9 are seen."""
    couplings = np.full(5, 0.37) if kernel is uniform else J
    pi = boltzmann(-log_weights(2, ISING, couplings, SPIN_TABLE))
    sweep = reduce(np.matmul, (site_matrix(2, 4, i, kernel(i, couplings)) for i in range(4)))
    np.testing.assert_allclose(sweep.sum(axis=1), 1.0, atol=1e-14)
    assert np.abs(pi @ sweep - pi).max() < 1e-12
    assert (sweep > 0).all()  # irreducible and aperiodic
    off = reduce(
        np.matmul, (site_matrix(2, 4, i, kernel(i, couplings * (1 + 1e-9))) for i in range(4))
    )
    assert np.abs(pi @ off - pi).max() > 1e-12


def test_metropolis_accepts_with_the_stated_probability():
    """Strong field on an uncoupled spin: both directions, laziness included."""
    decide = spins(
        lambda s, st: metropolis.spin_sweeps(
            s, INDPTR, INDICES, 0 * J[NUMBERS], site(0), np.full(4, 0.8), 1, st
        )
    )
    T = site_matrix(2, 4, 0, decide)
    assert T[0, 1] == pytest.approx(LAZINESS, abs=1e-15)
    assert T[1, 0] == pytest.approx(LAZINESS * np.exp(-1.6), abs=1e-15)


STATES = {
    "Potts": (np.eye(3), True),
    "Blume–Capel": (np.outer([-1, 0, 1], [-1, 0, 1]).astype(float), False),
}


@pytest.mark.parametrize("move", ["heat bath", "Metropolis"])
@pytest.mark.parametrize("family", STATES)
def test_state_kernels(family, move):
    K, agree = STATES[family]
    table = np.random.default_rng(1).normal(0, 0.5, (4, 3))
    pi = boltzmann(-log_weights(3, K, J, table))

    def update(i, J):
        def decide(x, state):
            numbers = x.astype(np.int8)
            graph = (numbers, INDPTR, INDICES, J[NUMBERS], K)
            if move == "heat bath":
                heat_bath_states.states_sweeps(*graph, agree, site(i), table, 1, state)
            else:
                metropolis.states_sweeps(*graph, site(i), table, 1, state)
            x[:] = numbers

        return site_matrix(3, 4, i, decide, proposals=1 if move == "heat bath" else 2)

    sites = [update(i, J) for i in range(4)]
    sweep = reduce(np.matmul, sites)
    assert np.abs(pi @ sweep - pi).max() < 1e-12
    for T in sites:  # each site's update is reversible
        flow = pi[:, None] * T
        assert np.abs(flow - flow.T).max() < 1e-15
    off = reduce(np.matmul, (update(i, J * (1 + 1e-9)) for i in range(4)))
    assert np.abs(pi @ off - pi).max() > 1e-12


@pytest.mark.parametrize("anchored", [False, True], ids=["one target", "last rung apart"])
def test_a_swap_keeps_the_product_of_its_rungs(anchored):
    """Two rungs over six levels; the last may have another log-weight. A wrong scale is seen."""
    rng = np.random.default_rng(2)
    L = rng.normal(0, 1.5, 6)
    last = rng.normal(0, 1.5, 6) if anchored else L
    scales = np.array([0.3, 1.0])
    lower, upper = boltzmann(-0.3 * L), boltzmann(-last)

    def moved(assumed):
        after = np.zeros((6, 6))
        for a in range(6):
            for b in range(6):

                def swapped(word, a=a, b=b):
                    place = np.array([0, 1])
                    tempering.swap(
                        place, L[[a, b]], last[[a, b]], assumed, 0, np.zeros(2, np.int8), np.zeros(1),
                        np.zeros(1, np.int64), state_with_words(word, 1),
                    )  # fmt: skip
                    return place[0] == 1

                chance = first_index(swapped) / TOP
                after[b, a] += lower[a] * upper[b] * chance
                after[a, b] += lower[a] * upper[b] * (1 - chance)
        return np.abs(after - np.outer(lower, upper)).max()

    assert moved(scales) < 1e-15
    assert moved(scales * [1 + 1e-6, 1]) > 1e-9
