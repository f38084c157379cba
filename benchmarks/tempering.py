"""Tempered NUTS beside plain NUTS where the truth is known: modes, a ring, a spin glass.

``python -m benchmarks.tempering [seeds]``; 20 seeds take about half an hour. For each problem it
prints the z-scores of mode weights and of log Z against the truth, their standard deviation (1 if
the stated errors are right), and round trips a second beside those of a uniform schedule.
"""

from __future__ import annotations

import logging
import sys
import warnings

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from arviz_stats.base import array_stats
from scipy.special import logsumexp

import pymc_ebm as ebm

DRAWS, TUNE, CHAINS = 10_000, 1500, 4
SPINS, BETA = 64, 1.5
SK = np.random.default_rng(3).normal(0, 1 / np.sqrt(SPINS), SPINS * (SPINS - 1) // 2)
GRAPH = ebm.Graph.complete(SPINS)
HALVES = 0.35  # slope that makes one half of the ring heavier


@dataclass(frozen=True)
class Problem:
    """A model, what to measure of its draws, and the truth.

    Parameters
    ----------
    build : callable
        Returns the model to temper.
    measure : callable
        Takes the posterior, returns quantities of shape (chain, draw, k).
    truth, truth_se : ndarray, shape (k,)
        Their means, and standard errors of these.
    log_z, log_z_se : float
        log Z and its standard error.
    """

    build: Callable[[], pm.Model]
    measure: Callable[[xr.Dataset], np.ndarray]
    truth: np.ndarray
    truth_se: np.ndarray
    log_z: float
    log_z_se: float


def two_modes(dimension: int) -> Problem:
    """Put two normals 16 standard deviations apart, weights .8 and .2."""
    means = np.zeros((2, dimension))
    means[1, 0] = 16.0

    def build() -> pm.Model:
        with pm.Model() as model:
            ebm.Boltzmann("x", ebm.energies.GaussianMixture(means, weights=[0.8, 0.2]))
        return model

    return Problem(
        build, lambda p: (p["x"][..., :1] > 8).to_numpy().astype(float), np.array([0.2]),
        np.zeros(1), 0.5 * dimension * np.log(2 * np.pi), 0.0,
    )  # fmt: skip


def grid() -> Problem:
    """Put 25 equal normals on a square grid, 8 standard deviations apart."""
    sides = 8.0 * np.arange(-2, 3)
    means = np.stack(np.meshgrid(sides, sides), axis=-1).reshape(-1, 2)

    def build() -> pm.Model:
        with pm.Model() as model:
            ebm.Boltzmann("x", ebm.energies.GaussianMixture(means))
        return model

    def measure(p: xr.Dataset) -> np.ndarray:
        nearest = ((p["x"].to_numpy()[..., None, :] - means) ** 2).sum(axis=-1).argmin(axis=-1)
        return (nearest[..., None] == np.arange(25)).astype(float)

    return Problem(build, measure, np.full(25, 1 / 25), np.zeros(25), np.log(2 * np.pi), 0.0)


def broken_ring() -> Problem:
    """Cut a ring by two walls, and make one half heavier."""

    def energy(x: pt.TensorVariable, sqrt=pt.sqrt, exp=pt.exp) -> pt.TensorVariable:
        radius = sqrt(x[..., 0] ** 2 + x[..., 1] ** 2 + 1e-12)
        wall = 20.0 * exp(-(x[..., 0] ** 2) / (2 * 0.3**2))
        return (radius - 3.0) ** 2 / (2 * 0.1**2) + wall + HALVES * x[..., 0] / 2

    axis = np.arange(-4.5, 4.5, 0.005)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    log_p = -energy(points, np.sqrt, np.exp)
    total = logsumexp(log_p)
    right = np.exp(logsumexp(log_p[axis > 0]) - total)

    def build() -> pm.Model:
        with pm.Model() as model:
            ebm.Boltzmann("x", energy, shape=2, initval=np.array([3.0, 0.0]))
        return model

    return Problem(
        build, lambda p: (p["x"][..., :1] > 0).to_numpy().astype(float), np.array([right]),
        np.zeros(1), float(total + 2 * np.log(0.005)), 0.0,
    )  # fmt: skip


def glass_model() -> pm.Model:
    """Declare a Sherrington–Kirkpatrick glass."""
    with pm.Model() as model:
        ebm.Ising("s", SK, graph=GRAPH, beta=BETA)
    return model


def glass() -> Problem:
    """Relax a Sherrington–Kirkpatrick glass of 64 spins at β = 1.5.

    The truth: parallel tempering for the energy and the products of neighbours, thermodynamic
    integration over 24 temperatures with 64 chains of heat bath each for log Z.
    """
    with glass_model() as model:
        idata = pm.sample(
            20_000, tune=2000, chains=2, cores=2, step=ebm.ParallelTempering([model["s"]]),
            random_seed=1, progressbar=False, quiet=True, compute_convergence_checks=False,
        )  # fmt: skip
    products = _glass_products(idata["posterior"])
    x, w = np.polynomial.legendre.leggauss(24)
    betas, weights = 0.5 * BETA * (x + 1), 0.5 * BETA * w
    runs = ebm.simulate(
        ebm.energies.Ising(SK, graph=GRAPH), betas=betas, chains=64, draws=1000, tune=2000,
        random_seed=1, progressbar=False,
    )["posterior"]["energy"]  # fmt: skip
    means = runs.mean("draw")
    log_z = SPINS * np.log(2) - float((weights * means.mean("chain")).sum())
    se = float(np.sqrt((weights**2 * means.var("chain", ddof=1) / 64).sum()))
    return Problem(
        lambda: ebm.relax(glass_model()), lambda p: _glass_products(p), products.mean((0, 1)),
        array_stats.mcse(np.moveaxis(products, -1, 0), chain_axis=-2, draw_axis=-1, method="mean"),
        log_z, se,
    )  # fmt: skip


def _glass_products(posterior: xr.Dataset) -> np.ndarray:
    """Return the energy and products with the first spin; signs alone are meaningless."""
    s = posterior["s"].to_numpy().astype(float)
    i, j = GRAPH.edges.T
    energy = -np.einsum("cdm,m->cd", s[..., i] * s[..., j], SK)
    return np.concatenate([energy[..., None], s[..., 1:12] * s[..., :1]], axis=-1)


PROBLEMS = {
    "two modes, d = 2": lambda: two_modes(2),
    "two modes, d = 20": lambda: two_modes(20),
    "25 modes": grid,
    "broken ring": broken_ring,
    "glass, 64 spins": glass,
}


def z_scores(values: np.ndarray, weight: np.ndarray, problem: Problem) -> np.ndarray:
    """Return (estimate − truth) / error of weighted draws."""
    w = weight[..., None] * weight.size
    mean = (w * values).mean(axis=(0, 1))
    series = np.moveaxis(w * (values - mean), -1, 0)
    se = array_stats.mcse(series, chain_axis=-2, draw_axis=-1, method="mean")
    rhat = array_stats.rhat(series, chain_axis=-2, draw_axis=-1, method="rank")
    return (mean - problem.truth) / np.hypot(se, problem.truth_se), float(np.max(rhat))


def tempered(problem: Problem, seed: int, schedule: str = "adapted") -> tuple:
    """Sample the tempered model; return z-scores, R-hat, z of log Z and round trips a second."""
    model = problem.build()
    with ebm.temper(model, schedule=schedule, random_seed=seed, progressbar=False):
        idata = pm.sample(
            DRAWS, tune=TUNE, chains=CHAINS, cores=2, random_seed=seed, progressbar=False,
            quiet=True, compute_convergence_checks=False,
        )  # fmt: skip
    result = ebm.untemper(idata, resample=False)
    facts = result["tempering"]
    if "s_field" in result["posterior"]:
        result = ebm.recover(result, glass_model(), random_seed=seed, progressbar=False)
    z, rhat = z_scores(
        problem.measure(result["posterior"].to_dataset()), facts["weight"].to_numpy(), problem
    )
    error = float(np.hypot(facts["log_z_se"], problem.log_z_se))
    z_log_z = (float(facts["log_z"]) - problem.log_z) / error
    return z, rhat, z_log_z, error, float(facts["round_trips_per_second"])


def plain(problem: Problem, seed: int) -> tuple:
    """Sample the model itself; return z-scores and R-hat."""
    model = problem.build()
    with model:
        idata = pm.sample(
            DRAWS, tune=TUNE, chains=CHAINS, cores=2, random_seed=seed, progressbar=False,
            quiet=True, compute_convergence_checks=False,
        )  # fmt: skip
    if "s_field" in idata["posterior"]:
        idata = ebm.recover(idata, glass_model(), random_seed=seed, progressbar=False)
    values = problem.measure(idata["posterior"].to_dataset())
    error = np.abs(values.mean(axis=(0, 1)) - problem.truth).max()
    constant = np.ptp(values, axis=1).max(axis=-1) == 0
    rhat = np.nan
    if not constant.all():
        moving = np.moveaxis(values, -1, 0)
        rhat = float(
            np.nanmax(array_stats.rhat(moving, chain_axis=-2, draw_axis=-1, method="rank"))
        )
    return rhat, error


def main() -> None:
    """Run every problem for a number of seeds."""
    warnings.filterwarnings("ignore")
    logging.getLogger("pymc").setLevel(logging.ERROR)
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    for name, make in PROBLEMS.items():
        if only not in name:
            continue
        problem = make()
        runs = [tempered(problem, seed) for seed in range(seeds)]
        z = np.array([run[0] for run in runs])
        rhat, z_log_z, error, trips = (np.array([run[k] for run in runs]) for k in range(1, 5))
        uniform = np.array([tempered(problem, seed, "uniform")[4] for seed in range(3)])
        rhat_plain, error_plain = zip(*[plain(problem, seed) for seed in range(3)], strict=True)
        print(
            f"{name}: mode weights z sd {z.std():.2f}, largest {np.abs(z).max():.2f}, R-hat at "
            f"most {np.nanmax(rhat):.4f}; log Z {problem.log_z:.3f} ± {problem.log_z_se:.3f}: "
            f"error {error.mean():.3f}, z sd {np.sqrt((z_log_z**2).mean()):.2f}, largest "
            f"{np.abs(z_log_z).max():.2f}, within 3 in {(np.abs(z_log_z) < 3).sum()} of {seeds}; "
            f"round trips {np.median(trips):.0f}/s, uniform {np.median(uniform):.0f}/s. "
            f"Plain NUTS: R-hat {', '.join(f'{r:.3f}' for r in rhat_plain)}, largest error "
            f"{', '.join(f'{e:.3f}' for e in error_plain)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
