"""Kernels of edge tables against enumeration: log Z, marginals, draws, conditionals; and broken copies."""

import numpy as np
import pytest

from scipy.special import logsumexp
from scipy.stats import chisquare

from pymc_ebm import Graph
from pymc_ebm.graphs.elimination_order import plan_elimination
from pymc_ebm.kernels import elimination, enumeration_states, heat_bath_states, log_weight
from pymc_ebm.kernels.xoshiro import seed_state
from pymc_ebm.moves.clusters import SwendsenWang, cluster_form
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.moves.metropolis import Metropolis

ALPHA = 1e-3  # false alarm of each statistical test
DRAWS = 100_000
GRAPHS = {
    "one edge": Graph.from_edges([(0, 1)], 2),
    "a triangle and a loner": Graph.from_edges([(0, 1), (0, 2), (1, 2)], 4),
    "a wheel": Graph.from_edges(
        [(0, 4), (1, 4), (2, 4), (3, 4), (0, 1), (1, 2), (2, 3), (0, 3)], 5
    ),
    "no edge": Graph.from_edges(np.empty((0, 2), int), 3),
}


def model(graph, q, seed=0, padded=True):
    """Tables that are not symmetric, fields, and states that do not exist at some vertices."""
    rng = np.random.default_rng(seed)
    tables, field = rng.normal(size=(graph.n_edges, q, q)), rng.normal(size=(graph.n_vertices, q))
    if padded:
        field[0, 0] = field[1, q - 1] = -np.inf
    return tables, field


def oracle(graph, tables, field):
    """Return configurations, their log-weights, log Z, pairs and marginals, in plain NumPy."""
    n, q = field.shape
    x = np.arange(q**n)[:, None] // q ** np.arange(n) % q
    i, j = graph.edges.T
    logw = tables[np.arange(graph.n_edges), x[:, i], x[:, j]].sum(1) + field[np.arange(n), x].sum(1)
    p = np.exp(logw - logsumexp(logw))
    one = np.eye(q)[x]
    pairs = np.einsum("k,kea,keb->eab", p, one[:, i], one[:, j])
    return x, logw, logsumexp(logw), pairs, np.einsum("k,kia->ia", p, one)


def by_elimination(graph, tables, field):
    plan, q = plan_elimination(graph), field.shape[1]
    return elimination.eliminate_tables(
        tables, field, plan.order, plan.scope_ptr, plan.scope, plan.edge_of, plan.position,
        plan.parent, plan.table_ptr(q),
    )  # fmt: skip


def by_enumeration(graph, tables, field):
    return enumeration_states.state_moments(tables, field, *ends(graph))


def ends(graph):
    first, second = graph.edges.T
    return np.ascontiguousarray(first), np.ascontiguousarray(second)


@pytest.mark.parametrize("method", [by_elimination, by_enumeration])
@pytest.mark.parametrize("q", [2, 3, 4])
@pytest.mark.parametrize("name", GRAPHS)
def test_log_z_and_marginals(name, q, method):
    graph = GRAPHS[name]
    for padded in (False, True):
        tables, field = model(graph, q, padded=padded)
        *_, log_z, pairs, marginals = oracle(graph, tables, field)
        got = method(graph, tables, field)
        np.testing.assert_allclose(got[0], log_z, rtol=1e-13)
        np.testing.assert_allclose(got[1], pairs, atol=1e-14)
        np.testing.assert_allclose(got[2], marginals, atol=1e-14)
        assert np.all(got[2][np.isneginf(field)] == 0)
        if graph.n_edges:  # a table read the wrong way round is seen
            turned = np.ascontiguousarray(tables.transpose(0, 2, 1))
            assert abs(method(graph, turned, field)[0] - log_z) > 1e-3


def test_log_weights_and_derivatives():
    graph, q = GRAPHS["a wheel"], 3
    (tables, field), (d_tables, d_field) = model(graph, q), model(graph, q, 1, padded=False)
    first, second = ends(graph)
    x, logw, log_z, *_ = oracle(graph, tables, field)
    got = enumeration_states.states_log_weights(tables, field, first, second)
    np.testing.assert_allclose(got, logw, atol=1e-13)
    ones = np.ones(graph.n_edges)
    one = [log_weight.states_log_weight(row, first, second, ones, tables, field) for row in x]
    np.testing.assert_allclose(one, logw, atol=1e-13)
    _, slope, *_ = oracle(graph, d_tables, d_field)
    p = np.exp(logw - log_z)
    indicator = np.eye(q)[x]
    expected = np.einsum("k,k,kia->ia", p, slope - p @ slope, indicator)
    d_pairs, d_marginals = enumeration_states.state_moment_derivatives(
        tables, field, d_tables, d_field, first, second
    )
    np.testing.assert_allclose(d_marginals, expected, atol=1e-14)
    i, j = graph.edges.T
    expected = np.einsum(
        "k,kea,keb->eab", p * (slope - p @ slope), indicator[:, i], indicator[:, j]
    )
    np.testing.assert_allclose(d_pairs, expected, atol=1e-14)


def drawn_by_elimination(graph, tables, field, state):
    plan, q = plan_elimination(graph), field.shape[1]
    ptr = plan.table_ptr(q)
    odds = np.empty((q - 1, ptr[-1]))
    elimination.collect_tables(
        tables, field, plan.order, plan.scope_ptr, plan.scope, plan.edge_of, plan.position,
        plan.parent, ptr, odds,
    )  # fmt: skip
    return elimination.draw(odds, q, DRAWS, plan.order, plan.scope_ptr, plan.scope, ptr, state)


def drawn_by_enumeration(graph, tables, field, state):
    n, q = field.shape
    logw = enumeration_states.states_log_weights(tables, field, *ends(graph))
    return enumeration_states.draw_states(logw, n, q, DRAWS, state)


def swept(move, turn=False):
    """One sweep from exact draws, which must stay exact; `turn` reads tables the wrong way round."""

    def run(graph, tables, field, state):
        coupling = np.linspace(0.5, 2.0, graph.n_edges)
        x = drawn_by_enumeration(graph, tables, field, state)
        shown = tables.transpose(0, 2, 1) if turn else tables
        engine = move(graph, 1.0, np.zeros_like(tables))
        engine.set_interaction(shown / coupling[:, None, None])
        engine.set_coupling(coupling)
        for row in x:
            engine.sweep(row, field, 1, state)
        return x

    return run


def p_value(draw, graph, tables, field):
    x, _logw, log_z, *_ = oracle(graph, tables, field)
    probabilities = np.exp(_logw - log_z)
    q = field.shape[1]
    got = draw(graph, tables, field, seed_state(np.random.default_rng(4)))
    counts = np.bincount(got @ q ** np.arange(graph.n_vertices), minlength=len(x))
    assert counts[probabilities == 0].sum() == 0
    common = DRAWS * probabilities > 5
    observed, expected = (
        np.append(v[common], v[~common].sum()) for v in (counts, DRAWS * probabilities)
    )
    kept = expected > 0
    return chisquare(observed[kept], expected[kept]).pvalue


SAMPLERS = {
    "elimination": drawn_by_elimination,
    "enumeration": drawn_by_enumeration,
    "heat bath": swept(HeatBath),
    "Metropolis": swept(Metropolis),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_draws(name):
    graph = GRAPHS["a triangle and a loner"]
    assert p_value(SAMPLERS[name], graph, *model(graph, 3)) > ALPHA


@pytest.mark.parametrize("move", [HeatBath, Metropolis])
def test_tables_the_wrong_way_round_are_caught(move):
    graph = GRAPHS["a triangle and a loner"]
    assert p_value(swept(move, turn=True), graph, *model(graph, 3)) < ALPHA


def test_a_shared_matrix_is_a_table_for_each_edge():
    graph, rng = Graph.square(4, 4), np.random.default_rng(1)
    K = rng.normal(size=(3, 3))
    field, J = rng.normal(size=(16, 3)), rng.normal(size=graph.n_edges)
    for move in (HeatBath, Metropolis):
        for shared in (K, K + K.T):  # symmetric or not
            draws = []
            for interaction in (shared, np.broadcast_to(shared, (graph.n_edges, 3, 3))):
                x, state = np.zeros(16, np.int8), seed_state(np.random.default_rng(2))
                move(graph, J, interaction).sweep(x, field, 50, state)
                draws.append(x)
            np.testing.assert_array_equal(*draws)


def test_a_scale_of_zero_keeps_impossible_states_out():
    graph = GRAPHS["a wheel"]
    tables, field = model(graph, 3)
    indptr, indices, numbers = graph.neighbors
    laid = heat_bath_states.around(tables, indptr, indices, numbers)
    x, state = np.ones(5, np.int8), seed_state(np.random.default_rng(0))
    for _ in range(200):
        growth = heat_bath_states.scaled_states_sweeps(
            x, indptr, indices, np.ones(indices.size), laid, False, np.arange(5, dtype=np.uint32),
            field, 0.0, 1, state,
        )  # fmt: skip
        assert np.isfinite(growth)
        assert np.all(field[np.arange(5), x] > -np.inf)


CAPEL = np.outer([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("interaction", "kind", "scale"),
    [
        (np.eye(3), "potts", 1.0),
        (0.3 - 2.0 * np.eye(4), "potts", -2.0),
        (CAPEL, "spins", 1.0),
        (-4.0 * CAPEL + 0.7, "spins", -4.0),
        (np.eye(2), "spins", 0.5),
        (np.outer([-1, -1, 1, 1], [-1, -1, 1, 1]), "spins", 1.0),
        (np.outer([-1, 0, 2], [-1, 0, 2]), None, None),
        (np.outer([-2, -1, 1, 2], [-2, -1, 1, 2]), None, None),
        (np.outer([0, 1, 2], [0, 1, 2]), None, None),
        (np.zeros((3, 3)), "potts", 0.0),
        (CAPEL[[1, 0, 2]][:, [1, 0, 2]], None, None),  # the absent state is not in the middle
        (np.eye(3)[None], None, None),
    ],
)
def test_cluster_form_is_read_off_the_matrix(interaction, kind, scale):
    form = cluster_form(np.asarray(interaction, float))
    assert (form and form.kind) == kind
    if form:
        assert form.scale == pytest.approx(scale)


def test_clusters_of_spins_that_may_be_absent():
    """Turned over with a field, some states impossible: conditional on which spins are there."""
    graph, rng = GRAPHS["a triangle and a loner"], np.random.default_rng(0)
    tables, field = np.broadcast_to(0.7 * CAPEL, (3, 3, 3)), rng.normal(size=(4, 3))
    field[0, 0] = field[1, 0] = field[1, 2] = -np.inf
    form = cluster_form(CAPEL)

    def draw(graph, tables, field, state):
        x = drawn_by_enumeration(graph, tables, field, state)
        move = SwendsenWang(graph, np.float64(0.7 * form.scale), form.q)
        for row in x:
            spins, felt = form.as_spins(row, field)
            assert not np.isnan(felt).any()
            move.sweep(spins, felt, 1, state)
            row[:] = form.turned(row, spins)
        return x

    assert p_value(draw, graph, np.ascontiguousarray(tables), field) > ALPHA
