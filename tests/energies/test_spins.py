"""Ising and Boltzmann machine: every form of the couplings, and the relation between the two."""

import numpy as np
import pytensor.tensor as pt
import pytest
import scipy.sparse

from pymc_ebm import Graph, energies
from pymc_ebm.energies.coded import Coded
from tests.oracles import all_spins, ising_energies

pytestmark = pytest.mark.usefixtures("interpreted")
RNG = np.random.default_rng(11)
MATRIX = np.triu(RNG.normal(size=(5, 5)) * (RNG.random((5, 5)) < 0.7), 1)
MATRIX = MATRIX + MATRIX.T
FIELD = RNG.normal(size=5)
STATES = all_spins(5)
BY_HAND = -0.5 * np.einsum("ki,ij,kj->k", STATES, MATRIX, STATES) - STATES @ FIELD


@pytest.mark.parametrize(
    "J",
    [
        MATRIX,
        scipy.sparse.csr_array(MATRIX),
        scipy.sparse.coo_matrix(MATRIX),
        pt.as_tensor_variable(MATRIX),
        pt.exp(pt.as_tensor_variable(MATRIX)) * 0 + pt.as_tensor_variable(MATRIX),
    ],
    ids=["numpy", "csr_array", "coo_matrix", "constant tensor", "symbolic"],
)
def test_every_matrix_gives_the_same_energy(J):
    energy = energies.Ising(J, FIELD)
    np.testing.assert_allclose(energy(STATES.reshape(4, 8, 5)).eval().reshape(-1), BY_HAND)


def test_per_edge_couplings_follow_the_graph():
    graph = Graph.from_edges([(3, 1), (0, 4), (2, 3)], 5)
    J = np.array([0.5, -1.0, 2.0])
    energy = energies.Ising(J, 0.3, graph=graph)
    np.testing.assert_allclose(energy(STATES).eval(), ising_energies(STATES, graph.edges, J, 0.3))


def test_matrix_on_a_given_graph_is_read_in_its_edge_order():
    graph = Graph.complete(5)
    energy = energies.Ising(MATRIX, FIELD, graph=graph)
    np.testing.assert_allclose(energy(STATES).eval(), BY_HAND)
    np.testing.assert_allclose(energy.parameters["J"].data, graph.couplings_from_matrix(MATRIX))


def test_fields_may_carry_a_batch():
    h = RNG.normal(size=(3, 4, 4))
    energy = energies.Ising(0.2, h, graph=Graph.square(4, 4))
    spins = np.sign(RNG.normal(size=(3, 4, 4)))
    single = [
        energies.Ising(0.2, h[k], graph=Graph.square(4, 4))(spins[k]).eval() for k in range(3)
    ]
    np.testing.assert_allclose(energy(spins).eval(), single)


def test_a_boltzmann_machine_is_an_ising_model():
    units = (STATES + 1) // 2
    for W, graph in (
        (MATRIX, None),
        (0.7, Graph.complete(5)),
        (RNG.normal(size=10), Graph.complete(5)),
    ):
        machine = energies.BoltzmannMachine(W, FIELD, graph=graph)
        form = Coded.of(machine)
        spins = energies.Ising(form.J, form.field, graph=form.graph)(STATES).eval()
        np.testing.assert_allclose(machine(units).eval(), spins + form.offset.eval(), atol=1e-12)
    by_hand = -0.5 * np.einsum("ki,ij,kj->k", units, MATRIX, units) - units @ FIELD
    np.testing.assert_allclose(energies.BoltzmannMachine(MATRIX, FIELD)(units).eval(), by_hand)


def test_spin_form_of_sums_and_multiples():
    chain = energies.Ising(0.4, 0.1, graph=Graph.from_edges([(0, 1), (1, 2)], 5))
    total = energies.Ising(MATRIX, FIELD) + 2.0 * chain
    form = Coded.of(total)
    spins = energies.Ising(form.J, form.field, graph=form.graph)
    np.testing.assert_allclose(spins(STATES).eval(), total(STATES).eval())
    assert Coded.of(energies.Gaussian()) is None


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: energies.Ising([[0, 1], [0.5, 0]]), r"J\[0, 1\] = 1, J\[1, 0\] = 0.5.*\(J \+ J.T\) / 2"),
        (lambda: energies.Ising(scipy.sparse.csr_array([[0, 1.0], [0.5, 0]])), "not symmetric"),
        (lambda: energies.Ising([[0, np.nan], [np.nan, 0]]), r"J\[0, 1\] = nan"),
        (lambda: energies.Ising(scipy.sparse.csr_array([[0, np.inf], [np.inf, 0]])), "= inf"),
        (lambda: energies.Ising(np.inf, graph=Graph.square(4, 4)), "J = inf"),
        (lambda: energies.Ising(1.0, h=[0.0, np.nan], graph=Graph.complete(2)), r"h\[1\] = nan"),
        (lambda: energies.Ising(np.eye(3)), r"J\[0, 0\] = 1 is a self-loop.*field"),
        (lambda: energies.Ising(np.ones(7), graph=Graph.square(4, 4)), r"\(7,\).*32 edges over 16"),
        (lambda: energies.Ising(np.zeros((3, 3)), graph=Graph.square(4, 4)), "3 vertices.*has 16"),
        (lambda: energies.Ising(np.ones((3, 3)) - np.eye(3), graph=Graph.from_edges([(0, 1)], 3)),
         r"J\[0, 2\] = 1, but the graph has no such edge"),
        (lambda: energies.Ising(np.zeros((3, 4))), "square"),
        (lambda: energies.Ising(1.0), "no graph was given.*Graph.square"),
        (lambda: energies.Ising(1.0, h=np.ones(16), graph=Graph.square(4, 4)), r"h has shape \(16,\)"),
        (lambda: energies.BoltzmannMachine([[0, 1], [2, 0]]), r"W is not symmetric \(W\[0, 1\]"),
    ],
)  # fmt: skip
def test_bad_couplings_are_refused(build, says):
    with pytest.raises(ValueError, match=says):
        build()


def test_a_symbolic_matrix_that_is_not_symmetric_is_caught_when_evaluated():
    J = pt.matrix("J", shape=(3, 3))
    energy = energies.Ising(J, graph=Graph.complete(3))(np.ones(3))
    with pytest.raises(ValueError, match="not symmetric"):
        energy.eval({J: np.triu(np.ones((3, 3)), 1)})
