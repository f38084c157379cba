"""What a report costs: ``python -m benchmarks.diagnostics_speed``, a quarter of a minute."""

from __future__ import annotations

import logging
import time

import arviz as az
import numpy as np
import pymc as pm

import pymc_ebm as ebm

from benchmarks.measurement import Row

CRITICAL = 0.5 * np.log1p(np.sqrt(2))
SAMPLING = {
    "chains": 4, "cores": 2, "random_seed": 1, "progressbar": False, "quiet": True,
    "compute_convergence_checks": False,
}  # fmt: skip


def lattice(coupling: float, name: str) -> Row:
    """Sample 64×64 spins and judge them; the first run of each warms the caches."""
    for _ in range(2):
        with pm.Model() as model:
            ebm.Ising("s", coupling, graph=ebm.Graph.square(64, 64))
            start = time.perf_counter()
            idata = pm.sample(**SAMPLING)
            sampled = time.perf_counter() - start
        start = time.perf_counter()
        ebm.ergodicity(idata, model, quiet=True)
        judged = time.perf_counter() - start
    job = f"report of a 64×64 lattice, {name}, 4 × 1 000 draws"
    return Row(job, "pm.sample", judged, sampled, "s", judged / sampled, "≤ 0.1")


def hundred_variables(with_model: bool) -> Row:
    """Judge 4 × 1 000 draws of 100 variables, compilation included."""
    x = np.random.default_rng(1).normal(size=(4, 1000, 100))
    idata = az.from_dict({"posterior": {"x": x}})
    with pm.Model() as model:
        pm.Normal("x", shape=100)
    ebm.ergodicity(idata, quiet=True)
    start = time.perf_counter()
    ebm.ergodicity(idata, model if with_model else None, quiet=True)
    seconds = time.perf_counter() - start
    job = f"report of 100 variables, {'with' if with_model else 'without'} model"
    return Row(job, "five seconds", seconds, 5.0, "s", seconds / 5, "≤ 1")


def measure() -> list[Row]:
    """Return the rows of the results table."""
    logging.getLogger("pymc").setLevel(logging.ERROR)
    return [
        lattice(CRITICAL, "critical"),
        lattice(0.3, "warm"),
        hundred_variables(with_model=False),
        hundred_variables(with_model=True),
    ]


if __name__ == "__main__":
    for row in measure():
        print(f"{row.job}: {row.ours:.2f} of {row.theirs:.2f} s, {row.ratio:.2f} ({row.goal})")
