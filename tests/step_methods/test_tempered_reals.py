"""Parallel tempering of real variables against closed forms and quadrature."""

import numpy as np
import pymc as pm
import pytest

from arviz_stats.base import array_stats

import pymc_ebm as ebm

from pymc_ebm.step_methods.tempered_reals import RealParallelTempering

SAMPLING = {
    "chains": 4, "cores": 1, "random_seed": 3, "progressbar": False,
    "compute_convergence_checks": False,
}  # fmt: skip


def z_score(values, exact):
    mcse = array_stats.mcse(values.astype(float), chain_axis=0, draw_axis=1)
    return abs(values.mean() - exact) / mcse


def two_modes(d=2):
    means = np.zeros((2, d))
    means[1, 0] = 16.0
    return ebm.Boltzmann("x", ebm.energies.GaussianMixture(means, 1.0, [0.8, 0.2]), shape=d)


def test_two_modes_sixteen_deviations_apart_get_their_weights():
    """Weight, mean and variance within 4 MCSE (three statistics: one false alarm in 5 000)."""
    with pm.Model():
        x = two_modes()
        idata = pm.sample(600, tune=600, step=ebm.ParallelTempering([x]), **SAMPLING)
    draws = idata.posterior["x"].values
    left = draws[..., 0] < 8
    assert z_score(left, 0.8) < 4
    assert z_score(draws[..., 1], 0.0) < 4
    assert z_score(draws[..., 1] ** 2, 1.0) < 4
    stats = idata.sample_stats
    assert stats["round_trips"].sum() > 100
    rounds = 4 * stats["round_trips"].size
    bound = rounds / (2 + 2 * float(stats["barrier"].mean()))
    assert stats["round_trips"].sum() < bound


def test_a_likelihood_with_an_unknown_scale_is_honoured():
    """X from a double well, y ~ N(x, σ), σ unknown: posterior by quadrature, within 4 MCSE.

    The rungs below the last keep the σ of the end of tuning; the swap with the last must correct.
    """
    y = 0.3
    with pm.Model():
        x = ebm.Boltzmann("x", ebm.energies.DoubleWell(4.0), shape=1)
        sigma = pm.HalfNormal("sigma", 1.0)
        pm.Normal("y", x, sigma, observed=[y])
        idata = pm.sample(1500, tune=500, step=ebm.ParallelTempering([x], leapfrogs=1), **SAMPLING)
    grid = np.linspace(-3, 3, 1201)[:, None]
    scale = np.linspace(1e-3, 6, 3000)
    density = np.exp(-4 * (grid**2 - 1) ** 2 - 0.5 * ((y - grid) / scale) ** 2 - 0.5 * scale**2)
    density /= scale
    density /= density.sum()
    draws, sigmas = idata.posterior["x"].values[..., 0], idata.posterior["sigma"].values
    assert z_score(draws > 0, density[grid[:, 0] > 0].sum()) < 4
    assert z_score(draws**2, (density * grid**2).sum()) < 4
    assert z_score(np.log(sigmas), (density * np.log(scale)).sum()) < 4


def test_a_given_ladder_stays_and_a_swap_that_is_always_accepted_is_caught(monkeypatch):
    """Second moment over both modes, within 4 MCSE; outside with the broken swap."""
    from pymc_ebm.kernels import tempering

    swap = tempering.swap

    def biased(place, logw, logw_last, scales, *rest):
        return swap(place, 0.0 * logw, 0.0 * logw_last, scales, *rest)

    def weight():
        with pm.Model():
            x = two_modes(1)
            step = ebm.ParallelTempering([x], ladder=[0.02, 0.06, 0.18, 0.45, 1.0])
            idata = pm.sample(600, tune=300, step=step, **SAMPLING)
        assert set(idata.sample_stats["rungs"].values.ravel()) == {5}
        return z_score(idata.posterior["x"].values[..., 0] ** 2, 0.2 * 256 + 1)

    assert weight() < 4
    monkeypatch.setattr(tempering, "swap", biased)
    assert weight() > 4


def ridges():
    """Declare two reals that must turn over together, and weights on a simplex."""
    a, b = pm.Normal("a", 0.5, 3), pm.Normal("b", 0, 3)
    ebm.energy_potential("wells", (a**2 - 4) ** 2 + 16 * (a - b) ** 2)
    w = pm.Dirichlet("w", [1.0, 2.0, 3.0])
    return a, b, w


def test_several_variables_have_one_ladder_and_go_on_where_they_stopped():
    """P(a > 0) by quadrature and Dirichlet means, within 4 MCSE: one false alarm in 5 000."""
    with pm.Model() as model:
        step = ebm.ParallelTempering(list(ridges()), blocked=True)
    assert [v.name for v in step.vars] == ["a", "b", "w_simplex__"]
    rng = np.random.default_rng(0)
    step.setup_chain(rng, 400, 1600)
    point, draws = model.initial_point(), []
    for t in range(2000):
        if t == 400:
            step.stop_tuning()
        if t == 1900:
            state, left = step.sampling_state, point
        point, [stats] = step.step(point)
        draws.append([point["a"] > 0, *point["w_simplex__"]])
    assert stats["rungs"] == step.replicas._scales.size
    values = np.array(draws[400:], float)[None]
    grid = np.linspace(-5, 5, 801)
    x, y = grid[:, None], grid
    density = np.exp(-((x - 0.5) ** 2) / 18 - y**2 / 18 - (x**2 - 4) ** 2 - 16 * (x - y) ** 2)
    right = density[grid > 0].sum() / density.sum()
    assert z_score(values[..., 0], right) < 4
    free = values[..., 1:]
    z = np.exp(np.concatenate([free, -free.sum(-1, keepdims=True)], axis=-1))
    z /= z.sum(-1, keepdims=True)
    for k, exact in enumerate((1 / 6, 2 / 6, 3 / 6)):
        assert z_score(z[..., k], exact) < 4
    # another step, given what was stored, makes the same draws
    step.setup_chain(np.random.default_rng(5), 0, 100)
    step.sampling_state = state
    for t in range(1900, 2000):
        left, _ = step.step(left)
        assert [left["a"] > 0, *left["w_simplex__"]] == draws[t]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ladder": [1.0]}, "1 rung"),
        ({"ladder": [0.0, 0.5, 1.0]}, r"goes down to 0\..*unbounded.*Start above 0"),
        ({"ladder": [-0.5, 1.0]}, r"goes down to -0\.5"),
        ({"ladder": [0.5, 0.2, 1.0]}, "must increase"),
        ({"leapfrogs": 0}, "leapfrogs must be a positive integer, got 0"),
        ({"sweeps": -1}, "sweeps must be a positive integer, got -1"),
        ({"exchange": True}, "a real variable has none"),
    ],
)  # fmt: skip
def test_bad_input(options, message):
    with pm.Model():
        x = two_modes(1)
        with pytest.raises(ValueError, match=message):
            ebm.ParallelTempering([x], **options)


def test_kinds_that_share_no_ladder():
    with pm.Model():
        x, s = two_modes(1), ebm.Ising("s", 0.3, graph=ebm.Graph.square(2, 2, periodic=False))
        with pytest.raises(ValueError, match=r"\['s'\] are discrete, and share no ladder"):
            RealParallelTempering([x, s], blocked=True)
