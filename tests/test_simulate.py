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
            {"energy": ebm.energies.Potts(1.0, q=3, graph=SQUARE)},
            "Potts is no pairwise energy of two",
        ),
    ],
)
def test_bad_input(change, message):
    energy = change.pop("energy", ebm.energies.Ising(1.0, graph=SQUARE))
    with pytest.raises(ValueError, match=message):
        ebm.simulate(energy, progressbar=False, **change)
