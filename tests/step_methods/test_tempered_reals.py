"""Parallel tempering of real variables against closed forms and quadrature."""

import numpy as np
import pymc as pm
import pytest

from arviz_stats.base import array_stats

import pymc_ebm as ebm

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
