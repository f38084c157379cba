"""Boltzmann variables: log-probability, shapes, support, normalisation, bad input."""

import warnings

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from pytensor.compile.mode import Mode

import pymc_ebm as ebm

from tests.oracles import all_spins, boltzmann, ising_energies

PY = Mode(linker="py", optimizer="fast_compile")
SQUARE = ebm.Graph.square(3, 3)


def logp_at(rv, value):
    return pm.logp(rv, pt.as_tensor_variable(np.asarray(value, rv.dtype))).eval(mode=PY)


def test_real_logp_is_minus_beta_energy():
    x = np.random.default_rng(0).normal(size=(4, 2))
    rv = ebm.Boltzmann.dist(ebm.energies.Ring(2.0, 0.5), beta=3.0, shape=(4, 2))
    expected = -3.0 * (np.linalg.norm(x, axis=1) - 2) ** 2 / 0.5
    np.testing.assert_allclose(logp_at(rv, x), expected)


def test_ising_logp_normalises_and_vanishes_outside_the_support():
    rng = np.random.default_rng(1)
    J, h = rng.normal(size=SQUARE.n_edges), rng.normal(size=(3, 3))
    states = all_spins(9)
    energies = ising_energies(states, SQUARE.edges, J, h.reshape(-1))
    log_z = np.log(np.exp(-0.7 * energies).sum())
    rv = ebm.Ising.dist(J, h, graph=SQUARE, beta=0.7, shape=(512, 3, 3), log_partition=log_z)
    logp = logp_at(rv, states.reshape(512, 3, 3))
    np.testing.assert_allclose(np.exp(logp), boltzmann(energies, 0.7), rtol=1e-9)
    outside = np.ones((512, 3, 3))
    outside[3, 1, 1], outside[4, 0, 0] = 0, 3
    bad = logp_at(rv, outside)
    assert np.isneginf(bad[[3, 4]]).all()
    assert np.isfinite(np.delete(bad, [3, 4])).all()


def test_binary_support():
    machine = ebm.energies.BoltzmannMachine([[0, 1.0], [1.0, 0]], b=[0.5, -0.5])
    rv = ebm.Boltzmann.dist(machine, shape=(3, 2))
    logp = logp_at(rv, [[1, 1], [0, 0], [-1, 1]])
    np.testing.assert_allclose(logp, [1.0, 0.0, -np.inf])


def test_a_callable_sees_batches_and_models_parameters():
    with pm.Model() as model:
        k = pm.HalfNormal("k")
        scale = pm.Data("scale", [1.0, 2.0])
        x = ebm.Boltzmann(
            "x",
            lambda x: k * pt.sum((x / scale) ** 2, axis=-1),
            shape=(3, 2),
            log_partition=lambda energy: -pt.log(k),  # ∫ exp(−k Σ(x/s)²) ∝ 1/k in two dimensions
        )
    assert x.type.shape == (3, 2)
    point = {"k_log__": np.array(0.3), "x": np.ones((3, 2))}
    got = model.compile_logp(vars=[x], sum=False, mode=PY)(point)[0]
    np.testing.assert_allclose(got, -np.exp(0.3) * 1.25 + 0.3)


def test_log_partition_receives_the_energy_times_beta():
    states = all_spins(9).reshape(-1, 3, 3)
    with pm.Model() as model:
        beta = pm.HalfNormal("beta")
        s = ebm.Ising(
            "s",
            0.4,
            graph=SQUARE,
            beta=beta,
            observed=np.ones((2, 3, 3)),
            log_partition=lambda energy: pt.logsumexp(-energy(states)),
        )
    logp = model.compile_logp(vars=[s], mode=PY)
    energies = ising_energies(states.reshape(-1, 9), SQUARE.edges, 0.4, 0.0)
    for value in (0.1, 1.7):
        expected = 2 * np.log(boltzmann(energies, value)[-1])
        np.testing.assert_allclose(logp({"beta_log__": np.log(value)}), expected)


def test_what_the_error_message_says_to_do_works():
    with pm.Model() as model:
        J = pm.Normal("J")
        with pytest.raises(ebm.MissingPartitionError, match=r"'J'.*log_partition='auto'"):
            ebm.Ising("s", J, graph=SQUARE, observed=np.ones((3, 3)))
        s = ebm.Ising("s", J, graph=SQUARE, observed=np.ones((3, 3)), log_partition="auto")
    energies = ising_energies(all_spins(9), SQUARE.edges, 0.8, 0.0)
    got = model.compile_logp(vars=[s], mode=PY)({"J": np.array(0.8)})
    np.testing.assert_allclose(got, np.log(boltzmann(energies)[-1]))


@pytest.mark.parametrize("which", ["J", "h", "beta", "custom", "through a Deterministic"])
def test_random_parameters_need_a_normaliser(which):
    with pm.Model():
        theta = pm.HalfNormal("theta")
        with pytest.raises(ebm.MissingPartitionError, match="theta"):
            if which == "custom":
                ebm.Boltzmann("x", lambda x: theta * pt.sum(x**2), shape=2)
            elif which == "through a Deterministic":
                doubled = pm.Deterministic("doubled", 2 * theta)
                ebm.Boltzmann("x", ebm.energies.Ring(2.0, doubled), shape=2)
            else:
                given = {"J": 0.5, "h": 0.0, "beta": 1.0} | {which: theta}
                ebm.Ising("s", given["J"], given["h"], graph=SQUARE, beta=given["beta"])


def test_an_unregistered_variable_is_checked_when_its_logp_is_asked_for():
    rv = ebm.Ising.dist(pm.Normal.dist(), graph=SQUARE)
    assert pm.draw(rv, random_seed=1).shape == (3, 3)  # drawing needs no normaliser
    with pytest.raises(ebm.MissingPartitionError, match="random parameters"):
        pm.logp(rv, np.ones((3, 3), np.int8))


def test_observing_and_intervening_keep_the_normaliser():
    states = all_spins(9).reshape(-1, 3, 3)
    with pm.Model() as model:
        J = pm.Normal("J")
        s = ebm.Ising("s", J, graph=SQUARE, log_partition=lambda e: pt.logsumexp(-e(states)))
    energies = ising_energies(states.reshape(-1, 9), SQUARE.edges, 0.5, 0.0)
    expected = np.log(boltzmann(energies)[-1])
    observed = pm.observe(model, {s: np.ones((3, 3), np.int8)})
    got = observed.compile_logp(vars=[observed["s"]], mode=PY)({"J": np.array(0.5)})
    np.testing.assert_allclose(got, expected)
    fixed = pm.do(model, {J: 0.5})
    got = fixed.compile_logp(mode=PY)({"s": np.ones((3, 3), np.int8)})
    np.testing.assert_allclose(got, expected)


def test_models_print_the_family():
    with pm.Model() as model:
        ebm.Ising("s", 0.4, graph=SQUARE)
        ebm.Boltzmann("x", ebm.energies.Ring(), shape=2)
    assert "s ~ Ising(0.4" in model.str_repr()
    assert "x ~ Ring(" in model.str_repr()


def test_data_and_observed_parents_are_not_random():
    with pm.Model() as model:
        J = pm.Data("J", 0.4)
        seen = pm.Normal("seen", observed=0.3)
        s = ebm.Ising("s", J, h=seen, graph=SQUARE)
    got = model.compile_logp(vars=[s], mode=PY)({"s": np.ones((3, 3), np.int8)})
    np.testing.assert_allclose(got, 18 * 0.4 + 9 * 0.3)


def test_dims_coords_observed_and_initval():
    coords = {"person": range(4), "row": range(3), "column": range(3)}
    with pm.Model(coords=coords) as model:
        ebm.Ising("s", 0.4, graph=SQUARE, dims=("row", "column"), initval=-np.ones((3, 3)))
        ebm.Ising("many", 0.4, graph=SQUARE, dims=("person", "row", "column"))
        ebm.Ising("seen", 0.4, graph=SQUARE, observed=np.ones((4, 3, 3)))
    point = model.initial_point(0)
    assert point["s"].sum() == -9
    assert point["s"].dtype == np.int64
    assert point["many"].shape == (4, 3, 3)
    assert np.isfinite(model.compile_logp(mode=PY)(point))


def test_chains_start_at_different_magnetisations():
    with pm.Model() as model:
        ebm.Ising("s", 0.4, graph=ebm.Graph.square(32, 32))
    starts = [model.initial_point(seed)["s"].mean() for seed in range(20)]
    assert np.std(starts) > 0.3  # uniform on (-1, 1) has 0.58
    np.testing.assert_array_equal(model.initial_point(3)["s"], model.initial_point(3)["s"])


def bad(build, says, error=ValueError):
    return pytest.param(build, says, error, id=says[:40])


@pytest.mark.parametrize(
    ("build", "says", "error"),
    [
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, beta=0.0), "'s': beta must be positive, got 0"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, beta=np.nan), "beta must be positive, got nan"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, beta=-2.0), "beta must be positive, got -2"),
        bad(lambda: ebm.Ising("s", [[0, 1], [2, 0]]), r"Ising 's': J is not symmetric \(J\[0, 1\]"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, shape=(3, 4)), r"\(3, 4\).*graph has shape \(3, 3\)"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, dims=("row", "column")),
            r"dims \('row', 'column'\) have lengths \(3, 5\).*graph has shape \(3, 3\)"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, dims=("row", "row"), shape=(3, 4)),
            r"dims \('row', 'row'\) have lengths \(3, 3\), and the shape is \(3, 4\)"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, observed=np.eye(3)),
            r"contains 0.0.*look like \{0, 1\}: pass 2 \* observed - 1"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, observed=np.full((3, 3), 3)),
            r"contains 3, and the support is \{-1, 1\} \(9 of 9"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, observed=np.full((3, 3), np.nan)), "missing or infinite"),
        bad(lambda: ebm.Boltzmann("v", ebm.energies.BoltzmannMachine([[0, 1], [1, 0]]), observed=[-1, 1]),
            r"look like \{-1, \+1\}"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, initval=np.zeros((3, 3))), "initval contains 0"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, initval=np.ones(9)), r"initval has shape \(9,\)"),
        bad(lambda: ebm.Boltzmann("x", lambda x: x[:2], shape=3), "maps a configuration of shape"),
        bad(lambda: ebm.Boltzmann("x", lambda x: pt.outer(x, x), shape=3), r"shape \(3,\) to shape \(3, 3\)"),
        bad(lambda: ebm.Boltzmann("x", lambda x: pt.sum(x) * 1j, shape=3), "complex128"),
        bad(lambda: ebm.Boltzmann("x", lambda x: pt.sum(x > 0), shape=3), "int64.*no gradient"),
        bad(lambda: ebm.Boltzmann("x", lambda x: pt.sum(pt.log(x - 1)), shape=2),
            "energy is nan at 0, where chains start.*initval="),
        bad(lambda: ebm.Boltzmann("x", lambda x: pt.sum(x**2)), "pass shape="),
        bad(lambda: ebm.Boltzmann("x", ebm.energies.Ring()), "pass shape="),
        bad(lambda: ebm.Boltzmann("x", 3.0, shape=2), "ebm.energy_potential", TypeError),
        bad(lambda: ebm.Boltzmann("x", ebm.energies.Gaussian([0.0, 0.0]), shape=3), r"\(3,\).*\(2,\)"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, log_partition="magic"), "none of auto"),
        bad(lambda: ebm.Ising("s", 1.0, graph=SQUARE, log_partition=[0.0, 1.0]), "scalar log Z"),
        bad(lambda: ebm.energy_potential("p", pm.Normal("a") ** 2, beta=0.0), "beta must be positive"),
        bad(lambda: ebm.energy_potential("p", pt.constant(1.0)), "no variable of the model"),
        bad(lambda: ebm.energy_potential("p", pm.Poisson("n", 3)), "int64"),
        bad(lambda: ebm.energy_potential("p", pm.Normal("a") ** 2, beta=pm.HalfNormal("b")),
            "beta depends on 'b'.*pm.Potential", ebm.MissingPartitionError),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_sampling(build, says, error):
    with pm.Model(coords={"row": range(3), "column": range(5)}), pytest.raises(error, match=says):
        build()


@pytest.mark.parametrize(
    ("energy", "direction"),
    [
        (lambda x: pt.sum(pt.tanh(x)), r"\[1\. 0\.\]|\[-1\. -0\.\]"),
        (lambda x: (x[0] - x[1]) ** 2, r"\[1\. 1\.\]"),
        (lambda x: x[0] ** 2, r"\[0\. 1\.\]"),
        (lambda x: pt.sum(x), r"\[-1\. -0\.\]"),
        (
            lambda x: pt.log1p(pt.sum(x**2)),
            r"direction",
        ),  # a Cauchy tail: not enough in two dimensions
        (lambda x: -pt.sum(x**2), r"\[1\. 0\.\]"),
    ],
)
def test_an_energy_that_does_not_confine_warns_with_the_direction(energy, direction):
    with pm.Model(), pytest.warns(UserWarning, match=direction):
        ebm.Boltzmann("x", energy, shape=2)


@pytest.mark.parametrize(
    "energy",
    [
        ebm.energies.Gaussian(1e5, 1e4),
        ebm.energies.Ring(),
        ebm.energies.DoubleWell(),
        ebm.energies.GaussianMixture([[-5.0, 0.0], [5.0, 0.0]], 0.1),
        ebm.energies.MLP.random((2, 16, 1), random_seed=0),
        lambda x: pt.sum(pt.abs(x)),
        lambda x: pt.sum(pt.cosh(x)),
        lambda x: 2 * pt.log1p(pt.sum(x**2)),  # Student-t tails normalise
    ],
)
def test_energies_that_confine_do_not_warn(energy):
    with pm.Model(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ebm.Boltzmann("x", energy, shape=2)


def test_energy_potential_adds_minus_beta_energy():
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        ebm.energy_potential("coupling", (a * b - 1) ** 2, beta=2.0)
    got = model.compile_logp(mode=PY)({"a": np.array(2.0), "b": np.array(3.0)})
    np.testing.assert_allclose(got, -50.0)
