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


def test_eight_neighbours_are_the_moves_of_a_king():
    graph = ebm.Graph.square(5, 6, periodic=False, neighbors=8)
    where = np.stack(np.unravel_index(np.arange(30), (5, 6)), axis=1)
    reach = np.abs(where[:, None] - where).max(axis=-1) == 1
    assert edge_set(graph) == {(i, j) for i, j in np.argwhere(reach).tolist() if i < j}
    assert graph.coloring().max() == 3
    closed = ebm.Graph.square(3, 3, neighbors=8)
    assert closed.n_edges == 36  # everybody is everybody's neighbour
    np.testing.assert_array_equal(ebm.Graph.square(6, 4, neighbors=8).degrees(), 8)
    assert graph.lattice != "square"  # nothing made for four neighbours may take it


def test_a_mask_cuts_a_lattice_and_names_say_which_sites_stayed():
    mask = np.random.default_rng(1).random((6, 5)) < 0.7
    graph = ebm.Graph.square(6, 5, periodic=(False, True), mask=mask)
    whole = ebm.Graph.square(6, 5, periodic=(False, True))
    kept = np.flatnonzero(mask)
    inside = {(int(kept[i]), int(kept[j])) for i, j in graph.edges}
    assert inside == {(i, j) for i, j in edge_set(whole) if mask.flat[i] and mask.flat[j]}
    picture = np.arange(30).reshape(6, 5)
    assert [picture[name] for name in graph.names] == picture[mask].tolist()
    assert graph.lattice is None
    again = whole.subgraph(kept)
    np.testing.assert_array_equal(again.edges, graph.edges)


def test_part_of_a_graph_keeps_names_and_weights():
    graph = ebm.Graph([(0, 1), (1, 2), (3, 2)], (4,), "abcd", [1.0, 2.0, 3.0])
    part = graph.subgraph([3, 2, 1])
    assert part.names == ("d", "c", "b")
    assert part.edges.tolist() == [[1, 2], [0, 1]]
    assert part.weights.tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    "graph",
    [
        ebm.energies.Ising(np.zeros((6, 6))).graph,
        ebm.Graph.from_edges([], 6),
        ebm.Graph([], (2, 3)),
        ebm.Graph.square(3, 4, periodic=False, mask=np.indices((3, 4)).sum(0) % 2 == 0),
        ebm.Graph.from_networkx(nx.empty_graph(6)),
        ebm.Graph.from_scipy(scipy.sparse.csr_array((6, 6))),
    ],
)
def test_a_graph_without_edges_is_a_graph(graph):
    from pymc_ebm.graphs.elimination_order import plan_elimination
    from pymc_ebm.graphs.frustration import find_frustration
    from pymc_ebm.log_z.exact.planar import planar_positions

    assert (graph.n_vertices, graph.n_edges, graph.edges.shape) == (6, 0, (0, 2))
    assert graph.coloring().tolist() == [0] * 6
    assert graph.degrees().tolist() == [0] * 6
    indptr, indices, edge_numbers = graph.neighbors
    assert (indptr.tolist(), indices.size, edge_numbers.size) == ([0] * 7, 0, 0)
    assert graph.couplings_from_matrix(np.zeros((6, 6))).shape == (0,)
    assert graph.subgraph([1, 2]).n_edges == 0
    assert find_frustration(graph, np.zeros(0)).cycle == []
    assert plan_elimination(graph).width <= 1
    assert np.shape(planar_positions(graph)) == (6, 2)


def test_a_cache_that_cannot_be_written_is_said_with_the_variable_to_set(monkeypatch):
    from pymc_ebm import kernels

    def refuse(name):
        raise RuntimeError(f"cannot cache function 'f': no locator available for file {name!r}")

    monkeypatch.setattr(kernels, "import_module", refuse)
    with pytest.raises(
        RuntimeError, match=r"no locator.*NUMBA_CACHE_DIR=/tmp/numba.*PYTENSOR_FLAGS"
    ):
        kernels.__getattr__("coloring")


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
    assert graph.names == ("a", "b", "c")
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
        (lambda: ebm.Graph.square(3.5, 3), r"rows = 3.5 is no whole number"),
        (lambda: ebm.Graph.cubic(3, 3, 0), "layers = 0; 1 or more"),
        (lambda: ebm.Graph.complete(2.0), "n = 2.0 is no whole number"),
        (lambda: ebm.Graph.from_edges([], 2.5), "2.5 is no whole number"),
        (lambda: ebm.Graph.square(3, 3, periodic="no"), "periodic='no'"),
        (lambda: ebm.Graph.square(3, 3, neighbors=6), "neighbors=6.*Graph.triangular"),
        (lambda: ebm.Graph.square(3, 3, mask=np.ones((3, 4), bool)), r"mask has shape \(3, 4\)"),
        (lambda: ebm.Graph.square(3, 3, mask=np.zeros((3, 3), bool)), "no vertex is kept"),
        (lambda: ebm.Graph.complete(3).subgraph([0, 3]), "from 0 to 2, not from 0 to 3"),
        (lambda: ebm.Graph.complete(3).subgraph([0.5]), "dtype float64"),
        (
            lambda: ebm.Graph.from_edges([(0, 1)], 3).couplings_from_matrix(1 - np.eye(3)),
            r"matrix\[0, 2\] = 1, but the graph has no such edge",
        ),
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
