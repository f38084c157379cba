"""Tables of log Z against Kaufman and enumeration."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from pytensor.compile.mode import Mode

import pymc_ebm as ebm

PY = Mode(linker="py", optimizer=None)
E = ebm.energies
TORUS = ebm.Graph.square(12, 12)


@pytest.fixture(scope="module")
def table():
    return ebm.LogPartitionTable.simulate(
        E.Ising(1.0, graph=TORUS), coupling=np.linspace(0, 0.5, 21), draws=500, random_seed=1, progressbar=False
    )  # fmt: skip


def test_between_nodes_and_its_slope(table):
    """Within 4.5 standard errors at 40 points, a false alarm in 3 000 or rarer, as they are alike."""
    K = pt.dscalar()
    exact, ours = ebm.log_partition(E.Ising(K, graph=TORUS), method="torus"), table.at(K)
    f = pytensor.function([K], [ours - exact, pt.grad(ours, K) - pt.grad(exact, K)], mode=PY)
    nodes = table.dataset["coupling"].to_numpy()
    for k in np.random.default_rng(0).uniform(0.02, 0.5, 40):
        error, slope_error = f(k)
        se = np.interp(k, nodes, table.dataset["log_z_se"].to_numpy()[:, 0])
        slope_se = np.interp(k, nodes, table.dataset["slope_K_se"].to_numpy()[:, 0])
        assert abs(error) < 4.5 * se
        assert abs(slope_error) < 6 * slope_se  # the slope of an interpolant swings more


def test_coupling_and_field():
    graph = ebm.Graph.square(3, 4, periodic=False)
    table = ebm.LogPartitionTable.simulate(
        E.Ising(1.0, graph=graph), coupling=np.linspace(0, 0.6, 7), field=np.linspace(-1, 1, 9),
        draws=400, random_seed=1, progressbar=False,
    )  # fmt: skip
    for k, h in ((0.1, 0.3), (0.35, -0.77), (0.55, 0.02)):
        exact = float(ebm.log_partition(E.Ising(k, h, graph=graph)).eval(mode=PY))
        se = float(table.dataset["log_z_se"].interp(coupling=k, field=h))
        assert abs(float(table.at(k, h).eval(mode=PY)) - exact) < 4.5 * se + 1e-3  # interpolation


def test_potts():
    graph = ebm.Graph.square(3, 4, periodic=False)
    energy = E.Potts(1.0, q=3, graph=graph)
    table = ebm.LogPartitionTable.simulate(
        energy, coupling=np.linspace(0, 1, 11), draws=1000, random_seed=1, progressbar=False
    )
    exact = float(ebm.log_partition(E.Potts(0.73, q=3, graph=graph)).eval(mode=PY))
    got = float(table(E.Potts(0.73, q=3, graph=graph)).eval(mode=PY))
    assert abs(got - exact) < 4.5 * float(table.dataset["log_z_se"].max())


def test_in_a_model_with_and_without_its_error(table):
    data = np.ones((12, 12), np.int8)
    with pm.Model() as model:
        J = pm.Uniform("J", 0.1, 0.6)
        s = ebm.Ising("s", J, graph=TORUS, beta=0.9, observed=data, log_partition=table)
        t = ebm.Ising(
            "t", J, graph=TORUS, beta=0.9, observed=data, log_partition=table.uncertain("e")
        )
    logp = model.compile_logp(vars=[s], mode=PY)
    with_error = model.compile_logp(vars=[t], mode=PY)
    z = np.log((0.4 - 0.1) / (0.6 - 0.4))
    zeros = {"J_interval__": z, "e": np.zeros((21, 1))}
    exact = ebm.log_partition(E.Ising(0.36, graph=TORUS), method="torus").eval(mode=PY)
    np.testing.assert_allclose(logp(zeros), 0.36 * 288 - exact, atol=0.5)
    np.testing.assert_allclose(with_error(zeros), logp(zeros))
    assert with_error({**zeros, "e": np.ones((21, 1))}) < logp(zeros)
    beyond = np.log((0.58 - 0.1) / (0.6 - 0.58))  # K = 0.522 is outside the table
    assert np.isneginf(logp({**zeros, "J_interval__": beyond}))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: ebm.LogPartitionTable.simulate(E.Ring(), coupling=[0.1, 0.2]), "pass energies.Ising"),
        (lambda t: ebm.LogPartitionTable.simulate(t.energy, coupling=[0.2, 0.1]), "must increase"),
        (lambda t: ebm.LogPartitionTable.simulate(t.energy, coupling=[0.2]), "two or more"),
        (lambda t: ebm.LogPartitionTable.simulate(E.Potts(1.0, q=3, graph=TORUS), coupling=[0.1, 0.2],
            field=[0.1]), "no field"),
        (lambda t: ebm.LogPartitionTable.simulate(t.energy, coupling=[0.1, 0.2], draws=3), "draws must be 4"),
        (lambda t: t(E.Ising(0.1, graph=ebm.Graph.square(4, 4))), "another graph"),
        (lambda t: t(E.Ising(np.arange(288) / 288, graph=TORUS)), "coupling of its own"),
        (lambda t: t(E.Ising(0.1, np.arange(144).reshape(12, 12) / 144, graph=TORUS)), "field differs"),
    ],
)  # fmt: skip
def test_bad_input(table, call, message):
    with pytest.raises(ValueError, match=message):
        call(table)


def test_the_errors_of_two_tables_are_not_mixed_up(table):
    other = ebm.LogPartitionTable(table.energy, table.dataset)
    with pm.Model() as model:
        energy = E.Ising(0.3, graph=TORUS)
        for _ in "ab":
            table.uncertain()(energy)  # one table, one error
        with pytest.raises(ValueError, match="'log_z_error' is not this table's error"):
            other.uncertain()(energy)
    assert [v.name for v in model.free_RVs] == ["log_z_error"]
