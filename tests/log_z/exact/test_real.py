"""log Z of energies over real values against adaptive quadrature, gradients against differences."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from pytensor.compile.mode import Mode
from scipy.integrate import quad
from scipy.special import gammaln, ive

import pymc_ebm as ebm

from pymc_ebm.log_z.exact.real import closed_form_log_z, double_well_log_z, ring_log_z

E = ebm.energies
PY = Mode("py", "fast_compile")


def compiled(inputs, expression):
    return pytensor.function(inputs, [expression, *pt.grad(expression, inputs)], mode=PY)


def same_slope(f, at, k, got, rtol=2e-7):
    """Compare with a five-point stencil in the logarithm of parameter k."""

    def moved(step):
        return f(*[v * np.exp(step * (i == k)) for i, v in enumerate(at)])[0]

    h = 1e-3
    slope = (8 * (moved(h) - moved(-h)) - moved(2 * h) + moved(-2 * h)) / (12 * h)
    np.testing.assert_allclose(got * at[k], slope, rtol=rtol, atol=rtol)


def test_double_well():
    """Bessel functions, from almost flat to almost a point."""
    c = pt.dscalar()
    f = compiled([c], double_well_log_z(c))
    for height in (1e-8, 1e-3, 0.1, 1.0, 40.0, 40.5, 41.0, 60.0, 1e3, 1e6, 1e12):
        exact = np.log(np.pi / 2 * (ive(0.25, height / 2) + ive(-0.25, height / 2)))
        if height == 1e12:  # where SciPy gives up: two bell curves
            exact = 0.5 * np.log(np.pi / height)
        value, slope = f(height)
        np.testing.assert_allclose(value, exact, rtol=1e-12, atol=1e-12)
        same_slope(f, [height], 0, slope)


@pytest.mark.parametrize("d", [1, 2, 3, 10, 200])
def test_ring(d):
    R, s = pt.dscalars("R", "s")
    f = compiled([R, s], ring_log_z(R, s, d))
    for radius, spread in [
        (1.0, 0.1),
        (1.0, 3.0),
        (5.0, 1.0),
        (1e-6, 1.0),
        (1e4, 1e-6),
        (2.0, 30.0),
    ]:
        # in units of the spread, around the mode
        ratio = radius / spread
        mode = 0.5 * (ratio + np.sqrt(ratio**2 + 4 * (d - 1)))

        def density(t, ratio=ratio, mode=mode):
            shell = (d - 1) * np.log1p(t / mode) if d > 1 else 0.0
            return np.exp(shell - 0.5 * t * t - t * (mode - ratio))

        area, _ = quad(density, max(-mode, -12.0), 12.0, epsabs=0, epsrel=1e-13, limit=500)
        exact = np.log(2) + d / 2 * np.log(np.pi) - gammaln(d / 2) + d * np.log(spread)
        exact += np.log(area) - 0.5 * (mode - ratio) ** 2
        exact += (d - 1) * np.log(mode) if d > 1 else 0.0
        value, *slopes = f(radius, spread)
        np.testing.assert_allclose(value, exact, rtol=1e-10, atol=1e-10)
        for k in range(2):
            same_slope(f, [radius, spread], k, slopes[k])


def evaluated(energy, beta=1.0):
    return float(closed_form_log_z(energy, beta).eval(mode=PY))


def on_a_line(energy, beta):
    f = pt.dscalar()
    density = pytensor.function([f], pt.exp(-beta * energy(f[None])), mode=PY)
    return np.log(
        quad(lambda x: float(density(x)), -60, 60, points=[-2, 0, 2, 3], limit=500, epsrel=1e-12)[0]
    )


@pytest.mark.parametrize(
    ("energy", "betas"),
    [
        (E.Gaussian(1.0, [0.3]), (1.0, 0.2)),
        (E.Gaussian(1.0, precision=[[0.3]]), (1.0, 5.0)),
        (E.GaussianMixture([[-2.0], [3.0]], scales=[0.5, 1.5], weights=[1.0, 3.0]), (1.0,)),
        (E.Ring(2.0, 0.7), (1.0, 0.3)),
        (E.DoubleWell(1.5), (1.0, 4.0)),
        (E.Gaussian(1.0, [2.0]) + 0.5 * E.Gaussian([-2.0], 3.0), (1.0, 0.7)),
        (2.0 * E.DoubleWell(1.5), (1.0, 4.0)),
    ],
)  # fmt: skip
def test_one_dimension(energy, betas):
    energy = energy.with_event_shape((1,))
    for beta in betas:
        assert evaluated(energy, beta) == pytest.approx(on_a_line(energy, beta), abs=1e-8)


def test_many_dimensions():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(4, 4))
    precision, scale = A @ A.T + np.eye(4), np.exp(rng.normal(size=4))
    exact = 2 * np.log(2 * np.pi / 3) - 0.5 * np.linalg.slogdet(precision)[1]
    assert evaluated(E.Gaussian(0.3, precision=precision), 3.0) == pytest.approx(exact, abs=1e-12)
    exact = 2 * np.log(2 * np.pi / 3) + np.log(scale).sum()
    assert evaluated(E.Gaussian(0.3, scale), 3.0) == pytest.approx(exact, abs=1e-12)
    assert evaluated(E.Gaussian(0.0, 0.2).with_event_shape((4,))) == pytest.approx(
        2 * np.log(2 * np.pi) + 4 * np.log(0.2), abs=1e-12
    )
    # a sum of two is one with the precisions added, up to its least energy
    first, second = E.Gaussian(rng.normal(size=4), scale), E.Gaussian(rng.normal(size=4), 2 * scale)
    mean, other = (e.parameters["mean"].eval(mode=PY) for e in (first, second))
    joined = 1 / (1 / scale**2 + 1 / (2 * scale) ** 2)
    best = joined * (mean / scale**2 + other / (2 * scale) ** 2)
    least = float((first(best) + second(best)).eval(mode=PY))
    exact = 2 * np.log(2 * np.pi) + 0.5 * np.log(joined).sum() - least
    assert evaluated(first + second) == pytest.approx(exact, abs=1e-12)


def test_gradients_of_all_parameters():
    P = pt.dmatrix("P", shape=(3, 3))
    w, b, s = pt.dvector("w", shape=(2,)), pt.dscalar("b"), pt.dvector("s", shape=(3,))
    A = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 1.5]])
    slope = pytensor.function(
        [P, b], pt.grad(closed_form_log_z(E.Gaussian(0.0, precision=P), b), [P, b]), mode=PY
    )
    got = slope(A, 2.0)
    symmetric = 0.5 * (got[0] + got[0].T)
    np.testing.assert_allclose(symmetric, -0.5 * np.linalg.inv(A), atol=1e-12)
    np.testing.assert_allclose(got[1], -1.5 / 2.0)
    mixture = E.GaussianMixture(np.zeros((2, 3)), weights=w)
    slope = pytensor.function([w], pt.grad(closed_form_log_z(mixture), w), mode=PY)
    np.testing.assert_allclose(slope([0.3, 0.5]), 1 / 0.8)
    slope = pytensor.function([s], pt.grad(closed_form_log_z(E.Gaussian(0.0, s), 2.0), s), mode=PY)
    np.testing.assert_allclose(slope([0.3, 1.0, 5.0]), 1 / np.array([0.3, 1.0, 5.0]))


def test_what_is_not_known():
    beta = pt.dscalar()
    mixture = E.GaussianMixture([[0.0], [1.0]])
    assert closed_form_log_z(mixture, 0.5) is None
    assert closed_form_log_z(mixture, beta) is None
    assert closed_form_log_z(E.Gaussian(0.0, 1.0)) is None  # of how many coordinates?
    assert (
        closed_form_log_z(E.Ring().with_event_shape((2,)) + E.Ring().with_event_shape((2,))) is None
    )
    assert closed_form_log_z(E.Ising(0.1, graph=ebm.Graph.complete(3))) is None
