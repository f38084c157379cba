"""Sparse and dense spin models against thrml; a whole `pm.sample` against numpyro.

Both peers run compiled by JAX on the CPU with as many threads as JAX takes; ours takes one.
"""

from __future__ import annotations

import time

from collections.abc import Callable
from functools import cache, partial

import jax
import networkx as nx
import numpy as np
import numpyro
import numpyro.distributions as dist
import pymc as pm
import thrml

from numpyro.infer import MCMC, DiscreteHMCGibbs
from numpyro.infer.hmc import HMC
from numpyro.infer.mixed_hmc import MixedHMC
from thrml.models.ising import IsingEBM, IsingSamplingProgram

import pymc_ebm as ebm

from benchmarks.measurement import Row, rates_in_turn
from pymc_ebm.kernels.xoshiro import seed_state
from pymc_ebm.moves.heat_bath import HeatBath

SPINS, DEGREE, DENSE = 1000, 6, 512
SIDE, COUPLING = 8, 0.3


@cache
def model(name: str) -> tuple[ebm.Graph, np.ndarray]:
    """Return a graph and couplings ``βJ``."""
    rng = np.random.default_rng(0)
    if name == "sparse":
        graph = ebm.Graph.from_networkx(nx.random_regular_graph(DEGREE, SPINS, seed=1))
        return graph, rng.normal(0, 0.3, graph.n_edges)
    if name == "dense":
        graph = ebm.Graph.complete(DENSE)
        return graph, rng.normal(0, 1 / np.sqrt(DENSE), graph.n_edges)
    return ebm.Graph.square(64, 64), np.full(2 * 64**2, 0.44)


def ours(name: str, sweeps: int) -> float:
    """Run heat bath on one replica."""
    graph, J = model(name)
    move, rng = HeatBath(graph, J), np.random.default_rng(0)
    n = graph.n_vertices
    x, field, state = rng.choice(np.array([-1, 1], np.int8), n), np.zeros(n), seed_state(rng)
    move.sweep(x, field, sweeps, state)
    start = time.perf_counter()
    move.sweep(x, field, sweeps, state)
    return n * sweeps / (time.perf_counter() - start)


@cache
def _thrml_run(name: str, sweeps: int, chains: int) -> Callable[[int], None]:
    """Compile thrml's block sampler, one block a colour."""
    graph, J = model(name)
    nodes = [thrml.SpinNode() for _ in range(graph.n_vertices)]
    edges = [(nodes[i], nodes[j]) for i, j in graph.edges]
    energy = IsingEBM(
        nodes, edges, jax.numpy.zeros(len(nodes)), jax.numpy.asarray(J), jax.numpy.array(1.0)
    )
    color = graph.coloring()
    blocks = [
        thrml.Block([nodes[k] for k in np.flatnonzero(color == c)]) for c in range(color.max() + 1)
    ]
    program = IsingSamplingProgram(energy, blocks, [])
    schedule = thrml.SamplingSchedule(sweeps, 1, 1)

    def one(key: jax.Array) -> list:
        start = [jax.random.bernoulli(key, shape=(len(block),)) for block in blocks]
        return thrml.sample_states(key, program, schedule, start, [], [thrml.Block(nodes)])

    compiled = jax.jit(jax.vmap(one))

    def run(seed: int) -> None:
        jax.block_until_ready(compiled(jax.random.split(jax.random.key(seed), chains)))

    run(0)
    return run


def thrml_rate(name: str, sweeps: int, chains: int) -> float:
    """Return updates a second of thrml, all chains together."""
    run = _thrml_run(name, sweeps, chains)
    start = time.perf_counter()
    run(1)
    return model(name)[0].n_vertices * sweeps * chains / (time.perf_counter() - start)


def our_sample_rate(draws: int) -> float:
    """Run ``pm.sample`` with one chain, compilation not counted."""
    with pm.Model():
        s = ebm.Ising("s", COUPLING, graph=ebm.Graph.square(SIDE, SIDE))
        step = ebm.ChromaticGibbs([s], sweeps=100)
        start = time.perf_counter()
        pm.sample(
            draws, tune=0, chains=1, cores=1, step=step, random_seed=1, progressbar=False,
            compute_convergence_checks=False, discard_tuned_samples=False, quiet=True,
        )  # fmt: skip
    return SIDE**2 * 100 * draws / (time.perf_counter() - start)


def _numpyro_model() -> None:
    """Write the same Ising model with binary sites."""
    i, j = ebm.Graph.square(SIDE, SIDE).edges.T
    with numpyro.plate("sites", SIDE**2):
        b = numpyro.sample("b", dist.Bernoulli(0.5))
    s = 2.0 * b - 1.0
    numpyro.factor("energy", COUPLING * (s[i] * s[j]).sum())
    numpyro.sample("x", dist.Normal())  # both samplers insist on a real variable


def numpyro_rate(kind: str, draws: int) -> float:
    """Run one of numpyro's discrete samplers, compiled before."""
    if kind == "MixedHMC":
        kernel = MixedHMC(HMC(_numpyro_model), num_discrete_updates=SIDE**2)
        updates = SIDE**2
    else:
        kernel = DiscreteHMCGibbs(HMC(_numpyro_model, num_steps=1))
        updates = SIDE**2
    mcmc = MCMC(kernel, num_warmup=0, num_samples=draws, progress_bar=False)
    mcmc.run(jax.random.key(0))
    start = time.perf_counter()
    mcmc.run(jax.random.key(1))
    jax.block_until_ready(mcmc.get_samples())
    return updates * draws / (time.perf_counter() - start)


def measure() -> list[Row]:
    """Return the rows of the results table."""
    rows, unit = [], "updates/s"
    jobs = [
        ("sparse", f"heat bath, random graph of {SPINS}, degree {DEGREE}", 4000, "≥ 3"),
        ("lattice", "heat bath, per-edge couplings, 64×64", 2000, "≥ 3"),
    ]
    for name, job, sweeps, goal in jobs:
        best = max((1, 16), key=lambda chains: thrml_rate(name, sweeps // 4, chains))
        figures = rates_in_turn(
            partial(ours, name, 4 * sweeps), partial(thrml_rate, name, sweeps // 4, best), rounds=3
        )
        peer = f"thrml 0.1.4, {best} chain(s)"
        rows.append(Row(job, peer, figures[0], figures[1], unit, figures[2], goal))
    for kind in ("DiscreteHMCGibbs", "MixedHMC"):
        figures = rates_in_turn(
            partial(our_sample_rate, 5000), partial(numpyro_rate, kind, 500), rounds=3
        )
        job = f"heat bath in a whole pm.sample call, {SIDE}×{SIDE}"
        rows.append(Row(job, f"numpyro, {kind}", *figures[:2], unit, figures[2], "≥ 1 000"))
    return rows


if __name__ == "__main__":
    for row in measure():
        print(f"{row.job}: {row.ours:.3g} against {row.peer} {row.theirs:.3g}: {row.ratio:.3g}×")
