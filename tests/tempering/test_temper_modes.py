"""Modes in the base of a tempering path: found, weighed, and left out where there is one."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from scipy import stats
from scipy.special import logsumexp

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.tempering.base_density import Base
from pymc_ebm.tempering.chains import Chains
from pymc_ebm.tempering.pilot import pilot_base
from tests.statistics import bonferroni_limit, z_scores

SHORT = (20, 40, 80, 160)
NARROW = 0.7


def mixture(means, scales, weights):
    """Return minus the log-density of spherical normals and its gradient, for x (n, d)."""
    means, scales = np.asarray(means, float), np.asarray(scales, float)

    def minus_logp(x):
        away = x[:, None] - means
        a = np.log(weights) - means.shape[1] * np.log(scales * np.sqrt(2 * np.pi))
        a = a - 0.5 * (away**2).sum(-1) / scales**2
        total = logsumexp(a, axis=1)
        p = np.exp(a - total[:, None])
        return -total, np.einsum("nk,nkd->nd", p / scales**2, away)

    return minus_logp


def narrow_and_wide(d):
    return mixture([[-3.0] * d, [3.0] * d], [0.25, 1.0], [NARROW, 1 - NARROW])


@pytest.mark.parametrize("d", [2, 5, 10])
def test_a_narrow_mode_beside_a_wide_one_is_found(d):
    """With its centre and width, which Laplace's method has exactly here."""
    base = pilot_base(narrow_and_wide(d), np.zeros(d), SHORT, np.random.default_rng(1))
    np.testing.assert_allclose(base.means[:2, 0], [-3.0, 3.0], atol=1e-3)
    widths = np.diagonal(base.roots, 0, 1, 2)[:2] / 1.2
    np.testing.assert_allclose(widths, np.outer([0.25, 1.0], np.ones(d)), rtol=1e-3)
    assert base.weights[0] > 0.4
    without = pilot_base(
        narrow_and_wide(d), np.zeros(d), SHORT, np.random.default_rng(1), modes=False
    )
    assert without.weights.size == 1


def ring(x):
    radius = np.sqrt((x**2).sum(axis=1)) + 1e-12
    return (radius - 3) ** 2 / 0.02, ((radius - 3) / 0.01 / radius)[:, None] * x


def funnel(x):
    """Neal's: v ~ N(0, 3), the others N(0, e^{v/2})."""
    v, rest = x[:, 0], x[:, 1:]
    squares = 0.5 * (rest**2).sum(axis=1) * np.exp(-v)
    energy = v**2 / 18 + squares + 0.5 * rest.shape[1] * v
    slope = v / 9 - squares + 0.5 * rest.shape[1]
    return energy, np.column_stack([slope, rest * np.exp(-v)[:, None]])


def valley(x):
    """U falls for ever along one axis, as a scale that goes to 0 can make it."""
    return 0.5 * x[:, 0] ** 2 + 0.5 * np.logaddexp(0, x[:, 1]) * 4 - 0.01 * x[
        :, 1
    ], np.column_stack([x[:, 0], 2 / (1 + np.exp(-x[:, 1])) - 0.01])


@pytest.mark.parametrize(
    ("minus_logp", "d"),
    [(mixture([[1.0, 2.0]], [0.5], [1.0]), 2), (ring, 2), (funnel, 4), (valley, 2)],
)
def test_one_mode_a_ring_a_funnel_and_a_valley_keep_the_normal(minus_logp, d):
    """Alone, or beside stops of an optimiser in the funnel's neck."""
    base = pilot_base(minus_logp, np.full(d, 0.5), SHORT, np.random.default_rng(2))
    assert base.weights.size == 1 or (minus_logp is funnel and base.weights[-1] > 0.09)


def test_of_very_many_modes_the_heaviest_are_kept_with_the_broad_normal():
    sides = 8.0 * np.arange(-2, 3)
    means = np.stack(np.meshgrid(sides, sides), axis=-1).reshape(-1, 2)
    minus_logp = mixture(means, np.ones(25), np.full(25, 1 / 25))
    base = pilot_base(minus_logp, np.zeros(2), (50, 100, 200, 400), np.random.default_rng(1))
    assert base.weights.size == 17
    assert base.weights[-1] == pytest.approx(0.1)
    assert np.linalg.norm(base.means[:-1, None] - means, axis=2).min(axis=1).max() < 0.01
    assert base.roots[-1, 0, 0] > 8


PAIR = Base(np.array([0.3, 0.7]), np.array([[-1.0], [2.0]]), np.array([[[0.5]], [[1.5]]]))


def path_means(t, grid):
    """Return ⟨x⟩ and ⟨x²⟩ on the path from PAIR to a mixture of other weights, by quadrature."""
    k = np.arange(2)
    a = np.log(PAIR.weights) + stats.norm.logpdf(
        grid[:, None], PAIR.means[k, 0], PAIR.roots[k, 0, 0]
    )
    log_q = 2 * a - logsumexp(2 * a, axis=1, keepdims=True)
    target = -TARGET(grid[:, None])[0]
    p = np.exp((1 - t) * a + t * (target[:, None] + log_q)).sum(axis=1)
    return np.array([grid, grid**2]) @ (p / p.sum())


TARGET = mixture([[-1.5], [2.0]], [0.4, 1.0], [0.6, 0.4])


def chain_z_scores():
    """Return z-scores of x and x² at three places on the path."""
    rng = np.random.default_rng(3)
    t = np.repeat([0.0, 0.5, 1.0], 20)
    chains, rows = Chains(TARGET, PAIR, PAIR.draw(60, rng), rng), []
    for r in range(700):
        chains.advance(t, np.full((60, 1), 0.8), 3)
        if r >= 100:
            rows.append(np.column_stack([chains.x, chains.x**2]))
    rows = np.array(rows).reshape(600, 3, 20, 2)
    grid = np.linspace(-9, 11, 4001)
    return np.concatenate(
        [
            z_scores(rows[:, k].swapaxes(0, 1), path_means(s, grid))
            for k, s in enumerate((0, 0.5, 1))
        ]
    )


def test_chains_keep_the_densities_of_the_path(monkeypatch):
    """A false alarm in 100. Components drawn as if the target had none are seen."""
    assert np.abs(chain_z_scores()).max() < bonferroni_limit(6)
    right = Base.labels
    monkeypatch.setattr(Base, "labels", lambda self, a, t, rng: right(self, a, 4 + 0 * t, rng))
    assert np.abs(chain_z_scores()).max() > bonferroni_limit(6, 1e-4)


def test_the_graph_is_the_formula():
    """``x = m_k + L_k y`` and ``log w_k N_k(x) − log q(k | x)``, by SciPy's normal."""
    rng = np.random.default_rng(0)
    root = np.tril(rng.normal(size=(3, 2, 2))) + 2 * np.eye(2)
    base = Base(np.array([0.2, 0.5, 0.3]), rng.normal(size=(3, 2)), root)
    y, s = pt.vector("y"), pt.scalar("s")
    inside = pm.compile([y, s], base.symbolic(y, s), mode=PY)
    for k, selector in enumerate((-2.0, 0.0, 2.0)):
        point = rng.normal(size=2)
        x, share = inside(point, selector)
        np.testing.assert_allclose(x, base.means[k] + root[k] @ point)
        a = np.log(base.weights) + [
            stats.multivariate_normal(m, L @ L.T).logpdf(x)
            for m, L in zip(base.means, root, strict=True)
        ]
        assert float(share) == pytest.approx(logsumexp(2 * a) - a[k])
        terms = base.terms(x[None])
        np.testing.assert_allclose(terms[0][:, 0], a)
        assert base.joint(np.array([k]), *terms)[0][0] == pytest.approx(float(share))
        shifted = [
            base.joint(np.array([k]), *base.terms(x[None] + h))[0][0] for h in 1e-5 * np.eye(2)
        ]
        slope = (np.array(shifted) - float(share)) / 1e-5
        np.testing.assert_allclose(base.joint(np.array([k]), *terms)[1][0], slope, atol=1e-3)


def facts_of(d, seed, draws=1000, **sampling):
    """Return z-scores of log Z and of the narrow mode's weight after `temper`."""
    with pm.Model() as model:
        energy = ebm.energies.GaussianMixture(
            [[-3.0] * d, [3.0] * d], [0.25, 1.0], [NARROW, 1 - NARROW]
        )
        x = ebm.Boltzmann("x", energy)
        pm.Deterministic("narrow", (x[0] < 0).astype("int8"))
    with ebm.temper(model, pilot_draws=200, random_seed=seed, progressbar=False):
        idata = pm.sample(
            draws, tune=400, chains=4, cores=1, random_seed=seed, progressbar=False, quiet=True,
            compute_convergence_checks=False, **sampling,
        )  # fmt: skip
    facts = ebm.untemper(idata, resample=False)["tempering"]
    k = list(facts["quantity"].values).index("narrow")
    return (
        float((facts["log_z"] - 0.5 * d * np.log(2 * np.pi)) / facts["log_z_se"]),
        float((facts["mean"][k] - NARROW) / facts["mean_se"][k]),
    )


def test_temper_weighs_a_narrow_mode():
    """False alarm 1 %, by Bonferroni over two quantities. Without the mode log Z is off by 50 errors."""
    assert np.abs(facts_of(5, 1, 500, nuts_sampler="pymc")).max() < bonferroni_limit(2)


@pytest.mark.slow
@pytest.mark.parametrize("d", [2, 5, 10])
def test_twenty_seeds(d):
    """All within 3 errors but one of 40: a false alarm in 180, P(|z| > 3) being 0.0027."""
    z = np.array([facts_of(d, seed) for seed in range(20)])
    assert (np.abs(z) > 3).sum() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("method", ["ais", "ti", "tempering"])
@pytest.mark.parametrize("d", [2, 5, 10])
def test_twenty_seeds_of_estimates(method, d):
    """Likewise over 20, a false alarm in 700."""
    energy = ebm.energies.GaussianMixture(
        [[-3.0] * d, [3.0] * d], [0.25, 1.0], [NARROW, 1 - NARROW]
    )
    found = [
        ebm.estimate_log_partition(
            energy,
            method=method,
            chains=100,
            temperatures=300,
            draws=600,
            random_seed=s,
            progressbar=False,
        )
        for s in range(20)
    ]
    z = [float((f.log_z - 0.5 * d * np.log(2 * np.pi)) / f.log_z_se) for f in found]
    assert (np.abs(z) > 3).sum() <= 1
