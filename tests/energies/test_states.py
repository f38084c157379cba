"""Energies of several states: against NumPy; log-probabilities, algebra, batches, bad input."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from pytensor.compile.mode import Mode

import pymc_ebm as ebm

from tests.oracles import boltzmann

PY = Mode(linker="py", optimizer="fast_compile")
RNG = np.random.default_rng(2)
GRAPH = ebm.Graph.from_edges([(0, 1), (1, 2), (0, 2), (2, 3)])
FIRST, SECOND = GRAPH.edges.T
J = RNG.normal(size=4)


def numbers(q, n=4):
    return (np.arange(q**n)[:, None] // q ** np.arange(n)) % q


def potts_by_hand(x, J, table):
    same = x[..., FIRST] == x[..., SECOND]
    return -(J * same).sum(-1) - np.take_along_axis(table, x[..., None], -1)[..., 0].sum(-1)


@pytest.mark.parametrize("field", ["none", "per state", "per vertex"])
def test_potts_energy(field):
    h = {"none": 0.0, "per state": RNG.normal(size=3), "per vertex": RNG.normal(size=(4, 3))}[field]
    x = numbers(3)
    table = np.broadcast_to(h, (len(x), 4, 3))
    energy = ebm.energies.Potts(J, h, q=3, graph=GRAPH)
    np.testing.assert_allclose(energy(x).eval(mode=PY), potts_by_hand(x, J, table))


def test_two_potts_states_are_the_ising_model():
    x = numbers(2)
    potts = ebm.energies.Potts(2 * J, q=2, graph=GRAPH)(x).eval(mode=PY)
    ising = ebm.energies.Ising(J, graph=GRAPH)(2 * x - 1).eval(mode=PY)
    np.testing.assert_allclose(potts - ising, -J.sum())


def test_an_rbm_is_its_joint_with_the_hidden_units_summed_out():
    machine = ebm.energies.RBM(RNG.normal(size=(4, 3)), RNG.normal(size=4), RNG.normal(size=3))
    visible, hidden = numbers(2, 4), numbers(2, 3)
    units = np.concatenate([np.repeat(visible, 8, axis=0), np.tile(hidden, (16, 1))], axis=1)
    joint = machine.joint()(units).eval(mode=PY).reshape(16, 8)
    expected = -np.log(np.exp(-joint).sum(axis=1))
    np.testing.assert_allclose(machine(visible).eval(mode=PY), expected)


def test_log_probabilities_normalise_and_vanish_outside_the_support():
    cases = [
        (ebm.Potts.dist(J, [0.1, 0.2, 0.3], q=3, graph=GRAPH, shape=(83, 4)), numbers(3), [3, -1]),
        (
            ebm.Boltzmann.dist(ebm.energies.BlumeCapel(J, D=0.3, graph=GRAPH), shape=(83, 4)),
            numbers(3) - 1,
            [2, -2],
        ),
    ]
    for rv, states, outside in cases:
        bad = states[:2].copy()
        bad[[0, 1], [1, 2]] = outside
        logp = pm.logp(rv, pt.as_tensor_variable(np.concatenate([states, bad]).astype("int8")))
        logp = logp.eval(mode=PY)
        assert np.isneginf(logp[-2:]).all()
        energy = rv.owner.op.energy(states).eval(mode=PY)
        np.testing.assert_allclose(boltzmann(-logp[:-2]), boltzmann(energy))


def test_a_batch_of_potts_fields_is_sampled_entry_by_entry():
    h = RNG.normal(size=(2, 4, 3))
    with pm.Model() as model:
        x = ebm.Potts("x", 0.5, h, q=3, graph=GRAPH, shape=(2, 4))
        step = ebm.ChromaticGibbs([x], sweeps=3, rng=1)
    point, [stats] = step.step(model.initial_point(0))
    by_hand = potts_by_hand(point["x"].astype(int), 0.5, h).sum()
    np.testing.assert_allclose(stats["spin_energy"], by_hand)
    values = np.empty((6000, 2, 4))
    for t in range(6000):
        point, _ = step.step(point)
        values[t] = point["x"]
    states = numbers(3)
    for b in range(2):
        p = boltzmann(potts_by_hand(states, 0.5, np.broadcast_to(h[b], (81, 4, 3))))
        exact = np.stack([p @ (states == a) for a in range(3)])
        drawn = np.stack([(values[:, b] == a).mean(0) for a in range(3)])
        # three sweeps a draw: an inefficiency of at most 2; 5 standard errors, false alarm 1e-5
        assert np.all(np.abs(drawn - exact) < 5 * np.sqrt(2 * exact * (1 - exact) / 6000))


def test_frustration_names_a_cycle_and_finds_a_gauge():
    from pymc_ebm.graphs.frustration import find_frustration

    lattice = ebm.Graph.square(4, 4)
    gauge = RNG.choice([-1, 1], 16)
    signs = gauge[lattice.edges[:, 0]] * gauge[lattice.edges[:, 1]]
    found = find_frustration(lattice, 0.5 * signs)
    assert found.cycle == []
    assert np.all(found.gauge[lattice.edges].prod(axis=1) * signs > 0)
    signs[5] *= -1
    cycle = find_frustration(lattice, 0.5 * signs).cycle
    sign_of = {tuple(e): s for e, s in zip(lattice.edges.tolist(), signs, strict=True)}
    around = [tuple(sorted(pair)) for pair in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
    assert np.prod([sign_of[edge] for edge in around]) == -1
    signs[5] = 0  # a missing coupling frustrates nothing
    assert find_frustration(lattice, signs).cycle == []


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ebm.energies.Potts(1.0, q=2.5, graph=GRAPH), "q = 2.5"),
        (lambda: ebm.energies.Potts(1.0, np.zeros((3, 3)), q=3, graph=GRAPH), r"shape \(3, 3\)"),
        (lambda: ebm.energies.RBM(np.ones(3)), r"W has shape \(3,\)"),
        (lambda: ebm.energies.RBM(np.ones((3, 2)), c=np.ones(3)), r"c has shape \(3,\)"),
        (
            lambda: (
                ebm.energies.Potts(J, q=3, graph=GRAPH) + ebm.energies.Potts(1.0, q=4, graph=GRAPH)
            ),
            r"\(0, 1, 2\).*\(0, 1, 2, 3\)",
        ),
    ],
)
def test_bad_input(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_two_potts_states_are_reported_as_other_potts_models_are():
    h = RNG.normal(size=(4, 2))
    with pm.Model() as model:
        x = ebm.Potts("x", J, h, q=2, graph=GRAPH)
        step = ebm.ChromaticGibbs([x], sweeps=1, rng=1)
    point, [stats] = step.step(model.initial_point(0))
    by_hand = potts_by_hand(point["x"].astype(int), J, h)
    np.testing.assert_allclose(stats["spin_energy"], by_hand)
    np.testing.assert_allclose(stats["magnetization"], abs(2 * point["x"].mean() - 1))
    runs = ebm.simulate(x.owner.op.energy, chains=3, draws=1, tune=1, progressbar=False)
    state = runs["last_state"]["state"].values[0].astype(int)
    table = np.broadcast_to(h, (3, 4, 2))
    np.testing.assert_allclose(
        runs["posterior"]["energy"].values[0, :, 0], potts_by_hand(state, J, table)
    )
