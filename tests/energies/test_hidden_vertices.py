"""Hidden vertices summed out: what the general tests of families do not ask."""

import numpy as np
import pymc as pm
import pytest

from scipy.special import logsumexp

import pymc_ebm as ebm

from pymc_ebm.dependence import PY

RNG = np.random.default_rng(3)


def test_a_hidden_markov_model_is_its_forward_algorithm():
    """Six hidden states in a chain, each seen through a table; log-likelihood by recursion."""
    steps, kinds, symbols = 6, 3, 4
    move = np.log(RNG.dirichlet(np.ones(kinds), kinds))
    emit = np.log(RNG.dirichlet(np.ones(symbols), kinds))
    first = np.log(RNG.dirichlet(np.ones(kinds)))
    # vertices 0 … 5 are hidden, 6 … 11 what is seen of them
    edges = [(t, t + 1) for t in range(steps - 1)] + [(t, steps + t) for t in range(steps)]
    graph = ebm.Graph.from_edges(sorted(edges))
    tables = [move if j < steps else emit for i, j in graph.edges]
    fields = [first] + [np.zeros(kinds)] * (steps - 1) + [np.zeros(symbols)] * steps
    energy = ebm.energies.MarkovRandomField(
        tables, fields, graph=graph, n_states=[kinds] * steps + [symbols] * steps,
        hidden=range(steps),
    )  # fmt: skip
    rows = RNG.integers(0, symbols, (20, steps))
    forward = first + emit[:, rows[:, 0]].T
    for t in range(1, steps):
        forward = logsumexp(forward[:, :, None] + move, axis=1) + emit[:, rows[:, t]].T
    np.testing.assert_allclose(-energy(rows).eval(mode=PY), logsumexp(forward, axis=1))
    assert float(ebm.log_partition(energy).eval(mode=PY)) == pytest.approx(0.0, abs=1e-12)


def test_hidden_states_given_what_is_seen():
    graph = ebm.Graph.from_edges([(0, 2), (1, 2), (0, 1)])
    tables, fields = RNG.normal(size=(3, 3, 3)), RNG.normal(size=(3, 3))
    energy = ebm.energies.MarkovRandomField(
        tables, fields, graph=graph, n_states=[2, 3, 3], hidden=[2]
    )
    e = {tuple(edge): k for k, edge in enumerate(graph.edges.tolist())}
    for a, b in np.ndindex(2, 3):
        said = tables[e[0, 2], a] + tables[e[1, 2], b] + fields[2]
        wanted = np.exp(said - logsumexp(said))
        found = energy.hidden_probabilities([a, b]).eval(mode=PY)[0]
        np.testing.assert_allclose(found, wanted)


def test_latent_classes_in_a_model():
    """A random strength needs log Z; its log-probability is that of a sum over the class."""
    graph = ebm.Graph.from_edges([(0, 3), (1, 3), (2, 3)])
    rows = RNG.integers(0, 2, (10, 3))
    with pm.Model() as model:
        strength = pm.Normal("strength")
        ebm.MarkovRandomField(
            "x", strength * np.eye(2), graph=graph, hidden=[3], observed=rows,
            log_partition="auto",
        )  # fmt: skip
    weights = np.array([[np.exp(0.7 * (rows == kind).sum(1))] for kind in (0, 1)]).sum(axis=(0, 1))
    total = 2 * (1 + np.exp(0.7)) ** 3
    logp = model.compile_logp(vars=model.observed_RVs, sum=True, mode=PY)
    assert float(logp({"strength": 0.7})) == pytest.approx(np.log(weights / total).sum())
    with pm.Model(), pytest.raises(ebm.MissingPartitionError):
        ebm.MarkovRandomField(
            "x", pm.Normal("J") * np.eye(2), graph=graph, hidden=[3], observed=rows
        )


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ([4], "0 to 3"), ([1, 1], "different vertices"), ([0, 1, 2, 3], "none is left"),
        ([0.5], "different vertices"),
    ],
)  # fmt: skip
def test_bad_input(hidden, message):
    graph = ebm.Graph.from_edges([(0, 3), (1, 3), (2, 3)])
    with pytest.raises(ValueError, match=message):
        ebm.energies.MarkovRandomField(np.eye(2), graph=graph, hidden=hidden)


def test_rows_of_tables_are_refused():
    graph = ebm.Graph.from_edges([(0, 1)])
    with pytest.raises(ValueError, match="not with one a row"):
        ebm.energies.MarkovRandomField(np.zeros((5, 1, 2, 2)), graph=graph, hidden=[1])
