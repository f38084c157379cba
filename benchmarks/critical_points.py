"""Known numbers at critical points: Potts energies on the square lattice, β_c of the cubic lattice.

Run with ``python -m benchmarks.critical_points``; about five minutes.

Potts energies are per site, each edge counted once: two edges a site, each satisfied with
probability ``(1 + 1/√q) / 2`` at the self-dual point ``β_c = log(1 + √q)`` (Wu 1982, Rev. Mod.
Phys. 54, 235). Finite lattices approach it as ``L^(1/ν − 2)``, which is ``L^−0.8`` for q = 3; for
q = 4 it is ``L^−0.5 (log L)^−0.75`` (Salas and Sokal 1997, J. Stat. Phys. 88, 567).
"""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

import pymc_ebm as ebm

CUBIC = 0.22165463  # Ferrenberg, Xu and Landau (2018), Phys. Rev. E 97, 043301
SIZES = (16, 32, 64, 128)
APPROACH = {3: lambda L: L**-0.8, 4: lambda L: L**-0.5 * np.log(L) ** -0.75}


def clusters(energy: ebm.energies.Energy, betas: NDArray | float, chains: int, draws: int):
    """Run Swendsen–Wang."""
    return ebm.simulate(
        energy, betas=betas, chains=chains, draws=draws, tune=300, method="swendsen_wang",
        random_seed=1, progressbar=False,
    )["posterior"]  # fmt: skip


def potts(q: int) -> None:
    """Extrapolate the critical energy to the infinite lattice."""
    beta = np.log(1 + np.sqrt(q))
    means, errors = [], []
    for size in SIZES:
        model = ebm.energies.Potts(1.0, q=q, graph=ebm.Graph.square(size, size))
        draws = 4000 if size < 128 else 1500
        energy = clusters(model, beta, 16, draws)["energy"].values[0] / size**2
        by_chain = energy.mean(-1)
        means.append(by_chain.mean())
        errors.append(by_chain.std(ddof=1) / 4)
        print(f"  L = {size}: {means[-1]:.5f} ± {errors[-1]:.5f}", flush=True)
    sizes = np.asarray(SIZES, dtype=float)
    (_, limit), covariance = np.polyfit(
        APPROACH[q](sizes), means, 1, w=1 / np.asarray(errors), cov="unscaled"
    )
    error, exact = np.sqrt(covariance[1, 1]), -(1 + 1 / np.sqrt(q))
    print(f"Potts, q = {q}: energy per site {limit:.5f} ± {error:.5f}, exact {exact:.5f}, off by "
          f"{100 * (limit / exact - 1):+.3f} %, z = {(limit - exact) / error:+.2f}")  # fmt: skip


def cubic() -> None:
    """Find where Binder parameters of neighbouring sizes cross."""
    betas = CUBIC * np.linspace(0.985, 1.015, 5)
    fits = {}
    for size in (8, 12, 16):
        model = ebm.energies.Ising(1.0, graph=ebm.Graph.cubic(size, size, size))
        m = clusters(model, betas, 16, 3000)["magnetization"].values
        ratio = 1 - (m**4).mean(-1) / (3 * (m**2).mean(-1) ** 2)
        error = ratio.std(axis=1, ddof=1) / np.sqrt(ratio.shape[1])
        whole = 1 - (m**4).mean((1, 2)) / (3 * (m**2).mean((1, 2)) ** 2)
        fits[size] = np.polyfit(betas - CUBIC, whole, 2, w=1 / error, cov="unscaled")
    for small, large in ((8, 12), (12, 16)):
        (a, a_cov), (b, b_cov) = fits[small], fits[large]
        difference = a - b
        roots = np.roots(difference)
        real = roots[np.isreal(roots)].real
        crossing = real[np.abs(real).argmin()]
        error = np.sqrt(a_cov[2, 2] + b_cov[2, 2]) / abs(difference[1])
        print(f"Cubic lattice, L = {small}, {large}: β_c = {CUBIC + crossing:.6f} ± {error:.6f}, "
              f"known {CUBIC:.6f}, off by {100 * crossing / CUBIC:+.3f} %")  # fmt: skip


def main() -> None:
    """Print all."""
    cubic()
    for q in (3, 4):
        potts(q)


if __name__ == "__main__":
    main()
