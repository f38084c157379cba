"""Couplings from 1e-8 to 1e3 and fields to 1e7 that oppose each other: no bound, no lost digit.

Transition probabilities are read off the kernels' decisions by bisection, as in
`test_transition_matrix`; normalisers are compared with sums over two or three variables.
"""

import numpy as np
import pytest

from scipy.special import expit, log_softmax, logsumexp

from pymc_ebm import Graph
from pymc_ebm.kernels import enumeration_states, exact_moments, heat_bath_states, two_layers
from pymc_ebm.kernels.metropolis import LAZINESS
from pymc_ebm.moves.clusters import SwendsenWang
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.moves.metropolis import Metropolis
from tests.kernels.test_tables import by_elimination, by_enumeration, oracle
from tests.kernels.test_transition_matrix import TOP, first_index, state_with_words

COUPLINGS = [1e-8, 1e-3, 1.0, 30.0, 1e3]
FIELDS = [0.0, 1e-8, 1.0, 200.0, 1e3, 1e7]
STAR = Graph.from_edges([(0, k) for k in range(1, 5)])


def cases():
    """Local fields at the hub of a star that strong fields and couplings leave between -3 and 3."""
    rng = np.random.default_rng(0)
    for coupling in COUPLINGS:
        for field in FIELDS:
            for kernel in ("uniform", "tabled", "sparse"):
                if kernel == "sparse" and coupling < 1e3:
                    continue
                J = np.full(4, coupling)
                if kernel != "uniform":
                    J = J * rng.uniform(0.5, 1.5, 4)
                spins = np.array([1, 1, -1, 1, 1], np.int8)
                pull = J @ spins[1:]
                for h in {field, -field, -pull + 0.3, -pull - 1e-3}:
                    yield kernel, J, float(h), spins


def chance_of_up(move, spins, field):
    """Return the probability with which the hub, updated first, becomes +1."""

    def up(word):
        x = spins.copy()
        move.sweep(x, field, 1, state_with_words(word, 1))
        return x[0] > 0

    if up(0) == up(TOP - 1):
        return float(up(0))
    low = first_index(lambda w: up(w) == up(0)) / TOP
    return low if up(0) else 1 - low


@pytest.mark.parametrize("kernel", ["uniform", "tabled", "sparse"])
def test_heat_bath(kernel):
    for name, J, h, spins in cases():
        if name != kernel:
            continue
        move = HeatBath(STAR, J)
        if move.kernel != kernel:  # tables do not take the strongest
            assert J.max() > 30, kernel
            continue
        field = np.zeros(5)
        field[0] = h
        expected = expit(2 * (h + J @ spins[1:]))
        got = chance_of_up(one_site(move), spins, field)
        assert got == pytest.approx(expected, rel=1e-6, abs=2.0**-52), (J, h)


def one_site(move):
    """Let a move update the hub alone."""
    for name in ("_padded", "_grouped", "_odds"):
        if getattr(move, name, None) is not None:
            setattr(move, name, getattr(move, name)[move._sites == 0])
    move._sites = np.array([0], np.uint32)
    return move


def test_metropolis():
    for _, J, h, spins in cases():
        field = np.zeros(5)
        field[0] = h
        down = spins.copy()
        down[0] = -1
        expected = LAZINESS * np.exp(min(2 * (h + J @ spins[1:]), 0.0))
        got = chance_of_up(one_site(Metropolis(STAR, J)), down, field)
        assert got == pytest.approx(expected, rel=1e-6, abs=2.0**-52), (J, h)


def test_states():
    """Three states, two strong and opposed, one impossible in turn."""
    pair = Graph.from_edges([(0, 1)])
    indptr, indices, _ = pair.neighbors
    K = np.array([[1.0, -0.5, 0.2], [-0.5, 0.0, 0.7], [0.2, 0.7, -1.0]])
    for coupling in COUPLINGS:
        for strength in FIELDS:
            for absent in (None, 0, 1, 2):
                field = np.zeros((2, 3))
                field[0] = -coupling * K[:, 1] + [0.3, 0.0, -0.2] + strength  # nearly cancels K
                if absent is not None:
                    field[0, absent] = -np.inf
                expected = np.exp(log_softmax(field[0] + coupling * K[:, 1]))
                got, before = [], 0

                def drawn(word, field=field, coupling=coupling):
                    x = np.array([(absent or 0) and 0, 1], np.int8)  # noqa: B023
                    heat_bath_states.states_sweeps(
                        x, indptr, indices, np.full(2, coupling), K, False, np.zeros(1, np.uint32),
                        field, 1, state_with_words(word, 1),
                    )  # fmt: skip
                    return x[0]

                for a in range(3):
                    upto = first_index(lambda w, a=a: drawn(w) <= a)
                    got.append((upto - before) / TOP)
                    before = upto
                rounding = 1e-15 * (strength + coupling)
                np.testing.assert_allclose(got, expected, rtol=1e-6, atol=rounding + 2.0**-52)
                if absent is not None:
                    assert got[absent] == 0


def test_normalisers():
    """Elimination and enumeration of tables; spins; layers; with the rounding of the largest sum."""
    triangle = Graph.from_edges([(0, 1), (0, 2), (1, 2)])
    first, second = (np.ascontiguousarray(v) for v in triangle.edges.T)
    rng = np.random.default_rng(1)
    for coupling in COUPLINGS:
        for strength in FIELDS:
            J, h = coupling * rng.normal(size=3), rng.normal(size=3)
            h += strength * np.array([1.0, -1.0, 1.0])
            rounding = 1e-15 * (coupling + strength)
            tables = J[:, None, None] * np.array([[1.0, -1.0], [-1.0, 1.0]])
            field = np.column_stack([-h, h])
            _, _, log_z, pairs, marginals = oracle(triangle, tables, field)
            for method in (by_elimination, by_enumeration):
                got = method(triangle, tables, field)
                np.testing.assert_allclose(got[0], log_z, rtol=1e-14)
                np.testing.assert_allclose(got[1], pairs, atol=1e-14 + 10 * rounding)
            got = exact_moments.edge_moments(J, h, first, second)
            np.testing.assert_allclose(got[0], log_z, rtol=1e-14)
            np.testing.assert_allclose(got[2], marginals @ [-1, 1], atol=1e-14 + 10 * rounding)
            W = coupling * rng.normal(size=(2, 3))
            b = rng.normal(size=3) - strength
            states = np.arange(4)[:, None] >> np.arange(2) & 1
            inputs = b + states @ W
            expected = logsumexp(states @ [strength, 0.5] + np.logaddexp(0, inputs).sum(1))
            got = two_layers.layer_moments(W, b, np.array([strength, 0.5]))
            np.testing.assert_allclose(got[0], expected, rtol=1e-14)
            assert all(np.isfinite(part).all() for part in got[1:])


def test_an_impossible_state_is_never_drawn_nor_nan():
    """Every state but one impossible, at every vertex in turn: also the first, and two values."""
    pair = Graph.from_edges([(0, 1)])
    for q in (2, 3, 4):
        for only in range(q):
            field = np.zeros((2, q))
            field[0] = -np.inf
            field[0, only] = 1e3
            tables = 1e3 * np.random.default_rng(only).normal(size=(1, q, q))
            for method in (by_elimination, by_enumeration):
                log_z, pairs, marginals = method(pair, tables, field)
                assert np.isfinite(log_z)
                np.testing.assert_allclose(marginals[0], np.eye(q)[only], rtol=1e-14, atol=0)
                assert np.isfinite(pairs).all()
            logw = enumeration_states.states_log_weights(
                tables, field, np.zeros(1, int), np.ones(1, int)
            )
            assert np.isfinite(logw).sum() == q


@pytest.mark.parametrize("coupling", [1e-12, 1e-8, 0.3, 12.0, 1e3])
def test_bonds_have_their_probability(coupling):
    """An edge whose ends agree: both halves of a word, and the word after where the first ties."""
    digits = SwendsenWang(Graph.from_edges([(0, 1)]), np.float64(coupling))._thresholds
    number = (int(digits[0, 0]) << 32) + int(digits[1, 0])
    exact = -np.expm1(-2 * coupling)
    assert number / 2**64 == pytest.approx(exact, rel=1e-6)
    missing = np.exp(-2 * coupling) * 2.0**64
    assert 2**64 - number == pytest.approx(missing, rel=1e-6, abs=1.5)


def test_ties_of_the_first_digits_are_decided_by_the_next():
    move = SwendsenWang(Graph.from_edges([(0, 1)]), np.float64(1e-11))
    assert move._thresholds[0, 0] == 0
    x, field = np.ones(2, np.int8), np.zeros(2)
    chance = int(move._thresholds[1, 0])
    for low, bond in ((0, True), (chance - 2**11, True), (chance + 2**11, False)):
        # the first word is 0, so its lower half is the threshold; the second word's decides
        move.sweep(x, field, 1, state_with_words(0, low >> 11))
        assert move.clusters == 2 - bond
