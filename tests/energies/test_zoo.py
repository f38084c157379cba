"""Real-valued energies: formula, batching, gradient, algebra."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from scipy.stats import multivariate_normal, norm

from pymc_ebm import energies

RNG = np.random.default_rng(7)
pytestmark = pytest.mark.usefixtures("interpreted")
PRECISION = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 3.0]])
MEANS = RNG.normal(size=(4, 3))
SCALES = np.array([0.5, 1.0, 1.5, 0.7])
WEIGHTS = np.array([0.1, 0.2, 0.3, 0.4])


def mixture_by_hand(x):
    density = sum(
        w * multivariate_normal(m, s**2 * np.eye(3)).pdf(x)
        for w, m, s in zip(WEIGHTS, MEANS, SCALES, strict=True)
    )
    return -np.log(density) - 1.5 * np.log(2 * np.pi)


def mlp_by_hand(x):
    energy = MLP
    w0, w1 = (energy.parameters[f"W{k}"].data for k in (0, 1))
    return (np.tanh(x @ w0) @ w1)[..., 0] + 0.35 * np.sum(x**2, axis=-1)


MLP = energies.MLP.random((3, 8, 1), confinement=0.7, random_seed=1)
CASES = {
    "gaussian": (energies.Gaussian([1.0, 0.0, -1.0], 2.0),
                 lambda x: 0.125 * np.sum((x - [1, 0, -1]) ** 2, axis=-1)),
    "gaussian, precision": (energies.Gaussian(precision=PRECISION),
                            lambda x: 0.5 * np.einsum("...i,ij,...j->...", x, PRECISION, x)),
    "mixture": (energies.GaussianMixture(MEANS, SCALES, WEIGHTS), mixture_by_hand),
    "ring": (energies.Ring(2.0, 0.2),
             lambda x: (np.linalg.norm(x, axis=-1) - 2) ** 2 / 0.08),
    "double well": (energies.DoubleWell(1.5), lambda x: 1.5 * np.sum((x**2 - 1) ** 2, axis=-1)),
    "mlp": (MLP, mlp_by_hand),
    "custom": (energies.Custom(lambda x: pt.sum(x**4), (3,)), lambda x: np.sum(x**4, axis=-1)),
    "sum": (energies.Ring(2.0, 0.2) + 0.5 * energies.Gaussian(),
            lambda x: (np.linalg.norm(x, axis=-1) - 2) ** 2 / 0.08
            + 0.25 * np.sum(x**2, axis=-1)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_formula_batching_and_gradient(name):
    energy, by_hand = CASES[name]
    x = RNG.normal(size=(2, 5, 3))
    symbol = pt.tensor("x", shape=(None, None, 3))
    value = energy(symbol)
    function = pytensor.function([symbol], [value, pt.grad(value.sum(), symbol)])
    got, gradient = function(x)
    assert got.shape == (2, 5)
    np.testing.assert_allclose(got, by_hand(x), rtol=1e-10)
    step = 1e-6 * np.eye(3)
    numeric = np.stack([(by_hand(x + s) - by_hand(x - s)) / 2e-6 for s in step], axis=-1)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(energy(x[0, 0]).eval(), by_hand(x[0, 0]))


def test_ring_has_a_finite_gradient_at_its_center():
    x = pt.vector("x", shape=(2,))
    gradient = pt.grad(energies.Ring(2.0, 0.2)(x), x)
    np.testing.assert_array_equal(gradient.eval({x: np.zeros(2)}), 0.0)


def test_sum_of_many_and_replaced_parameters():
    total = sum([energies.Gaussian(0.0, s) for s in (1.0, 2.0, 3.0)])
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(total(x).eval(), 0.5 * 5 * (1 + 1 / 4 + 1 / 9))
    doubled = (2.0 * energies.DoubleWell(1.0)).replace(inner_a=3.0)
    np.testing.assert_allclose(doubled([0.0]).eval(), 6.0)


def test_custom_finds_its_parameters():
    k, data = pt.scalar("k"), pytensor.shared(np.array([1.0, 2.0]), name="data")
    energy = energies.Custom(lambda x: pt.exp(k) * pt.sum((x - data) ** 2) + pt.sum(x), (2,))
    assert len(energy.parameters) == 2
    bound = energy.replace(**{next(n for n in energy.parameters if n != "data"): 3.0})
    np.testing.assert_allclose(bound([[1.0, 2.0], [2.0, 2.0]]).eval(), [3.0, 7.0])


@pytest.mark.parametrize(
    ("energy", "event"),
    [
        (energies.Gaussian([1.0, -1.0], [0.5, 2.0]), (2,)),
        (energies.Gaussian(precision=PRECISION), (3,)),
        (energies.GaussianMixture([[-3.0, 0.0], [3.0, 1.0]], [1.0, 0.5], [0.7, 0.3]), (2,)),
        (energies.Ring(2.0, 0.3), (1,)),
        (energies.Ring(1.0, 0.6), (3,)),
        (energies.DoubleWell(2.0), (2,)),
    ],
)
def test_exact_draws_have_the_density(energy, event):
    """⟨E⟩ and ⟨E²⟩ against importance-free quadrature on a grid; false alarm 0.1 % each."""
    draws = energy.exact_draws(
        np.random.default_rng(5), 40_000, event, 1.0,
        **{k: v.eval() for k, v in energy.parameters.items()},
    )  # fmt: skip
    d = event[0]
    axis = np.linspace(-9, 9, 2001 if d == 1 else 361 if d == 2 else 91)
    grid = np.stack(np.meshgrid(*[axis] * d, indexing="ij"), axis=-1).reshape(-1, d)
    E = energy(grid).eval()
    p = np.exp(-(E - E.min()))
    p /= p.sum()
    for power in (1, 2):
        sample = energy(draws).eval() ** power
        error = sample.std() / np.sqrt(len(sample))
        assert abs(sample.mean() - p @ E**power) < norm.isf(0.0005) * error + 2e-3
    mean_error = draws.std(axis=0) / np.sqrt(len(draws))
    assert np.all(np.abs(draws.mean(axis=0) - p @ grid) < norm.isf(0.0005) * mean_error + 2e-3)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: energies.Gaussian(scale=-1.0), "scale must be positive, got -1"),
        (lambda: energies.Gaussian(scale=np.nan), "scale must be positive, got nan"),
        (lambda: energies.Gaussian(mean=[0.0, np.inf]), r"mean\[1\] = inf"),
        (lambda: energies.Gaussian(scale=1.0, precision=np.eye(2)), "not both"),
        (lambda: energies.Gaussian([0.0, 0.0], [1.0, 1.0, 1.0]), r"different lengths \[2, 3\]"),
        (lambda: energies.Gaussian(precision=-np.eye(2)), "eigenvalue -1.*does not confine"),
        (lambda: energies.Gaussian(precision=[[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
        (lambda: energies.GaussianMixture([1.0, 2.0]), r"expected \(components, dimensions\)"),
        (lambda: energies.GaussianMixture(MEANS, weights=[1.0, 1.0]), "length 2.*4 means"),
        (lambda: energies.Ring(0.0), "radius must be positive, got 0"),
        (lambda: energies.DoubleWell(-2.0), "a must be positive"),
        (lambda: energies.MLP.random((2, 3)), "last layer has 3 outputs"),
        (lambda: energies.MLP.random((2, 3, 1), activation="relu"), "'relu' is not one of"),
        (lambda: energies.MLP.random((2, 1), confinement=0.0), "confinement must be positive"),
        (lambda: energies.Gaussian() + energies.Ising(1.0, graph=_pair()), "on real .* on spin"),
        (lambda: np.ones(2) * energies.Gaussian(), "unsupported operand|scalar"),
        (lambda: energies.Gaussian([0.0, 0.0])(np.zeros(3)), r"shape \(2,\).*ends in \(3,\)"),
        (lambda: energies.Gaussian()(0.0), "1 dimension"),
        (lambda: energies.Gaussian().replace(sigma=1.0), r"\['mean', 'scale'\], not \['sigma'\]"),
        (lambda: energies.Custom(lambda x: pt.constant(1.0), (2,)), "does not depend"),
        (lambda: energies.Custom(lambda x: x, (2,)), r"expected \(\).*pt.sum"),
        (lambda: energies.Custom(lambda x: pt.sum(x > 0), (2,)), "int64.*no gradient"),
        (lambda: energies.Custom(lambda x: pt.sum(x) * 1j, (2,)), "complex128.*pt.real"),
    ],
)
def test_bad_parameters_are_refused(build, says):
    with pytest.raises((ValueError, TypeError), match=says):
        build()


def _pair():
    from pymc_ebm import Graph

    return Graph.from_edges([(0, 1)])
