"""Ground states of ten 6×6×6 ±J spin glasses: tempering against long anneals of dwave-samplers.

Run with ``python -m benchmarks.ground_states``; under a minute.
"""

from __future__ import annotations

import numpy as np
import pymc as pm

from dwave.samplers import SimulatedAnnealingSampler

import pymc_ebm as ebm


def tempered(graph: ebm.Graph, J: np.ndarray, seed: int, draws: int = 400) -> float:
    """Return the lowest energy that the target's rung visited."""
    with pm.Model() as model:
        s = ebm.Ising("s", J, graph=graph, beta=2.0)
        step = ebm.ParallelTempering([s])
        point = model.initial_point(seed)
    step.setup_chain(np.random.default_rng(seed), draws // 2, 0)
    lowest = 0.0
    for t in range(draws):
        if t == draws // 2:
            step.stop_tuning()
        point, [stats] = step.step(point)
        lowest = min(lowest, stats["spin_energy"])
    return lowest


def annealed(graph: ebm.Graph, J: np.ndarray, seed: int) -> float:
    """Return the lowest energy of 200 long anneals."""
    couplings = {tuple(edge): -w for edge, w in zip(graph.edges.tolist(), J, strict=True)}
    sampler = SimulatedAnnealingSampler()
    found = sampler.sample_ising({}, couplings, num_reads=200, num_sweeps=5000, seed=seed)
    return float(found.first.energy)


def main() -> None:
    """Compare sample by sample."""
    graph = ebm.Graph.cubic(6, 6, 6)
    equal = 0
    for seed in range(10):
        J = np.random.default_rng(seed).choice([-1.0, 1.0], graph.n_edges)
        ours, theirs = tempered(graph, J, seed), annealed(graph, J, seed)
        equal += ours == theirs
        print(f"sample {seed}: tempering {ours:.0f}, annealing {theirs:.0f}", flush=True)
    print(f"{equal} of 10 equal")


if __name__ == "__main__":
    main()
