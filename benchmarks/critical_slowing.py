"""Critical slowing down: how the autocorrelation time of |m| grows with the size of the lattice.

Run with ``python -m benchmarks.critical_slowing``; about three minutes.
"""

from __future__ import annotations

import numpy as np

from arviz_stats.base import array_stats

import pymc_ebm as ebm

BETA = 0.4406868
SIZES = (16, 32, 64, 128)
RECORDS = 4000


def autocorrelation_time(size: int, method: str, thin: int, chains: int, tune: int) -> float:
    """Return the integrated autocorrelation time of |m| in sweeps."""
    runs = ebm.simulate(
        ebm.energies.Ising(1.0, graph=ebm.Graph.square(size, size)),
        betas=BETA,
        chains=chains,
        draws=RECORDS,
        tune=tune,
        thin=thin,
        method=method,  # type: ignore[arg-type]
        random_seed=1,
        progressbar=False,
    )
    m = np.abs(runs["posterior"]["magnetization"].values[0])
    ess = [array_stats.ess(chain[None], chain_axis=0, draw_axis=1, method="mean") for chain in m]
    return thin * RECORDS / (2 * float(np.mean(ess)))


def main() -> None:
    """Measure both, fit the exponents."""
    for method in ("swendsen_wang", "multi_spin"):
        times = []
        for size in SIZES:
            if method == "swendsen_wang":
                times.append(autocorrelation_time(size, method, 1, 4, 200))
            else:
                thin = max(size**2 // 200, 1)
                times.append(autocorrelation_time(size, method, thin, 64, 10 * size**2))
            print(f"{method}, L = {size}: {times[-1]:.1f} sweeps", flush=True)
        exponent = np.polyfit(np.log(SIZES), np.log(times), 1)[0]
        name = "Swendsen–Wang" if method == "swendsen_wang" else "heat bath"
        print(f"{name}: z = {exponent:.2f}")


if __name__ == "__main__":
    main()
