"""Tempering: schedule and pilot on arrays, the density, log Z and mode weights, bad input."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr

from scipy import stats
from scipy.integrate import quad
from scipy.interpolate import PchipInterpolator

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.tempering.base_density import Base
from pymc_ebm.tempering.pilot import Path
from pymc_ebm.tempering.ratios import log_ratios
from pymc_ebm.tempering.schedule import Schedule, symbolic
from tests.statistics import bonferroni_limit, z_scores

Y = 1.7
NORMAL = Base(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])


def declare() -> pm.Model:
    """Return two modes that NUTS cannot connect, and a scale with a likelihood."""
    with pm.Model(coords={"axis": ["a"]}) as model:
        modes = ebm.energies.GaussianMixture([[-8.0], [8.0]], weights=[0.8, 0.2])
        x = ebm.Boltzmann("x", modes, dims="axis")
        sigma = pm.Gamma("sigma", 3, 2)
        pm.Normal("y", 0, sigma, observed=Y)
        pm.Deterministic("right", (x > 0).astype("int8"), dims="axis")
    return model


@pytest.fixture(scope="module")
def model():
    return declare()


@pytest.fixture(scope="module")
def idata(model):
    with ebm.temper(model, base="normal", random_seed=1, progressbar=False):
        return pm.sample(
            1500, tune=500, chains=4, cores=1, random_seed=1, progressbar=False,
            compute_convergence_checks=False, nuts_sampler="pymc",
        )  # fmt: skip


def evidence() -> float:
    """Return the log of ∫ p(x) p(σ) p(y | σ), the first factor being √2π."""
    value, _ = quad(lambda s: stats.gamma(3, scale=0.5).pdf(s) * stats.norm.pdf(Y, 0, s), 0, 30)
    return float(np.log(value) + 0.5 * np.log(2 * np.pi))


def test_log_z_and_mode_weights_are_right(idata):
    """False alarm 1 % together, by Bonferroni over three quantities."""
    facts = ebm.untemper(idata)["tempering"]
    z = [(float(facts["log_z"]) - evidence()) / float(facts["log_z_se"])]
    exact = {"right[0]": 0.2, "x[0]": -8 * 0.8 + 8 * 0.2}
    names = list(facts["quantity"].values)
    for name, truth in exact.items():
        k = names.index(name)
        z.append((float(facts["mean"][k]) - truth) / float(facts["mean_se"][k]))
    assert np.abs(z).max() < bonferroni_limit(len(z))
    assert facts["log_z_se"] < 0.2
    assert facts["round_trips"] > 20


def test_weights_that_ignore_the_schedule_are_caught(idata, monkeypatch):
    exact = Schedule.nodes

    def uniform(self):
        B, log_zeta, w = exact(self)
        return np.linspace(0, 1, B.size), log_zeta, w

    monkeypatch.setattr(Schedule, "nodes", uniform)
    facts = ebm.untemper(idata)["tempering"]
    z = (float(facts["log_z"]) - evidence()) / float(facts["log_z_se"])
    assert abs(z) > bonferroni_limit(1, 1e-4)


def test_labels_types_and_seeds(idata):
    first, same, other = (ebm.untemper(idata, random_seed=seed) for seed in (1, 1, 2))
    posterior = first["posterior"]
    assert set(posterior.data_vars) == {"x", "sigma", "right"}
    assert posterior["x"].dims == ("chain", "draw", "axis")
    assert list(posterior["x"].coords["axis"].values) == ["a"]
    assert posterior["right"].dtype == idata["posterior"]["right"].dtype
    assert posterior["x"].identical(same["posterior"]["x"])
    assert not posterior["x"].equals(other["posterior"]["x"])
    kept = ebm.untemper(idata, resample=False)["posterior"]
    np.testing.assert_array_equal(kept["x"], idata["posterior"]["x"])
    np.testing.assert_allclose(first["tempering"]["weight"].sum(), 1.0)
    weighted = float((first["tempering"]["weight"] * kept["right"][..., 0]).sum())
    # each chain is drawn by its own weights, so the two differ by a little
    assert float(posterior["right"].mean()) == pytest.approx(weighted, abs=0.05)


def test_the_density_is_the_formula(model):
    with model:
        tempered = ebm.temper(base="normal", random_seed=3, pilot_draws=80, progressbar=False)
    assert {v.name for v in model.free_RVs} == {"x", "sigma"}
    logp, own = tempered.compile_logp(mode=PY), model.compile_logp(mode=PY)
    outputs = [tempered[n] for n in ("tempering_difference", "tempering_beta", "x", "sigma")]
    inner = tempered.compile_fn(tempered.replace_rvs_by_values(outputs), mode=PY)
    curve = Schedule(tempered["tempering_schedule"].get_value())
    points = np.random.default_rng(0).normal(size=(20, 3))
    jacobian = None
    for *y, v in points:
        point = {"tempering_y": np.array(y), "tempering_v": np.array(v)}
        delta, beta, x, sigma = inner(point)
        B, log_zeta = curve.at(np.array(stats.norm.cdf(v)))
        assert beta == pytest.approx(B, abs=1e-12)
        want = stats.norm.logpdf([*y, v]).sum() - B * delta - log_zeta
        assert float(logp(point)) == pytest.approx(want, abs=1e-9)
        # Δ is the model's own density, up to the logarithm of a constant volume
        target = float(own({"x": x, "sigma_log__": np.log(sigma)}))
        volume = -delta + stats.norm.logpdf(y).sum() - target
        jacobian = volume if jacobian is None else jacobian
        assert volume == pytest.approx(jacobian, abs=1e-9)


def test_draws_can_be_the_base():
    rng = np.random.default_rng(0)
    wide = xr.Dataset(
        {"x": (("chain", "draw", "axis"), rng.normal(0, 9, (2, 200, 1))),
         "sigma": (("chain", "draw"), rng.gamma(3, 0.5, (2, 200)))}
    )  # fmt: skip
    model = declare()
    tree = xr.DataTree.from_dict({"prior": wide})
    tempered = ebm.temper(model, base=tree, random_seed=1, pilot_draws=80, progressbar=False)
    assert {v.name for v in tempered.free_RVs} == {"tempering_y", "tempering_v"}
    with pytest.raises(ValueError, match=r"no draws of \['sigma'\]"):
        ebm.temper(model, base=xr.DataTree.from_dict({"posterior": wide[["x"]]}))
    with pytest.raises(ValueError, match="base has 8 draws"):
        ebm.temper(model, base=xr.DataTree.from_dict({"posterior": wide.isel(draw=slice(4))}))
    with pytest.raises(ValueError, match="give it a posterior"):
        ebm.temper(model, base=xr.DataTree())


def test_a_base_that_does_not_cover_the_model_is_an_error():
    """Draws 10⁶ standard deviations away, and as narrow as the target."""
    with pm.Model() as model:
        pm.Normal("x", 0.0, 1.0, shape=3)
    far = np.random.default_rng(0).normal(1e6, 1e-3, (1, 100, 3))
    base = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"x": (("chain", "draw", "x_dim_0"), far)})}
    )
    with pytest.raises(ValueError, match=r"of 80 draws .* are effective at the next.*base"):
        ebm.temper(model, base=base, random_seed=1, pilot_draws=80, progressbar=False)


def test_what_cannot_be_tempered_says_why(model):
    with pm.Model() as discrete:
        ebm.Ising("s", 0.3, graph=ebm.Graph.square(3, 3))
    with pytest.raises(ValueError, match=r"\['s'\] are discrete.*ebm.relax"):
        ebm.temper(discrete)
    with pytest.raises(ValueError, match="schedule='linear' is neither"):
        ebm.temper(model, schedule="linear")
    with pytest.raises(ValueError, match="base='wide' is neither"):
        ebm.temper(model, base="wide")
    with pytest.raises(ValueError, match="pilot_draws=10; a pilot run needs 80"):
        ebm.temper(model, pilot_draws=10)
    with pm.Model() as empty, pytest.raises(ValueError, match="no free variables"):
        ebm.temper(empty)


def test_draws_of_no_tempered_model_are_refused(idata):
    plain = xr.DataTree.from_dict({"posterior": xr.Dataset({"x": (("chain", "draw"), [[1.0]])})})
    with pytest.raises(ValueError, match="no draws of a tempered model"):
        ebm.untemper(plain)
    never = idata.copy()
    cold = idata["posterior"].to_dataset().isel(draw=slice(3), chain=slice(1))
    never["posterior"] = xr.DataTree(cold)
    with pytest.raises(ValueError, match=r"of 3 draws are effective at the target"):
        ebm.untemper(never)


def test_schedule_on_arrays():
    betas = np.array([0.0, 0.01, 0.1, 0.4, 1.0])
    curve = Schedule.adapted(betas, np.arange(5.0), -np.ones(5))
    u = np.random.default_rng(0).uniform(size=200)
    B, log_zeta = curve.at(u)
    knots = np.linspace(0, 1, len(curve.table))
    np.testing.assert_allclose(curve.at(knots)[0], curve.table[:, 0], atol=1e-12)
    assert np.all(np.diff(curve.at(np.sort(u))[0]) >= -1e-12)
    at_target = u > knots[4]
    np.testing.assert_allclose(B[at_target], 1.0)
    inside = ~at_target
    reference = PchipInterpolator(knots, curve.table[:, 0])(u)
    np.testing.assert_allclose(B[inside & (u < knots[3])], reference[inside & (u < knots[3])])
    value = pt.scalar("u")
    graph = symbolic(pt.constant(curve.table), value)
    for k in range(5):
        got = [float(g.eval({value: u[k]}, mode=PY)) for g in graph]
        np.testing.assert_allclose(got, [B[k], log_zeta[k]], atol=1e-12)
    nodes, _, w = curve.nodes()
    assert w.sum() == pytest.approx(1.0)
    mean, _ = quad(lambda t: float(curve.at(np.array(t))[0]), 0, 1, limit=200, points=knots)
    assert (w * nodes).sum() == pytest.approx(mean, abs=1e-8)


def test_pilot_keeps_gaussians_and_knows_their_ratios():
    """Path from N(0, 1) to N(1, ½²): all marginals are normal. False alarm 1 % by Bonferroni."""

    def minus_logp(x):
        return 2 * ((x - 1) ** 2).sum(axis=1), 4 * (x - 1)

    betas = np.array([0.0, 0.2, 0.6, 1.0])
    rng = np.random.default_rng(0)
    path = Path(minus_logp, NORMAL, betas, rng.normal(size=(4, 2)), rng)
    path.run(300)
    path.run(3000)
    precision = 1 + 3 * betas
    mean = 4 * betas / precision
    values = path.draws.transpose(1, 0, 2)  # rung, draw, coordinate
    z = []
    for k in range(4):
        draws = np.concatenate([values[k], values[k] ** 2], axis=1)
        exact = np.repeat([mean[k], 1 / precision[k] + mean[k] ** 2], 2)
        z.extend(z_scores(draws[None], exact))
    assert np.abs(z).max() < bonferroni_limit(len(z))
    # log Z of each rung: −β Δ completed to a square in each of two coordinates
    log_z = betas * np.log(2 * np.pi) - np.log(precision) - 4 * betas + precision * mean**2
    blocks = np.array([log_ratios(betas, part) for part in np.split(path.differences, 20)])
    error = blocks.std(axis=0, ddof=1) / np.sqrt(20)
    z = (blocks.mean(axis=0) - np.diff(log_z)) / error
    assert np.abs(z).max() < stats.t(19).isf(0.01 / 6)
