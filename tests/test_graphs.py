"""Graphs: edges, colourings and what they refuse."""

import pickle

import networkx as nx
import numpy as np
import pytest
import scipy.sparse

import pymc_ebm as ebm


def edge_set(graph):
    return {tuple(edge) for edge in graph.edges.tolist()}


def test_square_lattice_counts_each_bond_once():
    graph = ebm.Graph.square(4, 5)
    assert graph.n_vertices == 20
    assert graph.n_edges == 40
    np.testing.assert_array_equal(graph.degrees(), 4)
    assert ebm.Graph.square(4, 5, periodic=False).n_edges == 4 * 4 + 3 * 5


def test_square_lattice_is_networkx_grid():
    graph = ebm.Graph.square(4, 5, periodic=False)
    grid = nx.grid_2d_graph(4, 5)
    expected = {tuple(sorted((5 * a + b, 5 * c + d))) for (a, b), (c, d) in grid.edges}
    assert edge_set(graph) == expected


def test_graphs_survive_a_trip_to_another_process():
    for graph in (ebm.Graph.triangular(3, 4), ebm.Graph.from_edges([(0, 1), (1, 2)])):
        back = pickle.loads(pickle.dumps(graph))
        np.testing.assert_array_equal(back.edges, graph.edges)
        assert (back.shape, back.lattice, back.periodic) == (
            graph.shape,
            graph.lattice,
            graph.periodic,
        )


def test_one_axis_may_be_periodic():
    assert ebm.Graph.square(1, 5, periodic=(False, True)).n_edges == 5


@pytest.mark.parametrize(
    ("graph", "degree", "colors"),
    [
        (ebm.Graph.square(6, 4), 4, 2),
        (ebm.Graph.square(5, 5), 4, 4),  # odd: greedy, one above the optimum
        (ebm.Graph.cubic(4, 4, 4), 6, 2),
        (ebm.Graph.triangular(6, 6), 6, 3),
        (ebm.Graph.complete(7), 6, 7),
    ],
)
def test_lattices_have_their_degree_and_few_colors(graph, degree, colors):
    np.testing.assert_array_equal(graph.degrees(), degree)
    color = graph.coloring()
    assert np.all(color[graph.edges[:, 0]] != color[graph.edges[:, 1]])
    assert color.max() + 1 <= colors


@pytest.mark.parametrize("seed", range(5))
def test_coloring_of_random_graphs_is_proper_and_two_colors_suffice_on_trees(seed):
    graph = ebm.Graph.from_networkx(nx.gnp_random_graph(60, 0.1, seed=seed))
    color = graph.coloring()
    assert np.all(color[graph.edges[:, 0]] != color[graph.edges[:, 1]])
    tree = ebm.Graph.from_networkx(nx.random_labeled_tree(80, seed=seed))
    assert tree.coloring().max() == 1


def test_neighbors_are_the_edges_both_ways():
    graph = ebm.Graph.triangular(4, 4)
    indptr, indices, numbers = graph.neighbors
    rows = np.repeat(np.arange(16), np.diff(indptr))
    pairs = np.sort(np.column_stack([rows, indices]), axis=1)
    np.testing.assert_array_equal(pairs, graph.edges[numbers])


def test_from_networkx_keeps_the_nodes_names():
    graph = ebm.Graph.from_networkx(nx.Graph([("a", "b"), ("b", "c")]))
    assert graph.labels == ["a", "b", "c"]
    assert edge_set(graph) == {(0, 1), (1, 2)}


def test_from_scipy_reads_the_pattern():
    matrix = scipy.sparse.csr_array(np.array([[0, 2, 0], [2, 0, -1], [0, -1, 0]]))
    assert edge_set(ebm.Graph.from_scipy(matrix)) == {(0, 1), (1, 2)}


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: ebm.Graph.from_edges([(0, 1), (2, 2)]), r"\(2, 2\) is a self-loop.*field h"),
        (lambda: ebm.Graph.from_edges([(0, 1), (1, 0)]), r"\(0, 1\) is listed 2 times.*once"),
        (lambda: ebm.Graph.from_edges([(0, 5)], 3), r"\(0, 5\) leaves the vertices 0 … 2"),
        (lambda: ebm.Graph.from_edges([(0.5, 1.0)], 3), "dtype float64"),
        (lambda: ebm.Graph.from_edges([(0, 1, 2)], 3), r"shape \(1, 3\)"),
        (lambda: ebm.Graph.square(2, 5), "axis 0 has 2 .*periodic=False"),
        (lambda: ebm.Graph.square(3, 3, periodic=(True,)), "needs 2 entries"),
        (lambda: ebm.Graph.from_networkx(nx.DiGraph([(0, 1)])), r"to_undirected\(\)"),
        (
            lambda: ebm.Graph.from_scipy(scipy.sparse.csr_array(np.triu(np.ones((3, 3)), 1))),
            "matrix.T",
        ),
    ],
)
def test_bad_graphs_are_refused_with_a_way_out(build, says):
    with pytest.raises(ValueError, match=says):
        build()
