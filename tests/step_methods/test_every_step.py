"""Every step method with a child, unknown parameters, tuning; against enumeration. Bad input."""

import logging

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from scipy.stats import chisquare

import pymc_ebm as ebm

from pymc_ebm.kernels import tempering
from pymc_ebm.kernels.xoshiro import seed_state
from tests.oracles import all_spins, boltzmann, ising_energies, products
from tests.statistics import bonferroni_limit, z_scores

RNG = np.random.default_rng(7)
RING = ebm.Graph.from_edges([(k, (k + 1) % 6) for k in range(6)])
TRIANGLE = ebm.Graph.from_edges([(0, 1), (1, 2), (0, 2), (2, 3)])
J_RING = RNG.normal(0, 0.6, 6)
J_RING[0] = np.abs(J_RING[0]) * np.sign(np.prod(J_RING[1:]))  # unfrustrated
Y = RNG.normal(0, 1, 6)
W = RNG.normal(0, 1, (6, 3))


def log_normal(values):
    """Log-likelihood of the child N(0.7 x, 1) of each configuration."""
    return -0.5 * ((Y[: values.shape[1]] - 0.7 * values) ** 2).sum(axis=1)


def numbers(q, n):
    return (np.arange(q**n)[:, None] // q ** np.arange(n)) % q


def ising():
    s = ebm.Ising("x", J_RING, 0.1, graph=RING, beta=0.9)
    states = all_spins(6)
    return s, states, -0.9 * ising_energies(states, RING.edges, J_RING, 0.1)


def frustrated():
    J = np.where(np.arange(6) == 0, -np.prod(np.sign(J_RING[1:])), 1) * np.abs(J_RING)
    s = ebm.Ising("x", J, 0.1, graph=RING)
    states = all_spins(6)
    return s, states, -ising_energies(states, RING.edges, J, 0.1)


def machine():
    s = ebm.Boltzmann("x", ebm.energies.BoltzmannMachine(J_RING, 0.2, graph=RING))
    states = (all_spins(6) + 1) // 2
    i, j = RING.edges.T
    return s, states, (J_RING * states[:, i] * states[:, j]).sum(1) + 0.2 * states.sum(1)


def potts():
    h = RNG.normal(0, 0.3, 3)
    s = ebm.Potts("x", 0.6, h, q=3, graph=TRIANGLE)
    states = numbers(3, 4)
    i, j = TRIANGLE.edges.T
    return s, states, 0.6 * (states[:, i] == states[:, j]).sum(1) + h[states].sum(1)


def two_potts_states():
    h = RNG.normal(0, 0.3, 2)
    s = ebm.Potts("x", 0.6, h, q=2, graph=TRIANGLE)
    states = numbers(2, 4)
    i, j = TRIANGLE.edges.T
    return s, states, 0.6 * (states[:, i] == states[:, j]).sum(1) + h[states].sum(1)


def blume_capel():
    s = ebm.Boltzmann("x", ebm.energies.BlumeCapel(0.5, 0.1, 0.3, graph=TRIANGLE), beta=1.2)
    states = numbers(3, 4) - 1
    i, j = TRIANGLE.edges.T
    energy = -0.5 * (states[:, i] * states[:, j]).sum(1) - 0.1 * states.sum(1)
    return s, states, -1.2 * (energy + 0.3 * (states**2).sum(1))


def rbm():
    b, c = RNG.normal(0, 0.5, 6), RNG.normal(0, 0.5, 3)
    s = ebm.RBM("x", W, b, c, beta=0.8)
    states = numbers(2, 6)
    return s, states, 0.8 * states @ b + np.logaddexp(0, 0.8 * (c + states @ W)).sum(1)


def glass():
    """Take couplings of one strength and no field: the kernel of signs."""
    s = ebm.Ising("x", np.where(np.arange(6) == 2, -0.8, 0.8), graph=RING)
    states = all_spins(6)
    J = np.where(np.arange(6) == 2, -0.8, 0.8)
    return s, states, -ising_energies(states, RING.edges, J, 0.0)


def cubic():
    """Write an energy of no family."""
    s = ebm.Boltzmann(
        "x", lambda x: 0.5 * x[..., 0] * x[..., 1] * x[..., 2] + 0.1 * (x.sum() - 1) ** 2,
        support="spin", shape=4,
    )  # fmt: skip
    states = all_spins(4)
    return s, states, -0.5 * states[:, :3].prod(1) - 0.1 * (states.sum(1) - 1) ** 2


def categorical():
    s = ebm.Boltzmann(
        "x", lambda x: 0.2 * ((x[1:] - x[:-1]) ** 2).sum(), support="categorical", n_states=4, shape=3
    )  # fmt: skip
    states = numbers(4, 3)
    return s, states, -0.2 * (np.diff(states, axis=1) ** 2).sum(1)


def tied():
    """Add a potential that couples all entries."""
    s = ebm.Ising("x", J_RING, 0.1, graph=RING)
    pm.Potential("total", -0.3 * (s.sum() - 2.0) ** 2)
    states = all_spins(6)
    energy = ising_energies(states, RING.edges, J_RING, 0.1)
    return s, states, -energy - 0.3 * (states.sum(1) - 2.0) ** 2


CASES = [
    (ising, ebm.ChromaticGibbs, {}),
    (ising, ebm.Metropolis, {}),
    (ising, ebm.SwendsenWang, {}),
    (ising, ebm.SwendsenWang, {"heat_bath_sweeps": 0}),
    (ising, ebm.Wolff, {}),
    (ising, ebm.ParallelTempering, {}),
    (ising, ebm.GibbsWithGradients, {}),
    (ising, ebm.DiscreteLangevin, {}),
    (frustrated, ebm.ParallelTempering, {}),
    (frustrated, ebm.ParallelTempering, {"exchange": False, "ladder": [0.2, 0.6, 1]}),
    (glass, ebm.ParallelTempering, {}),
    (glass, ebm.ParallelTempering, {"exchange": False}),
    (machine, ebm.ChromaticGibbs, {}),
    (machine, ebm.SwendsenWang, {}),
    (machine, ebm.ParallelTempering, {}),
    (machine, ebm.GibbsWithGradients, {}),
    (potts, ebm.ChromaticGibbs, {}),
    (potts, ebm.Metropolis, {}),
    (potts, ebm.SwendsenWang, {}),
    (potts, ebm.Wolff, {}),
    (potts, ebm.ParallelTempering, {}),
    (two_potts_states, ebm.ChromaticGibbs, {}),
    (two_potts_states, ebm.SwendsenWang, {}),
    (two_potts_states, ebm.ParallelTempering, {}),
    (blume_capel, ebm.ChromaticGibbs, {}),
    (blume_capel, ebm.Metropolis, {}),
    (blume_capel, ebm.SwendsenWang, {}),
    (blume_capel, ebm.ParallelTempering, {}),
    (blume_capel, ebm.GibbsWithGradients, {}),
    (blume_capel, ebm.DiscreteLangevin, {}),
    (rbm, ebm.BlockGibbs, {}),
    (ising, ebm.BlockGibbs, {}),
    (machine, ebm.BlockGibbs, {}),
    (tied, ebm.GibbsWithGradients, {}),
    (tied, ebm.Metropolis, {}),
    (rbm, ebm.GibbsWithGradients, {}),
    (rbm, ebm.Metropolis, {}),
    (rbm, ebm.DiscreteLangevin, {}),
    (cubic, ebm.Metropolis, {"sweeps": 2}),
    (categorical, ebm.Metropolis, {}),
    (cubic, ebm.GibbsWithGradients, {}),
    (cubic, ebm.DiscreteLangevin, {}),
    (categorical, ebm.GibbsWithGradients, {}),
    (categorical, ebm.DiscreteLangevin, {}),
    (ising, ebm.RelaxedNUTS, {}),
    (potts, ebm.RelaxedNUTS, {}),
    (rbm, ebm.RelaxedNUTS, {}),
]


# steps that evaluate the whole model take seconds a case
COSTLY = (ebm.DiscreteLangevin, ebm.GibbsWithGradients, ebm.RelaxedNUTS)
TELLING = {
    ("machine", "GibbsWithGradients", True),
    ("tied", "GibbsWithGradients", False),
    ("categorical", "GibbsWithGradients", False),
    ("blume_capel", "DiscreteLangevin", True),
    ("categorical", "Metropolis", True),
    ("cubic", "Metropolis", False),
    ("potts", "RelaxedNUTS", True),
}


def every_case():
    """Yield the cases, of costly ones all but the telling marked as slow."""
    for build, step, options in CASES:
        for with_child in (False, True):
            costly = step in COSTLY or (
                step is ebm.Metropolis and build in (tied, rbm, cubic, categorical)
            )
            slow = costly and (build.__name__, step.__name__, with_child) not in TELLING
            yield pytest.param(
                build, step, options, with_child, marks=pytest.mark.slow if slow else (),
                id=f"{build.__name__}-{step.__name__}-{len(options)}-{'child' if with_child else 'alone'}",
            )  # fmt: skip


@pytest.mark.parametrize(("build", "step_class", "options", "with_child"), list(every_case()))
def test_moments_agree_with_enumeration(build, step_class, options, with_child):
    """First and second moments; false alarm 0.1 % a case."""
    with pm.Model() as model:
        x, states, log_p = build()
        n = states.shape[1]
        if with_child:
            pm.Normal("y", 0.7 * x, 1.0, observed=Y[:n])
            log_p = log_p + log_normal(states)
        step = step_class([x], rng=1, compile_kwargs={"mode": "FAST_COMPILE"}, **options)
    p = boltzmann(-log_p)
    point = model.initial_point(0)
    step.setup_chain(np.random.default_rng(2), 300, 0)
    for _ in range(300):
        point, stats = step.step(point)
    assert set(stats[0]) == set(step.stats_dtypes_shapes)
    step.stop_tuning()
    fewer = {ebm.GibbsWithGradients: 1500, ebm.DiscreteLangevin: 3000, ebm.RelaxedNUTS: 3000}
    draws = fewer.get(step_class, 6000)
    values = np.empty((1, draws, n))
    for t in range(draws):
        point, _ = step.step(point)
        values[0, t] = point["x"].reshape(-1)
    z = z_scores(products(values), p @ products(states))
    assert np.abs(z).max() < bonferroni_limit(z.size, 1e-3)


@pytest.fixture(scope="module")
def unknown_mean():
    """Frustrated and unfrustrated spins under a Normal likelihood with an unknown slope."""
    rng = np.random.default_rng(4)
    y = rng.normal(0.5, 1, 6)
    J = np.where(np.arange(6) == 0, -1, 1) * 0.5
    with pm.Model() as model:
        s = ebm.Ising("s", J, 0.1, graph=RING)
        t = ebm.Ising("t", np.abs(J), 0.1, graph=RING)
        mu, nu = pm.Normal("mu", 0.5, 1), pm.Normal("nu", 0.5, 1)
        pm.Normal("y", mu * s, 1.0, observed=y)
        pm.Normal("z", nu * t, 1.0, observed=y)
    states = all_spins(6)
    grid = np.linspace(-5, 6, 2001)
    truths = []
    for couplings in (J, np.abs(J)):
        log_joint = -ising_energies(states, RING.edges, couplings, 0.1) - 0.5 * (
            (y - grid[:, None, None] * states) ** 2
        ).sum(-1)
        joint = np.exp(log_joint - 0.5 * (grid[:, None] - 0.5) ** 2 - log_joint.max())
        joint /= joint.sum()
        slope = joint.sum(axis=1)
        truths.append(
            np.append(joint.sum(axis=0) @ products(states), [slope @ grid, slope @ grid**2])
        )
    return model, truths


def test_tempering_and_clusters_stay_right_while_parameters_are_sampled(unknown_mean, caplog):
    """Steps chosen by themselves, NUTS on the slopes; false alarm 1 % over all moments."""
    model, truths = unknown_mean
    assert [ebm.recommend(model)[v].step for v in "st"] == ["ParallelTempering", "SwendsenWang"]
    with model, caplog.at_level(logging.INFO, logger="pymc"):
        idata = pm.sample(
            5000, tune=600, chains=2, cores=1, random_seed=5, progressbar=False,
            compute_convergence_checks=False,
        )  # fmt: skip
    assert "s: parallel tempering" in caplog.text
    assert "t: Swendsen–Wang clusters" in caplog.text
    assert "unfrustrated" in caplog.text
    z = []
    for spins, slope, truth in zip("st", ("mu", "nu"), truths, strict=True):
        drawn = products(idata["posterior"][spins].values.reshape(2, -1, 6))
        values = idata["posterior"][slope].values[..., None]
        z.append(z_scores(np.concatenate([drawn, values, values**2], axis=-1), truth))
    z = np.concatenate(z)
    assert np.abs(z).max() < bonferroni_limit(z.size)


def one_round(exchange=True, swap_error=0.0, seed=3, replicates=60_000, anchored=False):
    """Return p-values of the rungs after one round from independent exact draws."""
    rng = np.random.default_rng(seed)
    J, h = rng.normal(0, 1.0, 4), rng.normal(0, 0.3, 4)
    graph = ebm.Graph.from_edges([(0, 1), (1, 2), (2, 3), (0, 3)])
    states = all_spins(4)
    log_weight = -ising_energies(states, graph.edges, J, h)
    scales = np.array([0.0, 0.4, 1.0])
    indptr, indices, numbers_ = graph.neighbors
    first, second = np.ascontiguousarray(graph.edges.T, dtype=np.int32)
    probabilities = [boltzmann(-t * log_weight) for t in scales]
    couplings, field = np.stack([J, J]), np.ascontiguousarray(h[:, None])
    sites = np.arange(4, dtype=np.uint32)
    state = seed_state(rng)
    counts = np.zeros((3, 16))
    draws = [[rng.choice(16, replicates, p=p) for p in probabilities] for _ in range(2)]
    tempered = scales.copy()
    tempered[1] += swap_error  # swaps believe in another temperature than the sweeps
    for r in range(replicates):
        x = np.stack([states[[d[r] for d in ladder]] for ladder in draws]).astype(np.int8)
        place = np.tile(np.arange(3), (2, 1))
        direction, trips = np.zeros((2, 3), np.int8), np.zeros(1, np.int64)
        rest = (r & 1, 1, 0 if swap_error else 1, exchange, direction, np.zeros(2), trips, state)
        tempering.tempered_rounds(
            x, place, True, (indptr, indices, first, second), J[numbers_], J[numbers_],
            np.eye(2), np.eye(2), sites, np.empty((0, 1), np.uint32), np.empty((0, 1), np.int8), field, field,
            couplings, anchored, tempered, *rest,
        )  # fmt: skip
        for k in range(3):
            counts[k, ((x[0, place[0, k]] > 0) << np.arange(4)).sum()] += 1
    return [chisquare(c, replicates * p).pvalue for c, p in zip(counts, probabilities, strict=True)]


def test_tempered_rounds_keep_every_rung_exact():
    """False alarm 0.1 % a rung."""
    assert min(one_round()) > 1e-3
    assert min(one_round(exchange=False, seed=4)) > 1e-3
    assert min(one_round(exchange=False, seed=5, anchored=True)) > 1e-3


def test_a_biased_swap_is_caught():
    assert min(one_round(swap_error=0.2)) < 1e-3


def test_a_child_that_ties_entries_goes_to_the_gradient():
    with pm.Model() as model:
        s = ebm.Ising("s", 0.3, graph=RING)
        pm.Normal("total", s.sum(), 1.0, observed=2.0)
        choice = ebm.recommend(model)["s"]
    assert choice.step == "GibbsWithGradients"
    assert "'total'" in choice.reason
    with model, pytest.raises(ValueError, match=r"'total' ties several.*ChromaticGibbs"):
        ebm.SwendsenWang([s])


@pytest.mark.parametrize(("graph", "step"), [(RING, "BlockGibbs"), (TRIANGLE, "ChromaticGibbs")])
def test_random_couplings_go_to_heat_bath_in_blocks_where_there_are_two(graph, step):
    with pm.Model() as model:
        J = pm.Normal("J")
        ebm.Ising("s", J, graph=graph, log_partition=lambda energy: 0.0 * J)
        assert ebm.recommend(model)["s"].step == step


def test_a_scaled_free_energy_is_no_machine_of_two_layers():
    """`beta` of `Boltzmann` multiplies the free energy; that of `ebm.RBM` both layers' energy."""
    machine = ebm.energies.RBM(np.ones((3, 2)))
    with pm.Model() as model:
        ebm.Boltzmann("scaled", machine, beta=0.5)
        ebm.Boltzmann("plain", machine)
        ebm.RBM("cold", np.ones((3, 2)), beta=2.0)
        found = ebm.recommend(model)
        chosen = {name: found[name].step for name in ("scaled", "plain", "cold")}
    assert chosen == {
        "scaled": "GibbsWithGradients", "plain": "BlockGibbs", "cold": "BlockGibbs"
    }  # fmt: skip


def test_a_child_declared_after_the_recommendation_counts():
    with pm.Model() as model:
        s = ebm.Ising("s", 0.3, graph=RING)
        assert ebm.recommend(model)["s"].step == "SwendsenWang"
        pm.Potential("total", -(s.sum() ** 2))
        assert ebm.recommend(model)["s"].step == "GibbsWithGradients"


BAD = {
    "frustrated": (
        lambda: ebm.SwendsenWang([ebm.Ising("s", -1.0, graph=TRIANGLE)]),
        r"'s' are frustrated: around the cycle (0|1|2) – (0|1|2) – (0|1|2) they.*ParallelTempering",
    ),
    "frustrated Wolff": (
        lambda: ebm.Wolff([ebm.Ising("s", -1.0, graph=TRIANGLE)]),
        "frustrated",
    ),
    "repelling Potts": (
        lambda: ebm.SwendsenWang([ebm.Potts("s", -1.0, q=3, graph=TRIANGLE)]),
        "go down to -1.*ChromaticGibbs",
    ),
    "absent spins in Wolff": (
        lambda: ebm.Wolff([ebm.Boltzmann("s", ebm.energies.BlumeCapel(1.0, graph=TRIANGLE))]),
        "never makes a spin 0.*SwendsenWang",
    ),
    "one rung": (
        lambda: ebm.ParallelTempering([ebm.Ising("s", 1.0, graph=RING)], ladder=[1.0]),
        r"1 rung\(s\).*at least two",
    ),
    "negative ladder": (
        lambda: ebm.ParallelTempering([ebm.Ising("s", 1.0, graph=RING)], ladder=[-0.5, 1.0]),
        r"-0\.5.*increase from 0",
    ),
    "one state": (lambda: ebm.Potts("s", 1.0, q=1, graph=RING), "Potts 's': q = 1"),
    "field of the wrong length": (
        lambda: ebm.Potts("s", 1.0, [0.0, 1.0], q=3, graph=RING),
        r"h has shape \(2,\).*shape \(3,\)",
    ),
    "no gradient": (
        lambda: ebm.GibbsWithGradients(
            [ebm.Boltzmann("s", lambda x: pt.eq(x, 1).sum() * 1.0, support="spin", shape=3)]
        ),
        r"has no gradient.*arithmetic.*ChromaticGibbs\(\[s\]\)",
    ),
    "start outside the support": (
        lambda: ebm.Potts("s", 1.0, q=3, graph=RING, initval=np.full(6, 3)),
        r"initval contains 3.*\{0, 1, 2\}",
    ),
    "not pairwise": (
        lambda: ebm.SwendsenWang(
            [ebm.Boltzmann("s", lambda x: (x.sum() - 2) ** 2, support="binary", shape=3)]
        ),
        "not pairwise.*GibbsWithGradients",
    ),
    "no two sides": (
        lambda: ebm.BlockGibbs([ebm.Ising("s", 1.0, graph=TRIANGLE)]),
        r"'s' has no two sides: (0|1|2) – (0|1|2) – (0|1|2) is a cycle of 3.*ChromaticGibbs",
    ),
    "half a sweep": (
        lambda: ebm.Metropolis(
            [ebm.Boltzmann("s", lambda x: x.prod(), support="spin", shape=3)], sweeps=0.5
        ),
        "sweeps must be a positive integer, got 0.5",
    ),
    "support unknown": (
        lambda: ebm.Boltzmann("s", lambda x: x.sum(), support="spins", shape=3),
        "support='spins' is none of",
    ),
    "categories not counted": (
        lambda: ebm.Boltzmann("s", lambda x: x.sum(), support="categorical", shape=3),
        "needs n_states",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_names_the_value_and_the_way_out(what):
    build, message = BAD[what]
    with pm.Model(), pytest.raises(ValueError, match=message):
        build()
