"""Many replicas at once: against enumeration, for every kernel and sign; bad input."""

import numpy as np
import pytest

import pymc_ebm as ebm

from pymc_ebm.kernels import multi_spin
from tests.oracles import all_spins, boltzmann, ising_energies

RNG = np.random.default_rng(3)
SQUARE, TRIANGULAR = ebm.Graph.square(4, 4), ebm.Graph.triangular(3, 3)
LISTED = ebm.Graph.from_edges(SQUARE.edges, (4, 4))  # no lattice: the kernel with a neighbour table

CASES = {
    "even square lattice": (SQUARE, 1.0, "multi_spin"),
    "antiferromagnet": (SQUARE, -1.0, "multi_spin"),
    "four neighbours, any signs": (LISTED, RNG.choice([-1.0, 1.0], 32), "multi_spin"),
    "six neighbours": (TRIANGULAR, 1.0, "multi_spin"),
    "six neighbours, any signs": (TRIANGULAR, RNG.choice([-1.0, 1.0], 27), "multi_spin"),
    "heat bath": (LISTED, RNG.normal(0, 1, 32), "heat_bath"),
    "clusters": (SQUARE, 1.0, "swendsen_wang"),
}


def worst_z(name, draws=600):
    """Return the largest |z| of E, E² and m² over two temperatures; chains are independent."""
    graph, J, method = CASES[name]
    betas = [0.2, 0.44]
    runs = ebm.simulate(
        ebm.energies.Ising(J, graph=graph), betas=betas, draws=draws, tune=100, thin=4,
        method=method, random_seed=1, progressbar=False,
    )["posterior"]  # fmt: skip
    states = all_spins(graph.n_vertices)
    energies = ising_energies(states, graph.edges, J, 0.0)
    worst = 0.0
    for k, beta in enumerate(betas):
        p = boltzmann(energies, beta)
        E, m = runs["energy"].values[k], runs["magnetization"].values[k]
        exact = np.array([p @ energies, p @ energies**2, p @ states.mean(1) ** 2])
        means = np.stack([E.mean(1), (E**2).mean(1), (m**2).mean(1)], axis=-1)
        error = means.std(axis=0, ddof=1) / np.sqrt(len(means))
        worst = max(worst, np.abs((means.mean(0) - exact) / error).max())
    return worst


@pytest.mark.parametrize("name", CASES)
def test_simulation_agrees_with_enumeration(name):
    """Limit 4.5: with 63 degrees of freedom and six values, false alarm 2e-4 a case."""
    assert worst_z(name) < 4.5


@pytest.mark.parametrize("name", ["even square lattice", "six neighbours, any signs"])
def test_a_wrong_probability_is_caught(name, monkeypatch):
    """Two percent off on the first level."""
    from pymc_ebm.moves import multi_spin as move

    digits = move._digits
    monkeypatch.setattr(move, "_digits", lambda strength: digits(1.02 * strength))
    assert worst_z(name, draws=4000) > 4.5


TRIANGLES = ebm.Graph.from_edges([(0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (4, 2)])
STATES = {
    "Potts": ebm.energies.Potts(0.7, [0.1, -0.2, 0.1], q=3, graph=TRIANGLES),
    "Potts, two states": ebm.energies.Potts(0.7, [0.1, -0.2], q=2, graph=TRIANGLES),
    "Blume–Capel": ebm.energies.BlumeCapel(0.6, 0.1, 0.3, graph=TRIANGLES),
}


@pytest.mark.parametrize("method", ["heat_bath", "swendsen_wang"])
@pytest.mark.parametrize("name", STATES)
def test_states_agree_with_enumeration(name, method):
    """E and the order parameter; limit 4.5 as above, false alarm 5e-5 a case."""
    energy = STATES[name]
    runs = ebm.simulate(
        energy, betas=1.3, draws=800, tune=50, thin=2, method=method, random_seed=2,
        progressbar=False,
    )  # fmt: skip
    q, lowest = len(energy.states), energy.states[0]
    values = (np.arange(q**5)[:, None] // q ** np.arange(5)) % q + lowest
    E = energy(values).eval()
    p = boltzmann(E, 1.3)
    order = values.mean(1)
    if name.startswith("Potts"):
        largest = np.stack([(values == a).mean(1) for a in range(q)]).max(0)
        order = (q * largest - 1) / (q - 1)
    for drawn, exact in (
        (runs["posterior"]["energy"], p @ E),
        (runs["posterior"]["magnetization"], p @ order),
    ):
        means = drawn.values[0].mean(1)
        assert abs(means.mean() - exact) < 4.5 * means.std(ddof=1) / 8
    last = runs["last_state"]["state"].values[0]
    np.testing.assert_allclose(
        energy(last).eval(), runs["posterior"]["energy"].values[0, :, -1], atol=1e-12
    )


def test_the_final_states_have_the_last_energies():
    graph = ebm.Graph.cubic(4, 4, 4)
    J = RNG.choice([-1.0, 1.0], graph.n_edges)
    runs = ebm.simulate(
        ebm.energies.Ising(J, graph=graph), betas=0.5, chains=70, draws=3, tune=10, random_seed=1,
        progressbar=False,
    )  # fmt: skip
    assert runs["posterior"].attrs["method"] == "multi_spin"
    state = runs["last_state"]["state"].values[0]
    assert state.shape == (70, 4, 4, 4)
    flat = state.reshape(70, 64).astype(int)
    np.testing.assert_allclose(
        ising_energies(flat, graph.edges, J, 0.0), runs["posterior"]["energy"].values[0, :, -1]
    )
    np.testing.assert_allclose(flat.mean(1), runs["posterior"]["magnetization"].values[0, :, -1])


def test_zero_one_coding_has_its_own_energy():
    machine = ebm.energies.BoltzmannMachine(0.8, 0.3, graph=ebm.Graph.square(3, 3))
    runs = ebm.simulate(machine, chains=4, draws=2, tune=5, random_seed=1, progressbar=False)
    state = runs["last_state"]["state"].values[0]
    assert set(np.unique(state)) <= {0, 1}
    expected = machine(state).eval()
    np.testing.assert_allclose(expected, runs["posterior"]["energy"].values[0, :, -1])


def test_a_run_repeats_with_its_seed_and_an_interrupt_keeps_what_was_drawn(monkeypatch):
    lattice = ebm.energies.Ising(1.0, graph=SQUARE)
    options = {"betas": [0.2, 0.4], "draws": 5, "tune": 3, "random_seed": 4, "progressbar": False}
    first = ebm.simulate(lattice, **options)["posterior"]
    assert first.equals(ebm.simulate(lattice, **options)["posterior"])
    original, calls = multi_spin.measure_square_lattice, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(multi_spin, "measure_square_lattice", interrupted)
    partial = ebm.simulate(lattice, **options)["posterior"]
    np.testing.assert_array_equal(partial["energy"][0], first["energy"][0])
    assert np.isfinite(partial["energy"][1, :, :2]).all()
    assert np.isnan(partial["energy"][1, :, 2:]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"betas": [0.4, -1.0]}, "betas contains -1.0"),
        ({"chains": 0}, "chains must be 1 or more, got 0"),
        ({"method": "wolf"}, "method='wolf' is none of"),
        ({"energy": ebm.energies.Ising(1.0, 0.1, graph=SQUARE), "method": "multi_spin"}, "a field"),
        (
            {"energy": ebm.energies.Custom(lambda x: x.prod(), (3,), support="spin")},
            "Custom is no pairwise discrete energy.*pm.sample",
        ),
        (
            {"energy": ebm.energies.Potts(1.0, q=3, graph=SQUARE), "method": "multi_spin"},
            "more than two values",
        ),
    ],
)
def test_bad_input(change, message):
    energy = change.pop("energy", ebm.energies.Ising(1.0, graph=SQUARE))
    with pytest.raises(ValueError, match=message):
        ebm.simulate(energy, progressbar=False, **change)
