"""Many replicas at once: against enumeration, for every kernel and sign; bad input."""

import warnings

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


@pytest.mark.usefixtures("interpreted")
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
    assert runs["posterior"].attrs["method"] == "multi_spin"  # frustrated: nothing for clusters
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
    options = {
        "betas": [0.2, 0.4], "draws": 5, "tune": 3, "random_seed": 4, "progressbar": False,
        "method": "multi_spin",
    }  # fmt: skip
    first = ebm.simulate(lattice, **options)["posterior"]
    assert first.equals(ebm.simulate(lattice, **options)["posterior"])
    original, calls = multi_spin.measure_square_lattice, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(multi_spin, "measure_square_lattice", interrupted)
    says = r"interrupted at beta = 0.4 \(2 of 2\), chains 0 to 63 of 64, about draw 2 of 5"
    with pytest.warns(UserWarning, match=says):
        runs = ebm.simulate(lattice, **options)
    partial, finished = runs["posterior"], runs["last_state"]
    assert finished["beta"].values.tolist() == [0.2]
    assert set(np.unique(finished["state"])) == {-1, 1}
    np.testing.assert_array_equal(partial["energy"][0], first["energy"][0])
    assert np.isfinite(partial["energy"][1, :, :2]).all()
    assert np.isnan(partial["energy"][1, :, 2:]).all()


# which sampler


GLASS = RNG.choice([-1.0, 1.0], 32)
CHOICES = {
    "ferromagnet": (ebm.energies.Ising(1.0, graph=SQUARE), "swendsen_wang"),
    "in a field": (ebm.energies.Ising(1.0, 0.1, graph=SQUARE), "swendsen_wang"),
    "antiferromagnet on two sides": (ebm.energies.Ising(-1.0, graph=SQUARE), "swendsen_wang"),
    "glass, one strength": (ebm.energies.Ising(GLASS, graph=SQUARE), "multi_spin"),
    "glass in a field": (ebm.energies.Ising(GLASS, 0.1, graph=SQUARE), "heat_bath"),
    "no couplings": (ebm.energies.Ising(np.zeros((3, 3)), 0.3), "heat_bath"),
    "Potts": (ebm.energies.Potts(1.0, q=3, graph=SQUARE), "swendsen_wang"),
    "Potts that repels": (ebm.energies.Potts(-1.0, q=3, graph=SQUARE), "heat_bath"),
    "two Potts states that repel": (ebm.energies.Potts(GLASS, q=2, graph=SQUARE), "multi_spin"),
    "Blume–Capel": (ebm.energies.BlumeCapel(1.0, 0.0, 0.5, graph=SQUARE), "swendsen_wang"),
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_couplings_choose_the_sampler(name):
    energy, method = CHOICES[name]
    runs = ebm.simulate(energy, chains=2, draws=2, tune=2, random_seed=1, progressbar=False)
    assert runs["posterior"].attrs["method"] == method
    assert np.isfinite(runs["posterior"]["energy"]).all()


# chains that disagree


def run_cold(method, length=16, **options):
    lattice = ebm.energies.Ising(1.0, graph=ebm.Graph.square(length, length))
    options = {"betas": [0.2, 0.7], "draws": 100, "tune": 200, "random_seed": 1, **options}
    return ebm.simulate(lattice, method=method, progressbar=False, **options)


def test_below_the_transition_clusters_agree_and_the_heat_bath_says_what_it_saw():
    """Yang (1952) for |m|; 16² sites and z < 4.5 as above (finite size moves it by 1e-6)."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        m = abs(run_cold("auto")["posterior"]["magnetization"].values[1]).mean(axis=1)
    yang = (1 - np.sinh(1.4) ** -4.0) ** 0.125
    assert abs(m.mean() - yang) < 4.5 * m.std(ddof=1) / 8
    striped = np.ones((64, 16, 16))
    striped[5, :8] = -1
    says = r"at 1 of 2 temperatures, most at beta = 0.7 .*of chain 5 is .*method=\"swendsen_wang\""
    with pytest.warns(UserWarning, match=says):
        stuck = run_cold("multi_spin", initval=striped, tune=0)
    assert abs(stuck["posterior"]["magnetization"].values[1, 5, :20]).mean() < 0.5


def test_a_glass_that_disagrees_is_advised_to_anneal_or_temper():
    graph = ebm.Graph.square(12, 12)
    energy = ebm.energies.Ising(np.random.default_rng(1).normal(size=graph.n_edges), graph=graph)
    with pytest.warns(UserWarning, match=r"energy of chain.*schedule=np.outer.*ParallelTempering"):
        ebm.simulate(
            energy, betas=5.0, chains=8, draws=50, tune=20, random_seed=1, progressbar=False
        )


# where replicas start


@pytest.mark.parametrize("method", ["multi_spin", "heat_bath", "swendsen_wang"])
def test_replicas_start_where_they_are_told(method):
    """At a tiny temperature ferromagnets in order stay as they are, but for flips as a whole."""
    up = np.broadcast_to(np.array([1, -1, 1])[:, None, None], (3, 6, 6))
    runs = run_cold(method, 6, betas=[9.0], chains=3, draws=2, tune=1, initval=up)
    state = runs["last_state"]["state"].values[0]
    assert np.all(np.abs(state.mean((-2, -1))) == 1)
    if method != "swendsen_wang":
        np.testing.assert_array_equal(state, up)


@pytest.mark.parametrize("name", ["Potts", "Potts, two states", "Blume–Capel"])
def test_states_of_a_run_start_the_next(name):
    energy = STATES[name]
    options = {"betas": [1.0, 30.0], "chains": 5, "progressbar": False, "method": "heat_bath"}
    first = ebm.simulate(energy, draws=2, tune=200, random_seed=1, **options)
    start = first["last_state"]["state"]
    again = ebm.simulate(energy, draws=1, tune=0, random_seed=2, initval=start, **options)
    before, after = (r["posterior"]["energy"].values[1, :, -1] for r in (first, again))
    assert np.all(after <= before + 1e-9)  # at β = 30 energies only fall


def test_annealing_finds_lower_energies_than_a_quench():
    """A glass of 400 spins; both ends at β = 3 after as many sweeps. Measured gap: 8 errors."""
    graph = ebm.Graph.square(20, 20)
    energy = ebm.energies.Ising(np.random.default_rng(2).normal(size=graph.n_edges), graph=graph)
    ends = [
        ebm.simulate(
            energy, betas=[3.0], chains=40, draws=1, tune=400, random_seed=1, progressbar=False,
            schedule=schedule,
        )["posterior"]["energy"].values[0, :, 0]
        for schedule in (None, np.outer([3.0], np.linspace(0.1, 1, 40)))
    ]  # fmt: skip
    quench, annealed = (e.mean() for e in ends)
    error = np.sqrt(sum(e.var(ddof=1) / 40 for e in ends))
    assert (quench - annealed) / error > 4


def test_records_are_made_at_beta_whatever_the_schedule_was():
    """Energy of a chain of 12 spins, −12 tanh β nearly; z < 4.5, false alarm 1e-5."""
    chain = ebm.Graph.from_edges([(k, k + 1) for k in range(11)])
    runs = ebm.simulate(
        ebm.energies.Ising(1.0, graph=chain), betas=[0.3, 0.8], draws=400, tune=100, thin=2,
        schedule=[2.0, 0.0], random_seed=1, progressbar=False,
    )["posterior"]["energy"].values.mean(axis=2)  # fmt: skip
    for beta, means in zip((0.3, 0.8), runs, strict=True):
        assert abs(means.mean() + 11 * np.tanh(beta)) < 4.5 * means.std(ddof=1) / 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"betas": [0.4, -1.0]}, "betas contains -1.0"),
        ({"chains": 0}, "chains must be 1 or more, got 0"),
        ({"tune": -5}, "tune must be 0 or more, got -5"),
        ({"draws": 2.5}, "draws must be a whole number, got 2.5"),
        ({"betas": []}, r"betas has shape \(0,\).*betas=\[0.4, 0.5\]"),
        ({"betas": [[0.4]]}, r"betas has shape \(1, 1\)"),
        ({"initval": np.zeros((4, 4))}, r"initval contains 0.0; states are \(-1, 1\)"),
        ({"initval": np.ones((4, 5))}, r"initval has shape \(4, 5\); pass \(4, 4\)"),
        ({"initval": np.ones((3, 4, 4)), "chains": 2}, r"against \(1, 2\) temperatures"),
        ({"schedule": [0.1, -1.0]}, "schedule contains -1.0"),
        ({"schedule": np.ones((2, 5))}, r"schedule has shape \(2, 5\).*a row for each of 1"),
        ({"schedule": np.ones(30), "tune": 10}, "30 steps and tune=10 .*Pass tune=300"),
        (
            {"energy": ebm.energies.Ising(1.0, np.zeros((5, 4, 4)), graph=SQUARE)},
            r"fields of shape \(5, 4, 4\) describe several energies",
        ),
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
