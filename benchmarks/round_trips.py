"""Round trips of tempered replicas beside their bound 1 / (2 + 2Λ).

An 8×8×8 ±J spin glass at 16 temperatures from 1.6 to 0.8, through ``pm.sample``. Run with
``python -m benchmarks.round_trips``; half a minute.
"""

from __future__ import annotations

import time

import numpy as np
import pymc as pm

import pymc_ebm as ebm

TEMPERATURES = np.linspace(1.6, 0.8, 16)
SWEEPS, DRAWS = 20, 1000


def main() -> None:
    """Sample with one ladder, and with two that exchange clusters."""
    graph = ebm.Graph.cubic(8, 8, 8)
    J = np.random.default_rng(1).choice([-1.0, 1.0], graph.n_edges)
    for exchange in (False, True):
        with pm.Model():
            s = ebm.Ising("s", J, graph=graph, beta=1 / TEMPERATURES[-1])
            step = ebm.ParallelTempering(
                [s], sweeps=SWEEPS, ladder=TEMPERATURES[-1] / TEMPERATURES, exchange=exchange
            )
            start = time.perf_counter()
            idata = pm.sample(
                DRAWS, tune=200, chains=1, cores=1, step=step, random_seed=1, progressbar=False,
                quiet=True, compute_convergence_checks=False,
            )  # fmt: skip
            seconds = (time.perf_counter() - start) * DRAWS / (DRAWS + 200)
        stats = idata["sample_stats"]
        trips, barrier = int(stats["round_trips"].sum()), float(stats["barrier"][0, -1])
        ladders = 2 if exchange else 1
        bound = ladders * SWEEPS * DRAWS / (2 + 2 * barrier)
        print(
            f"{ladders} ladder(s): {trips} round trips in {seconds:.1f} s, "
            f"{trips / seconds:.0f} a second; Λ = {barrier:.2f}, bound {bound:.0f}, "
            f"efficiency {trips / bound:.2f}"
        )


if __name__ == "__main__":
    main()
