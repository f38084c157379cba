"""log Z: moments of few spins, an Ising network by NUTS, and annealing against rbms.

rbms needs torch, so it runs in an environment of its own: set ``RBMS_PYTHON`` to that Python
(``pip install torch rbms==0.5.*``); without it its row is left out.
``python -m benchmarks.partition errors`` prints how estimates of 20 RBMs scatter;
``python -m benchmarks.partition coverage`` refits data simulated from the Ising network.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time

from pathlib import Path

import arviz as az
import numpy as np
import pymc as pm

import pymc_ebm as ebm

from benchmarks.measurement import Row, calls_per_second, rates_in_turn
from pymc_ebm import kernels

GRAY_CODE = 97.0  # seconds of 2 × 600 iterations of the same network with a Gray-code log Z

RBMS = """
import json, sys, time, numpy as np, torch
from rbms.bernoulli_bernoulli.classes import BBRBM
from rbms.partition_function.ais import compute_partition_function_ais
with np.load(sys.argv[1]) as f:
    W, b, c = (torch.tensor(f[k], dtype=torch.float32) for k in "Wbc")
params = BBRBM(weight_matrix=W, vbias=b, hbias=c)
compute_partition_function_ais(10, 10, params)
start = time.perf_counter()
log_z = compute_partition_function_ais(100, 1000, params)
print(json.dumps([time.perf_counter() - start, float(log_z)]))
"""


def moments_row(n: int, rounds: int = 5) -> Row:
    """Time log Z and all pair moments against one pass of np.exp over all configurations."""
    rng = np.random.default_rng(n)
    J = np.triu(rng.normal(0, n**-0.5, (n, n)), 1)
    J, h, x = J + J.T, rng.normal(size=n), rng.normal(size=2**n)
    ours, theirs, ratio = rates_in_turn(
        lambda: calls_per_second(lambda: kernels.exact_moments.ising_moments(J, h)),
        lambda: calls_per_second(lambda: np.exp(x)),
        rounds,
    )
    goal = {16: "≤ 1.5 ms", 20: "≤ 35 ms", 24: "≤ 800 ms"}[n]
    return Row(
        f"log Z and all pair moments, {n} spins", f"np.exp of 2^{n} doubles",
        1e3 / ours, 1e3 / theirs, "ms", 1 / ratio, goal,
    )  # fmt: skip


def rbm(visible: int, hidden: int, seed: int, scale: float) -> ebm.energies.RBM:
    """Return a random machine."""
    rng = np.random.default_rng(seed)
    return ebm.energies.RBM(
        rng.normal(0, scale, (visible, hidden)),
        rng.normal(0, 0.1, visible),
        rng.normal(0, 0.1, hidden),
    )


def annealing_row() -> list[Row]:
    """Time annealing with 100 chains and 1 000 temperatures against rbms; none without rbms."""
    python = os.environ.get("RBMS_PYTHON")
    if not python:
        return []
    machine = rbm(784, 500, 0, 0.05)
    path = str(Path(tempfile.mkdtemp()) / "rbm.npz")
    np.savez(path, **{k: machine.parameters[k].eval() for k in "Wbc"})
    ebm.estimate_log_partition(machine, temperatures=300, random_seed=0, progressbar=False)
    ours, theirs = [], []
    for seed in range(3):
        start = time.perf_counter()
        found = ebm.estimate_log_partition(machine, random_seed=seed, progressbar=False)
        ours.append(time.perf_counter() - start)
        out = subprocess.run([python, "-c", RBMS, path], capture_output=True, text=True, check=True)
        seconds, log_z = json.loads(out.stdout.strip().splitlines()[-1])
        theirs.append(seconds)
        print(f"  log Z {float(found.log_z):.3f}({float(found.log_z_se):.3f}), rbms {log_z:.3f}")
    ratio = float(np.median(np.array(ours) / np.array(theirs)))
    return [
        Row("annealing, 784×500 RBM, 100 chains × 1 000", "rbms 0.5", min(ours), min(theirs), "s",
            ratio, "≤ 0.5"),
    ]  # fmt: skip


def network_model(answers: np.ndarray, log_partition: str = "auto") -> pm.Model:
    """Declare the 16-item Ising network."""
    graph = ebm.Graph.complete(answers.shape[1])
    with pm.Model() as model:
        J = pm.Normal("J", 0, 0.5, shape=graph.n_edges)
        h = pm.Normal("h", 0, 1, shape=answers.shape[1])
        ebm.Ising("s", J, h, graph=graph, observed=answers, log_partition=log_partition)
    return model


def complete_cases() -> np.ndarray:
    """Return the answers of those who answered everything, as spins."""
    from examples.ability import load

    answers = load().to_numpy()
    return (2 * answers[~np.isnan(answers).any(axis=1)] - 1).astype(np.int8)


def sample(model: pm.Model, draws: int = 1000, seed: int = 1):
    """Sample quietly."""
    with model:
        return pm.sample(draws, random_seed=seed, cores=2, chains=4, progressbar=False, quiet=True)


def network_row() -> Row:
    """Time the whole of pm.sample, compilation included."""
    model = network_model(complete_cases())
    start = time.perf_counter()
    idata = sample(model)
    seconds = time.perf_counter() - start
    rhat = az.rhat(idata.posterior)
    print(f"  largest R-hat of 136 parameters {max(float(rhat[k].max()) for k in rhat):.4f}")
    return Row(
        "Ising network, 16 items × 1 248, 4 × 1 000 draws", "Gray-code log Z, 2 × 600 (noted)",
        seconds, GRAY_CODE, "s", seconds / GRAY_CODE, "≤ 0.25",
    )  # fmt: skip


def measure() -> list[Row]:
    """Return the rows of the results table."""
    return [*(moments_row(n) for n in (16, 20, 24)), network_row(), *annealing_row()]


def errors(machines: int = 20) -> None:
    """Print z-scores of annealing against exact values."""
    z = []
    for seed in range(machines):
        machine = rbm(784, 16, seed, 0.2)
        exact = float(ebm.log_partition(machine).eval())
        found = ebm.estimate_log_partition(machine, random_seed=seed, progressbar=False)
        z.append(float((found.log_z - exact) / found.log_z_se))
    print(f"{machines} RBMs of 784×16: z mean {np.mean(z):+.2f}, sd {np.std(z):.2f}, "
          f"largest {np.abs(z).max():.2f}")  # fmt: skip


def coverage(replicates: int = 20, draws: int = 500) -> None:
    """Print how often 94 % intervals hold the truth in data simulated from the posterior mean."""
    answers = complete_cases()
    posterior = sample(network_model(answers), draws).posterior
    truth = {k: posterior[k].mean(["chain", "draw"]).to_numpy() for k in ("J", "h")}
    graph = ebm.Graph.complete(answers.shape[1])
    rv = ebm.Ising.dist(truth["J"], truth["h"], graph=graph, shape=answers.shape)
    flat = np.concatenate([truth["J"], truth["h"]])
    for how in ("auto", "pseudo"):
        inside, z = [], []
        for seed in range(replicates):
            found = sample(network_model(pm.draw(rv, random_seed=seed), how), draws).posterior
            rows = np.concatenate(
                [found[k].to_numpy().reshape(-1, truth[k].size) for k in ("J", "h")], axis=1
            )
            low, high = np.quantile(rows, [0.03, 0.97], axis=0)
            inside.append(np.mean((low <= flat) & (flat <= high)))
            z.append((rows.mean(axis=0) - flat) / rows.std(axis=0))
        print(f"{how}: 94 % intervals hold {np.mean(inside):.1%} of {flat.size} parameters over "
              f"{replicates} replicates; z mean {np.mean(z):+.2f}, sd {np.std(z):.2f}")  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:] == ["errors"]:
        errors()
    elif sys.argv[1:] == ["coverage"]:
        coverage()
    else:
        for row in measure():
            print(row)
