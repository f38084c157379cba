"""Kernels for discrete variables against mcising and peapods, one thread each."""

from __future__ import annotations

import time

from functools import partial

import mcising
import numpy as np
import peapods

import pymc_ebm as ebm

from benchmarks.measurement import Row, rates_in_turn
from pymc_ebm.kernels import tempering
from pymc_ebm.kernels.xoshiro import seed_state
from pymc_ebm.moves.clusters import SwendsenWang
from pymc_ebm.moves.heat_bath import HeatBath, padded_rows
from pymc_ebm.moves.multi_spin import REPLICAS, MultiSpin

BETA = 0.4406868
UPDATES = 30_000_000
SIDE, TEMPERATURES = 8, 1.0 / np.linspace(1.6, 0.8, 16)


def rate(updates: float, run) -> float:
    """Call once to warm up, then time."""
    run()
    start = time.perf_counter()
    run()
    return updates / (time.perf_counter() - start)


def heat_bath_rate(size: int) -> float:
    """Heat bath on one replica."""
    n, sweeps = size**2, max(UPDATES // size**2, 3)
    move = HeatBath(ebm.Graph.square(size, size), np.array(BETA))
    spins, field = np.ones(n, np.int8), np.zeros(n)
    state = seed_state(np.random.default_rng(0))
    return rate(n * sweeps, lambda: move.sweep(spins, field, sweeps, state))


def multi_spin_rate(size: int) -> float:
    """Heat bath on 64 replicas."""
    sweeps = max(10 * UPDATES // size**2 // REPLICAS, 3)
    replicas = MultiSpin(ebm.Graph.square(size, size), np.array(BETA), np.random.default_rng(0))
    return rate(REPLICAS * size**2 * sweeps, lambda: replicas.sweep(sweeps))


def clusters_rate(size: int) -> float:
    """Swendsen–Wang on one replica, from an equilibrated state."""
    n, sweeps = size**2, max(UPDATES // 8 // size**2, 3)
    move = SwendsenWang(ebm.Graph.square(size, size), np.array(BETA))
    rng = np.random.default_rng(0)
    spins, field = rng.choice(np.array([-1, 1], np.int8), n), np.zeros(n)
    state = seed_state(rng)
    move.sweep(spins, field, 30, state)
    return rate(n * sweeps, lambda: move.sweep(spins, field, sweeps, state))


def mcising_rate(size: int, algorithm: str = "metropolis") -> float:
    """One of mcising's algorithms."""
    share = 1 if algorithm == "metropolis" else 16
    sweeps = max(UPDATES // share // size**2, 3)
    simulation = mcising.IsingSimulation(size, 1.0, 0.0, 0.0, 0.0, 1, algorithm)
    if algorithm != "metropolis":
        simulation.sweep(30, temperature=1 / BETA)
    return rate(size**2 * sweeps, lambda: simulation.sweep(sweeps, temperature=1 / BETA))


def tempering_rate(rounds: int = 1000) -> float:
    """Temper an 8×8×8 ±J glass over 16 temperatures, one sweep a round."""
    rng = np.random.default_rng(1)
    graph = ebm.Graph.cubic(SIDE, SIDE, SIDE)
    n, rungs = graph.n_vertices, TEMPERATURES.size
    # the ladder's last rung is the coldest
    J = rng.choice([-1.0, 1.0], graph.n_edges) * TEMPERATURES[-1]
    scales = TEMPERATURES / TEMPERATURES[-1]
    indptr, indices, numbers = graph.neighbors
    first, second = np.ascontiguousarray(graph.edges.T, dtype=np.int32)
    sites = np.argsort(graph.coloring(), kind="stable").astype(np.uint32)
    x = rng.choice(np.array([-1, 1], np.int8), (1, rungs, n))
    field, weights = np.zeros((n, 1)), J[numbers]
    place = np.arange(rungs)[None].copy()
    neighbors = padded_rows(graph, indices, n, np.uint32)[sites]
    signs = padded_rows(graph, np.sign(weights), 0, np.int8)[sites]
    direction, rejected = np.zeros((1, rungs), np.int8), np.zeros(rungs - 1)
    trips, state = np.zeros(1, np.int64), seed_state(rng)

    def run() -> None:
        tempering.tempered_rounds(
            x, place, True, (indptr, indices, first, second), weights, weights, np.eye(2),
            np.eye(2), sites, neighbors, signs, field, field, np.stack([J, J]), False, scales, 0,
            rounds, 1, False, direction, rejected, trips, state,
        )  # fmt: skip

    return rate(n * rungs * rounds, run)


def peapods_rate(sweeps: int = 1000) -> float:
    """Run the same job in peapods, one thread."""
    couplings = np.random.default_rng(1).choice([-1.0, 1.0], (SIDE, SIDE, SIDE, 3))
    model = peapods.Ising(
        (SIDE, SIDE, SIDE), couplings=couplings.astype(np.float32), temperatures=1 / TEMPERATURES
    )
    run = partial(model.sample, sweeps, sweep_mode="metropolis", pt_interval=1, sequential=True)
    return rate(SIDE**3 * TEMPERATURES.size * sweeps, run)


def measure() -> list[Row]:
    """Return the rows of the results table."""
    rows = []
    unit = "updates/s"
    for size in (64, 256, 1024):
        ours, theirs, ratio = rates_in_turn(
            partial(heat_bath_rate, size), partial(mcising_rate, size), rounds=5
        )
        peer = "mcising 1.1, Metropolis"
        rows.append(Row(f"heat bath, {size}²", peer, ours, theirs, unit, ratio, "≥ 1.3"))
        ours, theirs, ratio = rates_in_turn(
            partial(multi_spin_rate, size), partial(mcising_rate, size), rounds=5
        )
        rows.append(Row(f"multi-spin heat bath, {size}²", peer, ours, theirs, unit, ratio, "≥ 15"))
    for size in (64, 256, 1024, 2048):
        ours, theirs, ratio = rates_in_turn(
            partial(clusters_rate, size), partial(mcising_rate, size, "swendsen_wang"), rounds=3
        )
        peer = "mcising 1.1, Swendsen–Wang"
        rows.append(Row(f"Swendsen–Wang, {size}²", peer, ours, theirs, unit, ratio, "≥ 2"))
    ours, theirs, ratio = rates_in_turn(tempering_rate, peapods_rate, rounds=5)
    rows.append(
        Row("tempering, 8³ ±J, 16 rungs", "peapods 0.2", ours, theirs, unit, ratio, "≥ 1.5")
    )
    return rows
