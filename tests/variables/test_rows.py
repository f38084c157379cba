"""Parameters that differ from row to row: log Z of each row, by every route, against enumeration."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from scipy.special import logsumexp

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from tests.oracles import all_spins

RNG = np.random.default_rng(5)
GRAPH = ebm.Graph.from_edges([(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)])
SPINS = all_spins(4)
AGE = RNG.normal(size=16)  # as many rows as configurations, which once was silently wrong
B, J = RNG.normal(size=4), RNG.normal(0, 0.5, 5)
ANSWERS = RNG.choice([-1, 1], (16, 4))


def log_weights(J, h, beta=1.0):
    """Log-weights of all configurations, shape (16,)."""
    i, j = GRAPH.edges.T
    return beta * ((J * SPINS[:, i] * SPINS[:, j]).sum(1) + SPINS @ h)


def log_likelihood(J, h, beta=None):
    """Sum over rows, each with its own log Z; parameters have a row each."""
    number = {tuple(s): k for k, s in enumerate(SPINS.tolist())}
    total = 0.0
    for r, y in enumerate(ANSWERS.tolist()):
        w = log_weights(J[r], h[r], 1.0 if beta is None else beta[r])
        total += w[number[tuple(y)]] - logsumexp(w)
    return total


def observed_logp(declare, **point):
    with pm.Model() as model:
        declare()
    return float(model.compile_logp(vars=model.observed_RVs, mode=PY)(point))


def covariates(method):
    J, b = pm.Normal("J", shape=5), pm.Normal("b", shape=4)
    ebm.Ising("s", J, AGE[:, None] * b, graph=GRAPH, observed=ANSWERS, log_partition=method)


@pytest.mark.parametrize("method", ["auto", "enumerate", "elimination"])
def test_fields_by_row(method):
    want = log_likelihood(np.tile(J, (16, 1)), AGE[:, None] * B)
    np.testing.assert_allclose(observed_logp(lambda: covariates(method), J=J, b=B), want)


@pytest.mark.parametrize("where", ["array", "data"])
def test_couplings_by_group_and_temperature_by_row(where):
    group = RNG.integers(0, 2, 16)
    per_group, beta = RNG.normal(0, 0.5, (2, 5)), RNG.uniform(0.5, 1.5, 16)

    def declare():
        J = pm.Normal("J", shape=(2, 5))
        index = pm.Data("group", group) if where == "data" else group
        ebm.Ising(
            "s", J[index], 0.1, graph=GRAPH, beta=beta, observed=ANSWERS, log_partition="auto"
        )

    want = log_likelihood(per_group[group], np.full((16, 4), 0.1), beta)
    np.testing.assert_allclose(observed_logp(declare, J=per_group), want)


def test_one_coupling_a_row():
    strength = RNG.uniform(0, 0.6, 16)

    def declare():
        k = pm.Normal("k", shape=16)
        ebm.Ising("s", k[:, None], graph=GRAPH, observed=ANSWERS, log_partition="auto")

    want = log_likelihood(np.tile(strength[:, None], 5), np.zeros((16, 4)))
    np.testing.assert_allclose(observed_logp(declare, k=strength), want)


def test_rows_that_agree_have_one_value():
    energy = ebm.energies.Ising(J, np.tile(B, (7, 1)), graph=GRAPH)
    log_z = ebm.log_partition(energy).eval(mode=PY)
    np.testing.assert_allclose(log_z, np.full(7, logsumexp(log_weights(J, B))))


@pytest.mark.parametrize("method", ["enumerate", "elimination"])
def test_derivatives_by_row(method):
    J_in, h_in = pt.vector("J", shape=(5,)), pt.matrix("h", shape=(16, 4))
    log_z = ebm.log_partition(ebm.energies.Ising(J_in, h_in, graph=GRAPH), method=method)
    weights = RNG.normal(size=16)
    gradient = pytensor.function(
        [J_in, h_in], pt.grad((weights * log_z).sum(), [J_in, h_in]), mode=PY
    )
    got_J, got_h = gradient(J, AGE[:, None] * B)
    i, j = GRAPH.edges.T
    want_J = np.zeros(5)
    for r in range(16):
        w = log_weights(J, AGE[r] * B)
        p = np.exp(w - logsumexp(w))
        want_J += weights[r] * (p @ (SPINS[:, i] * SPINS[:, j]))
        np.testing.assert_allclose(got_h[r], weights[r] * (p @ SPINS), atol=1e-8)
    np.testing.assert_allclose(got_J, want_J, atol=1e-8)


def test_tables_by_row():
    chain = ebm.Graph.from_edges([(0, 1), (1, 2)])
    tables, x = RNG.normal(size=(6, 2, 3, 3)), RNG.integers(0, 3, (6, 3))
    configurations = np.indices((3, 3, 3)).reshape(3, -1).T

    def weight(r, s):
        return tables[r, 0, s[:, 0], s[:, 1]] + tables[r, 1, s[:, 1], s[:, 2]]

    want = sum(
        float(weight(r, x[r : r + 1])[0] - logsumexp(weight(r, configurations))) for r in range(6)
    )

    def declare():
        t = pm.Normal("t", shape=tables.shape)
        ebm.MarkovRandomField("x", t, graph=chain, observed=x, log_partition="auto")

    np.testing.assert_allclose(observed_logp(declare, t=tables), want)


def conditional_log_likelihood(h):
    force = h + 0.0
    i, j = GRAPH.edges.T
    for e in range(5):
        force[:, i[e]] += J[e] * ANSWERS[:, j[e]]
        force[:, j[e]] += J[e] * ANSWERS[:, i[e]]
    return -np.log1p(np.exp(-2 * ANSWERS * force)).sum()


def test_the_pseudo_likelihood_by_row():
    got = observed_logp(lambda: covariates("pseudo"), J=J, b=B)
    np.testing.assert_allclose(got, conditional_log_likelihood(AGE[:, None] * B))


def test_functions_of_row_data():
    for rows in (1, 7, 16):
        age, y = AGE[:rows], ANSWERS[:rows]

        def declare(age=age, y=y):
            w = pm.Normal("w")
            energy = lambda x: -w * age * x[..., 0] * x[..., 1] - x[..., 2] * x[..., 3]  # noqa: E731
            ebm.Boltzmann("x", energy, support="spin", observed=y, log_partition="auto")

        def weight(r, s, age=age):
            return 0.7 * age[r] * s[:, 0] * s[:, 1] + s[:, 2] * s[:, 3]

        want = sum(
            float(weight(r, y[r : r + 1])[0] - logsumexp(weight(r, SPINS))) for r in range(rows)
        )
        np.testing.assert_allclose(observed_logp(declare, w=0.7), want)


def test_a_function_that_mixes_rows_is_refused():
    with pm.Model(), pytest.raises(ValueError, match="depends on another row's"):
        ebm.Boltzmann("x", lambda x: (x * x[::-1]).sum(-1), support="spin", shape=(3, 4))


def test_a_function_that_indexes_by_its_states():
    answers = RNG.integers(0, 4, (9, 3))
    tau, configurations = RNG.normal(size=(3, 4)), np.indices((4, 4, 4)).reshape(3, -1).T

    def weight(s):
        return 0.3 * (s[:, 0] * s[:, 1] + s[:, 1] * s[:, 2]) + tau[np.arange(3), s].sum(1)

    def declare():
        t = pm.Normal("tau", shape=(3, 4))
        energy = lambda x: (  # noqa: E731
            -0.3 * (x[..., 0] * x[..., 1] + x[..., 1] * x[..., 2])
            - sum(t[k, x[..., k]] for k in range(3))
        )
        ebm.Boltzmann(
            "x", energy, support="categorical", n_states=4, observed=answers, log_partition="auto"
        )

    want = weight(answers).sum() - 9 * logsumexp(weight(configurations))
    np.testing.assert_allclose(observed_logp(declare, tau=tau), want)


def test_forward_draws_by_row():
    h = np.array([[-3.0] * 4, [0.0] * 4, [3.0] * 4])
    drawn = pm.draw(ebm.Ising.dist(0.1, h, graph=GRAPH), 400, random_seed=1, mode=PY)
    assert drawn.shape == (400, 3, 4)
    means = drawn.mean(axis=(0, 2))
    assert means[0] < -0.9
    assert abs(means[1]) < 0.2
    assert means[2] > 0.9


@pytest.mark.parametrize(
    ("declare", "says"),
    [
        (
            lambda: ebm.Ising("s", 0.4, graph=GRAPH, beta=[0.1, 0.2], shape=(5, 4)),
            r"beta has shape \(2,\).*the variable has shape \(5, 4\)",
        ),
        (
            lambda: ebm.Ising("s", 0.4, np.ones((3, 4)), graph=GRAPH, shape=(5, 4)),
            r"h has shape \(3, 4\)",
        ),
        (
            lambda: ebm.Ising("s", 0.4, graph=GRAPH, shape=(4, 4), observed=np.ones((5, 4))),
            r"observed has shape \(5, 4\), and the variable has shape \(4, 4\)",
        ),
    ],
)
def test_rows_that_do_not_align_are_refused(declare, says):
    with pm.Model(), pytest.raises(ValueError, match=says):
        declare()


def test_out_of_sample_rows_follow_the_data():
    with pm.Model() as model:
        x = pm.Data("x", AGE)
        y = pm.Data("y", ANSWERS)
        b = pm.Normal("b", shape=4)
        ebm.Ising("s", 0.2, x[:, None] * b, graph=GRAPH, observed=y, log_partition="auto")
        pm.set_data({"x": AGE[:3], "y": ANSWERS[:3]})
    got = float(model.compile_logp(vars=model.observed_RVs, mode=PY)({"b": B}))
    want = 0.0
    number = {tuple(s): k for k, s in enumerate(SPINS.tolist())}
    for r in range(3):
        w = log_weights(np.full(5, 0.2), AGE[r] * B)
        want += w[number[tuple(ANSWERS[r].tolist())]] - logsumexp(w)
    np.testing.assert_allclose(got, want)
    assert pm.draw(model["s"], random_seed=1, mode=PY).shape == (3, 4)
