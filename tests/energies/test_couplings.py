"""Coupling matrices: what a triangle and a diagonal mean, and data that are checked when read."""

import re

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest
import scipy.sparse

import pymc_ebm as ebm

from pymc_ebm import Graph, energies
from pymc_ebm.dependence import PY

pytestmark = pytest.mark.usefixtures("interpreted")
RNG = np.random.default_rng(5)
UNITS = np.array(np.meshgrid(*[[0, 1]] * 4)).reshape(4, -1).T
TRIANGLE = np.triu(RNG.normal(size=(4, 4)), 1)


def advice(build):
    """Return the expressions an error says to pass."""
    with pytest.raises(ValueError, match="Pass") as refused:
        build()
    return re.search(r"Pass (\S+ [+-] [^;,]+?)(?:[;,]|\.? |\.$)", str(refused.value)).group(1)


@pytest.mark.parametrize("W", [TRIANGLE, TRIANGLE.T, scipy.sparse.csr_array(TRIANGLE)])
def test_the_advice_for_a_triangle_keeps_its_energy(W):
    by_hand = -np.einsum("ki,ij,kj->k", UNITS, TRIANGLE, UNITS)
    pasted = eval(advice(lambda: energies.BoltzmannMachine(W)), {"W": W})
    np.testing.assert_allclose(energies.BoltzmannMachine(pasted)(UNITS).eval(), by_hand)


@pytest.mark.parametrize("sparse", [False, True])
def test_the_diagonal_of_zeros_and_ones_is_a_bias(sparse):
    W = TRIANGLE + TRIANGLE.T + np.diag([1.0, 0, -2, 0.5])
    by_hand = -np.einsum("ki,ij,kj->k", UNITS, TRIANGLE, UNITS) - UNITS @ np.diag(W)
    given = scipy.sparse.csr_array(W) if sparse else W
    scope = {"W": given, "np": np, "scipy": scipy}
    with pytest.raises(ValueError, match=r"v·v = v.*add .* to the bias") as refused:
        energies.BoltzmannMachine(given)
    zeroed, diagonal = re.search(r"Pass (.*), and add (.*) to", str(refused.value)).groups()
    machine = energies.BoltzmannMachine(eval(zeroed, scope), eval(diagonal, scope))
    np.testing.assert_allclose(machine(UNITS).eval(), by_hand)


def test_the_diagonal_of_spins_is_a_constant_and_of_spins_one_a_crystal_field():
    for build, says in (
        (lambda: energies.Ising(np.eye(2)), "constant"),
        (lambda: energies.BlumeCapel(np.eye(2), 0.0), "crystal field.*subtract.*from D"),
    ):
        with pytest.raises(ValueError, match=says):
            build()


def matrix_on(graph, value=0.3):
    J = np.zeros((graph.n_vertices,) * 2)
    i, j = graph.edges.T
    J[i, j] = J[j, i] = value
    return J


BAD = {
    "off the graph": ((0, 5, 1.0), (5, 0, 1.0), r"\[0, 5\] = 1, but the graph", "has no edge"),
    "diagonal": ((2, 2, 5.0), (2, 2, 5.0), r"\[2, 2\] = 5 is a self", "on its diagonal"),
    "one-sided": ((0, 1, 0.7), (0, 1, 0.7), r"not symmetric \(J\[0, 1\] = 0.7", "not symmetric"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_matrix_in_data_is_checked_when_declared_and_when_it_changes(name):
    graph = Graph.square(2, 3, periodic=False)
    good, bad = matrix_on(graph), matrix_on(graph)
    first, second, at_once, evaluated = BAD[name]
    for i, j, value in (first, second):
        bad[i, j] = value
    with pytest.raises(ValueError, match=at_once), pm.Model():
        ebm.Ising("s", J=pm.Data("J", bad), graph=graph)
    with pm.Model() as model:
        ebm.Ising("s", J=pm.Data("J", good), graph=graph)
    logp, spins = model.compile_logp(), {"s": np.ones((2, 3), "int8")}
    np.testing.assert_allclose(logp(spins), 0.3 * graph.n_edges)
    model["J"].set_value(bad)
    with pytest.raises(ValueError, match=evaluated):
        logp(spins)
    symbolic = pt.matrix("J", shape=(6, 6))
    with pytest.raises(ValueError, match=evaluated):
        energies.Ising(symbolic, graph=graph)(np.ones((2, 3))).eval({symbolic: bad})


def test_data_that_are_no_matrix_stay_one_value_an_edge():
    graph = Graph.square(2, 3, periodic=False)
    values = RNG.normal(size=graph.n_edges)
    with pm.Model():
        J = pm.Data("J", values)
    energy = energies.Ising(J, graph=graph)(np.ones((2, 3)))
    np.testing.assert_allclose(energy.eval(), -values.sum())


def test_a_table_of_pandas_is_a_matrix_and_complex_numbers_are_refused():
    J = pd.DataFrame(TRIANGLE + TRIANGLE.T, index=list("abcd"), columns=list("abcd"))
    states = 2 * UNITS - 1
    np.testing.assert_allclose(
        energies.Ising(J)(states).eval(), energies.Ising(J.to_numpy())(states).eval()
    )
    for build in (
        lambda: energies.Ising(1j, graph=Graph.complete(3)),
        lambda: energies.Ising(0.1, 1j, graph=Graph.complete(3)),
        lambda: energies.Ising(1j * (1 - np.eye(3))),
        lambda: energies.Ising(scipy.sparse.csr_array(1j * (1 - np.eye(3)))),
    ):
        with pytest.raises(ValueError, match=r"Ising: [Jh] is complex"):
            build()


def test_a_coupling_that_all_edges_share_may_be_data_of_rows():
    """Data of shape (rows, 1): their type says nothing of the one."""
    graph, rows = Graph.from_edges([(0, 1), (1, 2)]), np.array([[0.3], [-0.7]])
    x, signs = np.array([[1, 1, -1], [1, -1, -1]]), np.array([[1.0, -1.0], [-1.0, 1.0]])
    with pm.Model():
        J = pm.Data("J", rows)
        found = [
            ebm.energies.Ising(J, graph=graph)(x).eval(mode=PY),
            ebm.energies.MarkovRandomField(signs, J=J, graph=graph)((x + 1) // 2).eval(mode=PY),
        ]
    pairs = (x[:, :-1] * x[:, 1:]).sum(axis=1)
    for value in found:
        np.testing.assert_allclose(value, -rows[:, 0] * pairs)
