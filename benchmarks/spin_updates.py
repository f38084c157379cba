"""Spin updates a second on the 64×64 lattice at the critical point."""

from __future__ import annotations

import time

import mcising
import numpy as np
import pymc as pm
import pytensor.tensor as pt

import pymc_ebm as ebm

from benchmarks.measurement import Row, rates_in_turn
from pymc_ebm.kernels.xoshiro import seed_state
from pymc_ebm.moves.heat_bath import HeatBath

SIZE, BETA = 64, 0.4406868
SPINS = SIZE * SIZE
GRAPH = ebm.Graph.square(SIZE, SIZE)


def kernel_rate(sweeps: int = 4000) -> float:
    """Heat-bath updates a second of the kernel alone."""
    sweeper = HeatBath(GRAPH, np.array(BETA))
    spins, field = np.ones(SPINS, np.int8), np.zeros(SPINS)
    state = seed_state(np.random.default_rng(0))
    sweeper.sweep(spins, field, 10, state)
    start = time.perf_counter()
    sweeper.sweep(spins, field, sweeps, state)
    return SPINS * sweeps / (time.perf_counter() - start)


def mcising_rate(sweeps: int = 4000) -> float:
    """Metropolis updates a second of mcising's Rust core."""
    simulation = mcising.IsingSimulation(SIZE, 1.0, 0.0, 0.0, 0.0, 1)
    simulation.sweep(10, temperature=1 / BETA)
    start = time.perf_counter()
    simulation.sweep(sweeps, temperature=1 / BETA)
    return SPINS * sweeps / (time.perf_counter() - start)


def sample_rate(draws: int = 10_000) -> float:
    """Time a whole pm.sample call of heat bath: compilation, tuning and trace included."""
    with pm.Model():
        s = ebm.Ising("s", J=1.0, graph=GRAPH, beta=BETA)
        start = time.perf_counter()
        idata = pm.sample(
            draws,
            tune=500,
            chains=1,
            step=ebm.ChromaticGibbs([s]),
            random_seed=1,
            quiet=True,
            compute_convergence_checks=False,
            discard_tuned_samples=False,
        )
        elapsed = time.perf_counter() - start
    groups = ("sample_stats", "warmup_sample_stats")
    sweeps = sum(int(idata[group]["sweeps"].sum()) for group in groups)
    return SPINS * sweeps / elapsed


def binary_gibbs_rate(draws: int = 15) -> float:
    """Time pm.BinaryGibbsMetropolis on the same model in 0/1 coding.

    Only the sampling itself is counted, not the compilation: the comparison favours the peer.
    """
    i, j = GRAPH.edges.T
    with pm.Model():
        v = pm.Bernoulli("v", 0.5, shape=SPINS)
        spins = 2.0 * v - 1.0
        pm.Potential("energy", BETA * pt.sum(spins[i] * spins[j]))
        step = pm.BinaryGibbsMetropolis([v])
        idata = pm.sample(
            draws, tune=1, chains=1, step=step, random_seed=1, quiet=True,
            compute_convergence_checks=False,
        )  # fmt: skip
    return SPINS * (draws + 1) / idata["posterior"].attrs["sampling_time"]


def measure() -> list[Row]:
    """Return the rows of the results table."""
    rows = []
    ours, theirs, ratio = rates_in_turn(kernel_rate, mcising_rate, rounds=9)
    rows.append(
        Row(
            "heat-bath kernel, 64×64",
            "mcising 1.1, Metropolis",
            ours,
            theirs,
            "updates/s",
            ratio,
            "≥ 1.0",
        )
    )
    sample_rate(100)  # numba's cache warm, as in any session but the first
    ours, theirs, ratio = rates_in_turn(sample_rate, mcising_rate, rounds=3)
    rows.append(
        Row(
            "heat bath in a whole pm.sample call, 64×64",
            "mcising 1.1, Metropolis",
            ours,
            theirs,
            "updates/s",
            ratio,
            "≥ 0.5",
        )
    )
    ours, theirs, ratio = rates_in_turn(sample_rate, binary_gibbs_rate, rounds=3)
    rows.append(
        Row(
            "heat bath in a whole pm.sample call, 64×64",
            "pm.BinaryGibbsMetropolis",
            ours,
            theirs,
            "updates/s",
            ratio,
            "≥ 5 000",
        )
    )
    return rows
