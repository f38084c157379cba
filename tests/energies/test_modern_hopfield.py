"""Modern and continuous Hopfield networks: constants, mixture, attention, curves."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from scipy.integrate import dblquad, quad
from scipy.special import logsumexp, softmax

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.energies import ContinuousHopfield, ModernHopfield

RNG = np.random.default_rng(20261128)
XI = RNG.normal(size=(5, 3))


def by_hand(xi, beta, x):
    """Ramsauer et al. (2021), equation 2."""
    lse = logsumexp(beta * xi @ x) / beta
    return -lse + 0.5 * x @ x + np.log(len(xi)) / beta + 0.5 * (xi**2).sum(axis=1).max()


def test_the_constants_are_those_of_the_paper():
    network = ModernHopfield(XI, beta=1.7)
    x = RNG.normal(size=(20, 3))
    expected = [by_hand(XI, 1.7, row) for row in x]
    np.testing.assert_allclose(network(x).eval(mode=PY), expected, rtol=1e-12)
    assert min(expected) >= 0
    alone = ModernHopfield(XI[:1], beta=1.7)
    assert float(alone(XI[0]).eval(mode=PY)) == pytest.approx(0, abs=1e-12)


def test_an_update_is_where_the_gradient_says():
    # x − f(x) = ∇E: the fixed points of the update are the stationary points
    network, x = ModernHopfield(XI, beta=1.7), pt.vector("x")
    gradient = pytensor.grad(network(x), x)
    both = pytensor.function([x], [gradient, x - network.update(x)], mode=PY)
    np.testing.assert_allclose(*both(RNG.normal(size=3)), atol=1e-12)


def test_attention_is_one_update():
    n, m, d = 7, 11, 16
    R, Y = RNG.normal(size=(n, 8)), RNG.normal(size=(m, 8))
    W_q, W_k, W_v = RNG.normal(size=(3, 8, d))
    Q, K = R @ W_q, Y @ W_k
    attention = softmax(Q @ K.T / np.sqrt(d), axis=-1) @ (K @ W_v.T)
    network = ModernHopfield(K, beta=1 / np.sqrt(d))
    ours = network.update(Q, values=K @ W_v.T).eval(mode=PY)
    np.testing.assert_allclose(ours, attention, atol=1e-12, rtol=1e-12)
    keys_alone = softmax(Q @ K.T / np.sqrt(d), axis=-1) @ K
    np.testing.assert_allclose(network.update(Q).eval(mode=PY), keys_alone, rtol=1e-12, atol=1e-12)
    # retrieve takes the same step on numbers
    once = network.retrieve(Q, steps=1).state
    np.testing.assert_allclose(once, keys_alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weights", [None, [0.2, 0.5, 0.3]])
def test_log_z_by_quadrature(weights):
    beta = 1.3
    for d in (1, 2):
        xi = RNG.normal(size=(3, d))
        network = ModernHopfield(xi, beta, weights)
        x = pt.vector("x")
        density = pytensor.function([x], pt.exp(-beta * network(x)), mode=PY)
        if d == 1:
            whole, _ = quad(lambda a, f=density: f(np.array([a])), -12, 12)
        else:
            whole, _ = dblquad(
                lambda a, b, f=density: f(np.array([a, b])), -8, 8, -8, 8, epsabs=1e-7, epsrel=1e-7
            )
        closed = float(ebm.log_partition(network, beta=beta).eval(mode=PY))
        assert closed == pytest.approx(np.log(whole), abs=1e-6)


def test_the_mixture_is_for_the_network_s_own_beta():
    network = ModernHopfield(XI, beta=2.0)
    with pytest.raises(ValueError, match="no closed form"):
        ebm.log_partition(network, beta=1.0)
    assert network.exact_draws(RNG, 3, (3,), 1.0, patterns=XI, beta=2.0, weights=[0.2] * 5) is None
    beta = pt.scalar("beta")
    log_z = ebm.log_partition(ModernHopfield(XI, beta), beta=beta)
    fixed = float(ebm.log_partition(network, beta=2.0).eval(mode=PY))
    assert float(log_z.eval({beta: 2.0}, mode=PY)) == pytest.approx(fixed, rel=1e-12)


def test_exact_draws_have_the_mixture_s_moments():
    beta, w = 2.0, np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    x = ModernHopfield(XI, beta, w).exact_draws(
        np.random.default_rng(1), 100_000, (3,), beta, patterns=XI, beta=beta, weights=w
    )
    logs = np.log(w) + 0.5 * beta * (XI**2).sum(axis=1)
    p = softmax(logs)
    mean = p @ XI
    covariance = np.eye(3) / beta + (p[:, None] * (XI - mean)).T @ (XI - mean)
    # nine comparisons at 4.5 standard errors: a false alarm in 16 000
    z = (x.mean(axis=0) - mean) / np.sqrt(np.diag(covariance) / len(x))
    assert np.abs(z).max() < 4.5
    products = (x - mean)[:, :, None] * (x - mean)[:, None, :]
    error = products.std(axis=0) / np.sqrt(len(x))
    assert (np.abs(products.mean(axis=0) - covariance) / error).max() < 4.5


def test_the_variable_has_a_random_sharpness():
    with pm.Model() as model:
        beta = pm.Gamma("beta", 2, 1)
        ebm.ModernHopfield("x", XI, beta, observed=RNG.normal(size=(4, 3)), log_partition="auto")
    with pytest.raises(ebm.MissingPartitionError, match="log_partition='auto'"), pm.Model():
        ebm.ModernHopfield("x", XI, pm.Gamma("beta", 2, 1))
    rows = model["x"].owner and model.rvs_to_values[model["x"]].eval()
    logp = model.compile_logp(vars=[model["x"]], sum=True)
    at = np.log(1.5)  # PyMC samples log beta
    logs = 0.5 * 1.5 * (XI**2).sum(axis=1)
    p = softmax(logs)
    squared = ((rows[:, None, :] - XI) ** 2).sum(axis=-1)
    density = logsumexp(np.log(p) - 0.75 * squared + 1.5 * np.log(1.5 / (2 * np.pi)), axis=1)
    assert float(logp({"beta_log__": at})) == pytest.approx(density.sum(), rel=1e-10)


def test_single_precision_stays_single():
    network, x = ModernHopfield(XI, beta=2.0), RNG.normal(size=(4, 3))
    single = network.retrieve(x.astype(np.float32))
    double = network.retrieve(x)
    assert single.state.dtype == np.float32
    np.testing.assert_allclose(single.state, double.state, atol=2e-5)


def test_what_lies_between_memories_is_a_mixture():
    patterns = [[1.0, 0.0], [-1.0, 0.0]]
    vague = ModernHopfield(patterns, beta=0.5).retrieve([0.1, 0.0])
    assert int(vague.memory) == -1
    assert bool(vague.mixture)
    sharp = ModernHopfield(patterns, beta=20.0).retrieve([0.1, 0.0])
    assert int(sharp.memory) == 0
    assert not bool(sharp.mixture)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0],), "expected a matrix"),
        ((XI, 0.0), "beta must be positive"),
        ((XI, [1.0, 2.0]), "beta is one number"),
        ((XI, 1.0, [1.0, 2.0]), "there are 5 patterns"),
        ((XI, 1.0, [1.0, -2.0, 1, 1, 1]), "weights must be positive"),
        (([[np.nan, 1.0]],), "must be finite"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        ModernHopfield(*arguments)


# ---------------------------------------------------------------- memories along a line of time

T = np.linspace(0, 1, 300)
CURVE = np.column_stack([np.cos(2 * T), np.sin(3 * T), T])


def test_an_interval_a_point_is_the_discrete_network():
    points = RNG.normal(size=(20, 4))
    continuous = ContinuousHopfield(points, 20, 3.0, basis="rectangular", ridge=0.0)
    discrete = ModernHopfield(points, 3.0)
    x = RNG.normal(size=(6, 4))
    for both in ((lambda e: e(x)), (lambda e: e.update(x))):
        ours, theirs = (both(e).eval(mode=PY) for e in (continuous, discrete))
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    np.testing.assert_allclose(
        ebm.log_partition(continuous, beta=3.0).eval(mode=PY),
        ebm.log_partition(discrete, beta=3.0).eval(mode=PY),
        atol=1e-12,
    )


def test_the_log_stands_outside_of_the_integral():
    network, x = ContinuousHopfield(CURVE, 10, beta=4.0), np.array([0.3, -0.2, 0.4])
    inside, _ = quad(lambda t: np.exp(4.0 * float((network.curve(t) @ x)[0])), 0, 1, epsabs=1e-12)
    top = (network.curve(np.linspace(0, 1, 20001)) ** 2).sum(axis=1).max()
    expected = -np.log(inside) / 4 + 0.5 * x @ x + 0.5 * top
    # the largest |ξ|² is taken over the nodes
    assert float(network(x).eval(mode=PY)) == pytest.approx(expected, abs=0.02)
    shape = network(np.stack([x, 0 * x])).eval(mode=PY)
    one, _ = quad(lambda t: 1.0, 0, 1)
    assert shape[0] - shape[1] == pytest.approx(-np.log(inside / one) / 4 + 0.5 * x @ x, abs=1e-10)


def test_an_update_is_a_step_of_the_energy():
    network, x = ContinuousHopfield(CURVE, 10, beta=4.0), pt.vector("x")
    gradient = pytensor.grad(network(x), x)
    both = pytensor.function([x], [gradient, x - network.update(x)], mode=PY)
    np.testing.assert_allclose(*both(np.array([0.3, -0.2, 0.4])), atol=1e-12)


def test_more_functions_say_more():
    queries = CURVE[::20] + 0.05 * RNG.normal(size=CURVE[::20].shape)
    discrete = ModernHopfield(CURVE, 50.0).retrieve(queries, steps=1).state.values
    errors = []
    for count in (2, 4, 8, 16, 32):
        ours = ContinuousHopfield(CURVE, count, 50.0, ridge=1e-9).retrieve(queries, steps=1)
        errors.append(np.abs(ours.state.values - discrete).mean())
    assert (np.diff(errors[:4]) < 0).all()
    assert errors[-1] < 0.1 * errors[0]


def test_points_do_not_count():
    few, many = (ContinuousHopfield(CURVE[::k], 8) for k in (10, 1))
    assert few.parameters["patterns"].type.shape == many.parameters["patterns"].type.shape


def test_a_curve_is_put_back_as_it_was():
    network = ContinuousHopfield(CURVE, 6, beta=2.0)
    numbers = {k: v.eval(mode=PY) for k, v in network.parameters.items()}
    back = ContinuousHopfield.from_settings(numbers, network.settings())
    np.testing.assert_array_equal(back.curve(T), network.curve(T))
    np.testing.assert_allclose(back(CURVE).eval(mode=PY), network(CURVE).eval(mode=PY))


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((CURVE, 0), {}, "at least one basis function"),
        ((CURVE[:5], 40), {"ridge": 0.0}, "ill-conditioned"),
        ((CURVE, 4), {"basis": "fourier"}, "none of gaussian, rectangular"),
        ((CURVE, 4), {"times": np.arange(300)}, r"one in \[0, 1\]"),
        ((CURVE, 4), {"ridge": -1.0}, "ridge must be 0 or more"),
        ((CURVE[0], 4), {}, "expected"),
        ((np.where(CURVE > 0.99, np.nan, CURVE), 4), {}, "must be finite"),
    ],
)
def test_bad_curves(arguments, settings, message):
    with pytest.raises(ValueError, match=message):
        ContinuousHopfield(*arguments, **settings)
