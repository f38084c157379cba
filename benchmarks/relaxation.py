"""Relaxed NUTS: cost of a gradient, and effective draws a second of a hidden Ising field."""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from arviz_stats.base import array_stats

import pymc_ebm as ebm

from benchmarks.measurement import Row

SIDE, COUPLING = 16, 0.3
GRAPH = ebm.Graph.square(SIDE, SIDE)
SPINS = GRAPH.n_vertices
RNG = np.random.default_rng(0)
TRUTH = pm.draw(ebm.Ising.dist(COUPLING, graph=GRAPH), random_seed=1)
IMAGE = TRUTH + RNG.normal(0, 1.0, TRUTH.shape)


def best_time(call, repeats: int = 200, rounds: int = 9) -> float:
    """Return seconds a call, the best of some rounds."""
    call()
    best = np.inf
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        best = min(best, (time.perf_counter() - start) / repeats)
    return best


def gradient_row(side: int = 64) -> Row:
    """Time log-density and gradient against a tanh of every coordinate and every spin."""
    n = side**2
    a, b = RNG.normal(size=2 * n), RNG.normal(size=n)
    with pm.Model() as model:
        ebm.Ising("s", COUPLING, graph=ebm.Graph.square(side, side))
    relaxed = ebm.relax(model)
    [z] = relaxed.value_vars
    logp = relaxed.logp()
    function = pm.compile([z], [logp, pytensor.grad(logp, z)])
    function.trust_input = True
    point = RNG.normal(size=z.type.shape)
    ours = best_time(lambda: function(point))
    theirs = best_time(lambda: (np.tanh(a), np.tanh(b)))
    return Row(
        f"relaxed log-density and gradient, {side}×{side}", "np.tanh of coordinates and spins",
        1e6 * ours, 1e6 * theirs, "µs", ours / theirs, "≤ 5",
    )  # fmt: skip


def median_ess(spins: np.ndarray) -> float:
    """Return the median effective sample size of the spins, shape (chain, draw, spin)."""
    values = np.moveaxis(spins.reshape(*spins.shape[:2], -1).astype(float), -1, 0)
    moving = np.ptp(values, axis=(1, 2)) > 0
    return float(np.median(array_stats.ess(values[moving], chain_axis=-2, draw_axis=-1)))


def ours(draws: int = 2000) -> float:
    """Return effective draws a second of relaxed NUTS; compilation not counted, as for the peers.

    Recovering the spins is counted.
    """
    with pm.Model() as model:
        s = ebm.Ising("s", COUPLING, graph=GRAPH)
        pm.Normal("y", mu=s, sigma=pm.HalfNormal("sigma"), observed=IMAGE)
    with ebm.relax(model):
        idata = pm.sample(
            draws, tune=500, chains=1, cores=1, random_seed=1, progressbar=False, quiet=True,
            compute_convergence_checks=False,
        )  # fmt: skip
    ebm.recover(idata.isel(draw=slice(2)), model, progressbar=False)  # compiles
    start = time.perf_counter()
    spins = ebm.recover(idata, model, random_seed=1, progressbar=False).posterior["s"].to_numpy()
    seconds = time.perf_counter() - start + idata.posterior.attrs["sampling_time"]
    return median_ess(spins) / seconds


def binary_gibbs(draws: int = 500) -> float:
    """Return the same of pm.BinaryGibbsMetropolis and NUTS for sigma."""
    i, j = GRAPH.edges.T
    with pm.Model():
        v = pm.Bernoulli("v", 0.5, shape=SPINS, initval=((TRUTH + 1) // 2).reshape(-1))
        spins = 2.0 * v - 1.0
        pm.Potential("energy", COUPLING * pt.sum(spins[i] * spins[j]))
        sigma = pm.HalfNormal("sigma")
        pm.Normal("y", mu=spins, sigma=sigma, observed=IMAGE.reshape(-1))
        step = [pm.BinaryGibbsMetropolis([v]), pm.NUTS([sigma])]
        idata = pm.sample(
            draws, tune=50, chains=1, cores=1, step=step, random_seed=1, quiet=True,
            progressbar=False, compute_convergence_checks=False,
        )  # fmt: skip
    return median_ess(idata.posterior["v"].to_numpy()) / idata.posterior.attrs["sampling_time"]


def numpyro_gibbs(draws: int = 2000, tune: int = 500) -> float:
    """Return the same of numpyro's DiscreteHMCGibbs; compilation not counted."""
    import jax
    import numpyro
    import numpyro.distributions as dist

    from numpyro.infer import HMC, MCMC, DiscreteHMCGibbs

    i, j = GRAPH.edges.T

    def model() -> None:
        with numpyro.plate("sites", SPINS):
            v = numpyro.sample("v", dist.Bernoulli(0.5))
        s = 2.0 * v - 1.0
        numpyro.factor("energy", COUPLING * (s[i] * s[j]).sum())
        sigma = numpyro.sample("sigma", dist.HalfNormal())
        numpyro.sample("y", dist.Normal(s, sigma), obs=IMAGE.reshape(-1))

    mcmc = MCMC(
        DiscreteHMCGibbs(HMC(model, trajectory_length=1.0), modified=True),
        num_warmup=tune, num_samples=draws, progress_bar=False,
    )  # fmt: skip
    mcmc.run(jax.random.key(0))
    start = time.perf_counter()
    mcmc.run(jax.random.key(1))
    seconds = time.perf_counter() - start
    return median_ess(np.asarray(mcmc.get_samples()["v"])[None]) / seconds


def peak_memory(side: int = 256, draws: int = 3) -> float:
    """Return gigabytes that this process has used at most, after a run on a large lattice."""
    with pm.Model() as model:
        ebm.Ising("s", COUPLING, graph=ebm.Graph.square(side, side))
    with ebm.relax(model):
        idata = pm.sample(
            draws, tune=10, chains=1, cores=1, random_seed=1, progressbar=False, quiet=True,
            compute_convergence_checks=False,
        )  # fmt: skip
    ebm.recover(idata, model, random_seed=1, progressbar=False)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure() -> list[Row]:
    """Return the rows of the results table."""
    relaxed, hmc, gibbs = ours(), numpyro_gibbs(), binary_gibbs()
    job, unit = "relaxed NUTS, hidden Ising field 16×16, unknown noise", "effective draws/s"
    return [
        gradient_row(),
        Row(job, "numpyro, DiscreteHMCGibbs", relaxed, hmc, unit, relaxed / hmc, "≥ 20"),
        Row(job, "BinaryGibbsMetropolis and NUTS", relaxed, gibbs, unit, relaxed / gibbs, "≥ 50"),
    ]


if __name__ == "__main__":
    if sys.argv[1:] == ["memory"]:
        print(f"peak memory of 256×256: {peak_memory():.2f} GB")
    else:
        for row in measure():
            print(row)
