"""The identities: standard normal for exact draws, and violated by a biased kernel."""

import itertools

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.diagnostics import identities
from pymc_ebm.diagnostics.discrete_target import DiscreteDraws, DiscreteTarget
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import decide
from pymc_ebm.diagnostics.gather import gather
from pymc_ebm.diagnostics.monte_carlo import z_and_p
from pymc_ebm.diagnostics.real_target import RealDraws

REPETITIONS, DRAWS = 1000, 400
J = np.array([0.4, -0.3, 0.5, 0.2, -0.6, 0.3])


def ising():
    ebm.Ising("s", J, [0.2, -0.1, 0.0, 0.3], graph=ebm.Graph.complete(4))


def potts():
    ebm.Potts("s", 0.5, q=3, graph=ebm.Graph.from_edges([(0, 1), (1, 2), (2, 3)]))


def rbm():
    W = np.random.default_rng(1).normal(0, 0.8, (4, 3))
    ebm.RBM("s", W, [0.1, -0.2, 0.3, 0.0], [0.2, 0.0, -0.1])


def with_child():
    s = ebm.Ising("s", 0.3, graph=ebm.Graph.from_edges([(0, 1), (1, 2), (2, 3)]))
    pm.Normal("y", pt.exp(0.3 * s), 1.0, observed=[1.0, 0.2, -0.5, 0.1])


def tied_child():
    """Tie spins together by a child: no pairwise form."""
    s = ebm.Ising("s", 0.3, graph=ebm.Graph.from_edges([(0, 1), (1, 2), (2, 3)]))
    pm.Normal("y", pt.prod(s), 1.0, observed=0.7)


MODELS = [ising, potts, rbm, with_child, tied_child]


def exact(declare):
    """Return a target, all configurations, their probabilities, and the conditionals."""
    with pm.Model() as model:
        declare()
    rv = model["s"]
    target = DiscreteTarget(rv, model)
    codes = np.array(list(itertools.product(range(len(target.states)), repeat=4)), dtype=np.int8)
    logp = model.compile_logp(mode=PY)
    log_density = np.array([logp({"s": target.states[c].astype(np.int8)}) for c in codes])
    given = target.at({"s": np.zeros(4, np.int8)}, np.arange(4))
    return target, codes, np.exp(log_density - np.logaddexp.reduce(log_density)), given


def drawn(target, x, given):
    weights = given.log_weights(x.reshape(-1, 4))
    logp = weights - np.logaddexp.reduce(weights, axis=-1)[..., None]
    return DiscreteDraws(
        "s", target.states, (4,), None, x, np.arange(4),
        logp.reshape(*x.shape[:2], 4, -1), given, True,
    )  # fmt: skip


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("declare", MODELS, ids=lambda f: f.__name__)
def test_conditionals_are_those_of_enumeration(declare):
    target, codes, probability, given = exact(declare)
    q = len(target.states)
    table = probability.reshape((q,) * 4)
    draws = drawn(target, codes[None], given)
    for i in range(4):
        conditional = table / table.sum(axis=i, keepdims=True)
        expected = np.moveaxis(conditional, i, -1)
        index = tuple(np.delete(codes, i, axis=1).T)
        np.testing.assert_allclose(draws.probability[0, :, i], expected[index], atol=1e-10)


@pytest.mark.parametrize("declare", MODELS, ids=lambda f: f.__name__)
def test_discrete_identities_hold_exactly(declare):
    """Under the exact distribution every identity has mean zero."""
    target, codes, probability, given = exact(declare)
    draws = drawn(target, codes[None], given)
    quantities = dict(identities.heat_bath_identities(draws))
    quantities |= dict(identities.site_identities(draws))
    for name, values in quantities.items():
        if name == "pairs":  # centred with the sample's mean, here that of all configurations
            continue
        assert probability @ values.values[0] == pytest.approx(0, abs=1e-10), name


@pytest.mark.parametrize(
    "declare", [ising, potts, pytest.param(rbm, marks=pytest.mark.slow)], ids=lambda f: f.__name__
)
def test_z_scores_of_discrete_identities_are_standard_normal(declare):
    """1 000 repetitions: their sd has a standard error of 2.2 %, the limits lie 4.5 of it off."""
    target, codes, probability, given = exact(declare)
    rng = np.random.default_rng(3)
    which = rng.choice(len(codes), size=(REPETITIONS, 1, DRAWS), p=probability)
    z = []
    for rows in which:
        draws = drawn(target, codes[rows], given)
        quantities = dict(identities.heat_bath_identities(draws))
        quantities |= dict(itertools.islice(identities.site_identities(draws), 6))
        if not quantities["states that are rare"].variance.any():  # these models have none
            del quantities["states that are rare"]
        z.append([v.test()[0] for v in quantities.values()])
    spread = np.std(z, axis=0)
    assert np.all((spread > 0.9) & (spread < 1.1)), dict(zip(quantities, spread, strict=True))
    assert np.all(np.abs(np.mean(z, axis=0)) < 4.5 / np.sqrt(REPETITIONS))


L = np.array([[1.0, 0, 0], [0.6, 0.8, 0], [-0.3, 0.2, 0.5]])
PRECISION = np.linalg.inv(L @ L.T)


def gaussian_draws(x):
    return RealDraws(
        ["a", "b", "c"], ["x"] * 3, {"x": (3,)}, x, -x @ PRECISION, np.zeros(x.shape[:2]), 1.0,
        lambda u: (-0.5 * u @ PRECISION @ u, -PRECISION @ u), True,
    )  # fmt: skip


def test_z_scores_of_real_identities_are_standard_normal():
    """As above; the off-diagonal ones included."""
    rng = np.random.default_rng(5)
    z = []
    for _ in range(REPETITIONS):
        draws = gaussian_draws(rng.normal(size=(1, DRAWS, 3)) @ L.T)
        quantities = dict(identities.real_identities(draws))
        z.append([z_and_p(v)[0] for v in quantities.values()])
    spread = np.std(z, axis=0)
    assert len(quantities) == 3 + 3 + 1 + 6
    assert np.all((spread > 0.9) & (spread < 1.1)), dict(zip(quantities, spread, strict=True))


def test_the_joint_test_has_its_size():
    """300 repetitions at 5 %: the count lies within the 99.9 % points of a binomial."""
    from scipy.stats import binom

    rng = np.random.default_rng(6)
    p = []
    for _ in range(300):
        draws = gaussian_draws(rng.normal(size=(4, DRAWS, 3)) @ L.T)
        p.append(identities.joint_p(identities.joint_of_reals(draws)))
    low, high = binom.ppf([0.0005, 0.9995], 300, 0.05)
    assert low <= np.sum(np.array(p) < 0.05) <= high


def failed(evidence):
    return [f.quantity for f in decide(identities.check(evidence)) if f.verdict == "fail"]


def test_a_wrong_scale_is_seen_and_a_right_one_is_not():
    x = np.random.default_rng(7).normal(size=(4, 1000, 3)) @ L.T
    assert failed(Evidence(reals=gaussian_draws(x))) == []
    assert "real variables: equipartition of all" in failed(
        Evidence(reals=gaussian_draws(1.05 * x))
    )
    assert any("E[∂E]" in q for q in failed(Evidence(reals=gaussian_draws(x + 0.15))))


def test_a_wrong_temperature_and_a_conserved_parity_are_seen():
    target, codes, probability, given = exact(ising)
    rng = np.random.default_rng(8)

    def judged(p):
        x = codes[rng.choice(len(codes), size=(4, 1000), p=p / p.sum())]
        return failed(Evidence(discretes=[drawn(target, x, given)]))

    assert judged(probability) == []
    assert "s: energy" in judged(probability**1.25)
    even = (codes.sum(axis=1) % 2 == 0).astype(float)
    assert "s: parity" in judged(probability * even)


def test_transformed_variables_have_the_identities_of_their_coordinates():
    """A half-normal scale and a simplex: draws on the constrained scale, scores on the other."""
    with pm.Model() as model:
        pm.HalfNormal("sigma", 2.0)
        pm.Dirichlet("p", np.array([2.0, 3.0, 4.0]))
    rng = np.random.default_rng(9)
    posterior = xr.Dataset(
        {
            "sigma": (("chain", "draw"), np.abs(2 * rng.normal(size=(4, 500)))),
            "p": (("chain", "draw", "k"), rng.dirichlet([2, 3, 4], size=(4, 500))),
        }
    )
    evidence, _notes = gather(xr.DataTree.from_dict({"posterior": posterior}), model)
    assert evidence.reals is not None
    assert evidence.reals.x.shape == (4, 500, 3)
    assert failed(evidence) == []
    posterior["sigma"] *= 1.2
    evidence, _notes = gather(xr.DataTree.from_dict({"posterior": posterior}), model)
    assert any("sigma" in q for q in failed(evidence))


def test_a_mixed_model_has_both_kinds():
    """Spins given a noise level, and the noise level given spins, drawn together."""
    with pm.Model() as model:
        rate = pm.Beta("rate", 2, 5)
        s = ebm.Ising("s", 0.2, graph=ebm.Graph.from_edges([(0, 1), (1, 2)]))
        pm.Bernoulli("y", pt.where(s > 0, 1 - rate, rate), observed=[1, 0, 1])
    rng = np.random.default_rng(10)
    # the posterior on a grid: rate × 8 configurations
    grid = (np.arange(2000) + 0.5) / 2000
    spins = np.array(list(itertools.product([-1, 1], repeat=3)))
    agree = (spins == np.array([1, -1, 1])).sum(axis=1)
    prior = 0.2 * (spins[:, 0] * spins[:, 1] + spins[:, 1] * spins[:, 2])
    logp = prior + agree * np.log1p(-grid)[:, None] + (3 - agree) * np.log(grid)[:, None]
    logp += np.log(grid)[:, None] + 4 * np.log1p(-grid)[:, None]
    weight = np.exp(logp - logp.max())
    pick = rng.choice(weight.size, size=(4, 1000), p=weight.ravel() / weight.sum())
    posterior = xr.Dataset(
        {
            "rate": (("chain", "draw"), grid[pick // 8] + rng.uniform(-1, 1, pick.shape) / 4000),
            "s": (("chain", "draw", "k"), spins[pick % 8].astype(np.int8)),
        }
    )
    evidence, notes = gather(xr.DataTree.from_dict({"posterior": posterior}), model)
    assert evidence.reals is not None
    assert [d.name for d in evidence.discretes] == ["s"]
    assert notes == []
    assert failed(evidence) == []
    posterior["s"] = (
        posterior["s"].isel(draw=slice(None, None, -1)).drop_vars("draw", errors="ignore")
    )
    evidence, _ = gather(xr.DataTree.from_dict({"posterior": posterior}), model)
    assert failed(evidence)  # each is right by itself, and together they are not
