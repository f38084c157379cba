"""Graphs and models of other libraries and files: names, weights, energies, and what is refused."""

import itertools
import warnings

import networkx as nx
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import scipy.sparse

import pymc_ebm as ebm

from pymc_ebm.graphs.readers.dimod import read_bqm, read_coo
from pymc_ebm.graphs.readers.uai import read_uai


def named_edges(graph):
    """Return the weight of each pair of names, whatever the order."""
    weights = [None] * graph.n_edges if graph.weights is None else graph.weights.tolist()
    return {
        frozenset(graph.names[k] for k in edge): weight
        for edge, weight in zip(graph.edges, weights, strict=True)
    }


# networkx


def test_weights_of_networkx_follow_the_edges():
    net = nx.gnp_random_graph(30, 0.2, seed=1)
    net = nx.relabel_nodes(net, {k: f"node {29 - k}" for k in net})
    for a, b in net.edges:
        net[a][b]["strength"] = hash((a, b)) % 97 / 7
    graph = ebm.Graph.from_networkx(net, weight="strength")
    assert named_edges(graph) == {
        frozenset((a, b)): data["strength"] for a, b, data in net.edges(data=True)
    }
    assert ebm.Graph.from_networkx(net).weights is None
    with pytest.raises(ValueError, match="read-only"):
        graph.weights[0] = 1


def test_parallel_edges_add_up_with_weights_and_are_refused_without():
    net = nx.MultiGraph()
    net.add_edge("a", "b", w=1.0)
    net.add_edge("b", "a", w=0.5)
    net.add_edge("b", "c", w=2.0)
    graph = ebm.Graph.from_networkx(net, weight="w")
    assert named_edges(graph) == {frozenset("ab"): 1.5, frozenset("bc"): 2.0}
    with pytest.raises(ValueError, match=r"'a', 'b'\) is there more than once.*networkx.Graph"):
        ebm.Graph.from_networkx(net)


def test_names_are_coords():
    net = nx.Graph([("Ann", "Bob"), ("Bob", "Eve")])
    graph = ebm.Graph.from_networkx(net)
    with pm.Model(coords={"person": graph.names}) as model:
        ebm.Ising("mood", 0.4, graph=graph, dims="person")
        drawn = pm.sample_prior_predictive(5, random_seed=1)
    assert drawn["prior"]["mood"].coords["person"].values.tolist() == ["Ann", "Bob", "Eve"]
    assert model.coords["person"] == graph.names


# pandas


def test_a_table_of_edges_with_nullable_integers_and_isolated_vertices():
    table = pd.DataFrame({"i": [7, 3], "j": [3, 12], "w": [1, -2]}).astype("Int64")
    graph = ebm.Graph.from_pandas(table, "i", "j", weight="w")
    assert graph.names == (3, 7, 12)
    assert named_edges(graph) == {frozenset((3, 7)): 1.0, frozenset((3, 12)): -2.0}
    table.index = [0, 0]  # an index need not tell rows apart
    assert ebm.Graph.from_pandas(table, "i", "j").n_edges == 2
    wider = ebm.Graph.from_pandas(table, "i", "j", vertices=[12, 7, 5, 3])
    assert wider.names == (12, 7, 5, 3)
    assert wider.degrees().tolist() == [1, 1, 0, 2]


# scipy and libpysal


def test_values_of_a_sparse_matrix_are_weights_if_they_are_symmetric():
    dense = np.array([[0, 2.0, 0], [2, 0, -1], [0, -1, 0]])
    graph = ebm.Graph.from_scipy(scipy.sparse.csr_array(dense))
    np.testing.assert_array_equal(graph.couplings_from_matrix(dense), graph.weights)
    dense[0, 1] = 3
    with pytest.warns(
        UserWarning, match=r"0 to 1: 3, 1 to 0: 2\). Pass \(matrix \+ matrix.T\) / 2"
    ):
        graph = ebm.Graph.from_scipy(scipy.sparse.csr_array(dense))
    assert graph.weights is None
    assert graph.n_edges == 2


def test_maps_of_libpysal_keep_islands_and_say_why_row_standardised_weights_are_left_out():
    pysal = pytest.importorskip("libpysal")
    weights = pysal.weights.W(
        {"a": ["b"], "b": ["a", "c"], "c": ["b"], "far": []}, silence_warnings=True
    )
    for given in (weights, pysal.graph.Graph.from_W(weights)):
        graph = ebm.Graph.from_libpysal(given)
        assert graph.names == ("a", "b", "c", "far")
        assert named_edges(graph) == {frozenset("ab"): 1.0, frozenset("bc"): 1.0}
        assert graph.degrees().tolist() == [1, 2, 1, 0]
    modern = pysal.graph.Graph.from_W(weights)
    weights.transform = "r"
    for given, way in (
        (weights, 'weights.transform = "b"'),
        (modern.transform("r"), "weights.tra"),
    ):
        with pytest.warns(UserWarning, match="'a' to 'b': 1, 'b' to 'a': 0.5") as seen:
            graph = ebm.Graph.from_libpysal(given)
        assert way in str(seen[0].message)
        assert graph.weights is None
        assert graph.n_edges == 2
        pasted = str(seen[0].message).split("or pass ")[1].rstrip(".")
        half = eval(pasted, {"ebm": ebm, "weights": given})
        np.testing.assert_allclose(half.weights, 0.75)
        assert half.names == graph.names


def test_the_advice_for_nearest_neighbours_and_kernels_of_libpysal_works():
    pysal = pytest.importorskip("libpysal")
    points = np.random.default_rng(1).normal(size=(12, 2))
    old = pysal.weights.KNN.from_array(points, k=2)
    new = pysal.graph.Graph.build_knn(points, k=2)
    for weights, advice in ((old, "weights.symmetrize()"), (new, "weights.make_symmetric(")):
        with pytest.raises(ValueError, match="only one of the entries") as refused:
            ebm.Graph.from_libpysal(weights)
        assert advice in str(refused.value)
        graph = eval(
            str(refused.value).split("Pass ")[1].rstrip("."), {"ebm": ebm, "weights": weights}
        )
        assert graph.degrees().min() >= 2
    kernel = pysal.weights.Kernel(points, fixed=True, diagonal=True, bandwidth=1.0)
    with pytest.raises(ValueError, match="neighbour of itself"):
        ebm.Graph.from_libpysal(kernel)


# dimod


def bqm_energies(bqm, names):
    values = (-1, 1) if bqm.vartype.name == "SPIN" else (0, 1)
    states = np.array(list(itertools.product(values, repeat=len(names))))
    return states, bqm.energies((states, list(names)))


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_a_binary_quadratic_model_keeps_every_energy(vartype, tmp_path):
    dimod = pytest.importorskip("dimod")
    rng = np.random.default_rng(3)
    pairs = [p for p in itertools.combinations("abcde", 2) if rng.random() < 0.6]
    bqm = dimod.BinaryQuadraticModel(
        dict(zip("abcde", rng.normal(size=5), strict=True)),
        {pair: rng.normal() for pair in pairs}, 1.75, vartype,
    )  # fmt: skip
    bqm.add_variable("alone", -0.4)
    read = read_bqm(bqm)
    assert read.support == {"SPIN": "spin", "BINARY": "binary"}[vartype]
    assert read.graph.names == tuple(bqm.variables)
    family = ebm.energies.Ising if vartype == "SPIN" else ebm.energies.BoltzmannMachine
    states, expected = bqm_energies(bqm, read.graph.names)
    energy = family(read.J, read.h, graph=read.graph)
    np.testing.assert_allclose(energy(states).eval() + read.offset, expected)
    graph = ebm.Graph.from_dimod(bqm)
    np.testing.assert_allclose(graph.weights, -read.J)

    from dimod.serialization import coo

    numbered = bqm.relabel_variables({v: 3 * k for k, v in enumerate(bqm.variables)}, inplace=False)
    path = tmp_path / "model.coo"
    path.write_text(coo.dumps(numbered, vartype_header=True))
    file = read_coo(path)
    assert file.support == read.support
    assert file.graph.names == (0, 3, 6, 9, 12, 15)
    energy = family(file.J, file.h, graph=file.graph)
    np.testing.assert_allclose(energy(states).eval(), expected - 1.75, atol=1e-4)  # six digits


def test_a_coo_file_says_its_coding_or_is_told(tmp_path):
    path = tmp_path / "model.coo"
    path.write_text("0 1 0.5\n1 0 0.25\n2 2 1\n")
    with pytest.raises(ValueError, match='Pass vartype="SPIN"'):
        read_coo(path)
    read = read_coo(path, vartype="SPIN")
    assert read.J.tolist() == [-0.75]
    assert read.h.tolist() == [0, 0, -1]
    path.write_text("# vartype=BINARY\n0 1 x\n")
    with pytest.raises(ValueError, match="line 2: '0 1 x' is not of the form"):
        read_coo(path)
    with pytest.raises(ValueError, match="vartype=BINARY, not SPIN"):
        read_coo(path, vartype="SPIN")


# UAI

UAI = """MARKOV
4
2 3 2 1
6
1 0
2 0 1
2 2 1
2 1 2
0
1 3

2
 0.436 0.564
6
 0.128 0.920 0.5
 0.210 0 1
6
 1 2 3 4 5 6
6
 2 2 2 2 2 7
1 2.5
1
 4
"""


def test_a_uai_file_keeps_every_product_of_factors(tmp_path):
    path = tmp_path / "net.uai"
    path.write_text(UAI)
    net = read_uai(path)
    assert net.n_states == (2, 3, 2, 1)
    assert [table.shape for table in net.tables] == [(2, 3), (3, 2)]
    first = np.array([[0.128, 0.920, 0.5], [0.210, 0, 1]])
    second = np.array([[1, 2, 3], [4, 5, 6]]).T * np.array([[2, 2], [2, 2], [2, 7]])
    for x in itertools.product(*map(range, net.n_states)):
        by_hand = [0.436, 0.564][x[0]] * first[x[0], x[1]] * second[x[1], x[2]] * 2.5 * 4
        ours = net.log_offset + sum(field[x[i]] for i, field in enumerate(net.fields))
        ours += sum(
            table[x[i], x[j]] for (i, j), table in zip(net.graph.edges, net.tables, strict=True)
        )
        np.testing.assert_allclose(np.exp(ours), by_hand)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("MARKOV", "MRF", "begins with 'MRF'"),
        ("2 0 1", "3 0 1 2", r"factor 1 joins the variables \(0, 1, 2\); only factors of one or"),
        ("2 2 1", "2 2 9", "factor 2 joins .*variables 0 … 3"),
        ("6\n 0.128", "7\n 0.128", "factor 1 has 7 entries; its states make 6"),
        ("0.436", "-0.436", "factor 0 has the entry -0.436"),
        ("1\n 4\n", "1\n", "ends where an entry of factor 5 should stand"),
        ("1\n 4\n", "1\n 4 4\n", "'4' follows the last factor"),
    ],
)
def test_bad_uai_files_are_refused(tmp_path, old, new, says):
    path = tmp_path / "net.uai"
    path.write_text(UAI.replace(old, new, 1))
    with pytest.raises(ValueError, match=says):
        read_uai(path)


TABLE = pd.DataFrame({"i": ["a", "b"], "j": ["b", "a"], "w": [1.0, None]})


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: ebm.Graph.from_networkx(nx.Graph([("a", "a")])), r"\('a', 'a'\) is a self-loop"),
        (lambda: ebm.Graph.from_networkx(nx.Graph([(0, 1)]), weight="w"), "no attribute 'w'"),
        (lambda: ebm.Graph.from_pandas(TABLE, "i", "k"), r"no column 'k'; there are \['i', 'j', 'w'\]"),
        (lambda: ebm.Graph.from_pandas(TABLE, "i", "j", weight="w"), "'w' is missing in row 1"),
        (lambda: ebm.Graph.from_pandas(TABLE, "i", "j"), r"rows 0 and 1 both join.*\['i'\] < table"),
        (lambda: ebm.Graph.from_pandas(TABLE[:1], "i", "j", vertices=["a"]), "'b' has edges"),
        (lambda: ebm.Graph.from_scipy(np.eye(2)), r"scipy.sparse.csr_array\(matrix\)"),
        (lambda: ebm.Graph.from_libpysal(3), "got a int"),
        (lambda: ebm.Graph([(0, 1)], (2,), ["a"]), "1 names for 2 vertices"),
        (lambda: ebm.Graph([(0, 1)], (2,), ["a", "a"]), "two vertices are called 'a'"),
        (lambda: ebm.Graph([(0, 1)], (2,), weights=[1.0, 2.0]), r"weights have shape \(2,\); there are 1"),
        (lambda: ebm.energies.Ising(0.4, graph=nx.path_graph(3)), r"graph=ebm.Graph.from_networkx"),
        (lambda: ebm.energies.Potts(0.4, q=3, graph=[(0, 1)]), r"graph=ebm.Graph.from_edges"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_a_way_out(build, says):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((ValueError, TypeError), match=says):
            build()
