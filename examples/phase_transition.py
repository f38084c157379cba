"""The phase transition of the square lattice, against Onsager and Kaufman.

What to learn: `ebm.simulate` runs many replicas at many temperatures; cluster moves do not slow
down where the lattice becomes critical; finite lattices round the transition off, and the crossing
of their Binder parameters finds it all the same.
"""

from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
CRITICAL = 2 / np.log(1 + np.sqrt(2))  # Onsager (1944)
# Energy per spin at the critical point of the periodic lattice: Kaufman (1949)
KAUFMAN = {8: -1.4915891074, 16: -1.4530648528, 32: -1.4336584661, 64: -1.4239383898}
SIZES = (16, 32, 64)
SEED = 1


def run(size, temperatures, chains, draws):
    """Swendsen–Wang over a range of temperatures."""
    lattice = ebm.energies.Ising(1.0, graph=ebm.Graph.square(size, size))
    return ebm.simulate(
        lattice, betas=1 / np.asarray(temperatures), chains=chains, draws=draws, tune=200,
        method="swendsen_wang", random_seed=SEED, progressbar=False,
    )["posterior"]  # fmt: skip


def mean_and_error(values):
    """Average over draws, then over chains, which are independent."""
    by_chain = values.mean(axis=-1)
    return by_chain.mean(axis=-1), by_chain.std(axis=-1, ddof=1) / np.sqrt(by_chain.shape[-1])


def binder(m):
    """Return ``1 − ⟨m⁴⟩ / (3⟨m²⟩²)`` of each temperature and its jackknife error over chains."""
    second, fourth = (m**2).mean(-1), (m**4).mean(-1)
    n = second.shape[1]
    whole = 1 - fourth.mean(1) / (3 * second.mean(1) ** 2)
    left_out = [
        1 - np.delete(fourth, k, 1).mean(1) / (3 * np.delete(second, k, 1).mean(1) ** 2)
        for k in range(n)
    ]
    return whole, np.sqrt((n - 1) * np.var(left_out, axis=0))


def energies_at_the_critical_point():
    """Print the energy per spin beside Kaufman's."""
    print("Energy per spin at the critical temperature")
    print("    L   simulated            exact          z")
    for size, exact in KAUFMAN.items():
        energy = run(size, [CRITICAL], 32, 4000)["energy"].values / size**2
        mean, error = (v[0] for v in mean_and_error(energy))
        print(f"  {size:3d}   {mean:.6f} ± {error:.6f}  {exact:.6f}  {(mean - exact) / error:+.2f}")


def magnetization_below():
    """Print the magnetisation at T = 2 beside Onsager's and Yang's."""
    m = np.abs(run(64, [2.0], 32, 2000)["magnetization"].values)
    mean, error = (v[0] for v in mean_and_error(m))
    exact = (1 - np.sinh(1.0) ** -4) ** 0.125
    print(f"\n|m| at T = 2: {mean:.6f} ± {error:.6f}, infinite lattice {exact:.6f}, "
          f"z {(mean - exact) / error:+.2f}")  # fmt: skip


def critical_temperature():
    """Find where the Binder parameters of neighbouring sizes cross."""
    temperatures = np.linspace(2.25, 2.29, 5)
    curves = {}
    for size in SIZES:
        values, errors = binder(run(size, temperatures, 16, 4000)["magnetization"].values)
        curves[size] = np.polyfit(temperatures - CRITICAL, values, 1, w=1 / errors, cov=True)
    print("\nCrossings of the Binder parameter")
    for small, large in pairwise(SIZES):
        (a, a_cov), (b, b_cov) = curves[small], curves[large]
        slope = a[0] - b[0]
        crossing = (b[1] - a[1]) / slope
        error = np.sqrt(a_cov[1, 1] + b_cov[1, 1]) / abs(slope)
        off = crossing / CRITICAL
        print(f"  L = {small}, {large}: T = {CRITICAL + crossing:.5f} ± {error:.5f}, exact "
              f"{CRITICAL:.5f}, off by {100 * off:+.3f} %")  # fmt: skip


def figure():
    """Draw the four classic curves."""
    temperatures = np.linspace(1.8, 2.8, 21)
    fine = np.linspace(1.8, 2.8, 500)
    fig, axes = plt.subplots(2, 2, figsize=(9, 7), sharex=True, layout="constrained")
    onsager = np.maximum(1 - np.sinh(2 / fine) ** -4.0, 0) ** 0.125
    axes[0, 0].plot(fine, onsager, color="black", lw=1, label="infinite lattice")
    for size in SIZES:
        posterior = run(size, temperatures, 8, 1500)
        energy, m = posterior["energy"].values, posterior["magnetization"].values
        n = size**2
        curves = [
            mean_and_error(np.abs(m)),
            ((energy.var(axis=-1).mean(-1) / (n * temperatures**2)), None),
            (n / temperatures * ((m**2).mean((1, 2)) - np.abs(m).mean((1, 2)) ** 2), None),
            binder(m),
        ]
        for axis, (values, errors) in zip(axes.flat, curves, strict=True):
            axis.errorbar(
                temperatures, values, yerr=errors, fmt="o-", ms=3, lw=0.8, label=f"L = {size}"
            )
    titles = ("magnetisation |m|", "heat capacity", "susceptibility", "Binder parameter")
    for axis, title in zip(axes.flat, titles, strict=True):
        axis.set_title(title)
        axis.axvline(CRITICAL, color="gray", lw=0.8, ls=":")
    axes[0, 0].legend(frameon=False)
    for axis in axes[1]:
        axis.set_xlabel("temperature")
    OUTPUT.mkdir(exist_ok=True)
    fig.savefig(OUTPUT / "phase_transition.png", dpi=120)


def judge():
    """Sample the critical lattice with PyMC and judge the run."""
    with pm.Model() as model:
        ebm.Ising("s", 1.0, graph=ebm.Graph.square(64, 64), beta=1 / CRITICAL)
        idata = pm.sample(
            chains=4, cores=2, random_seed=SEED, progressbar=False, compute_convergence_checks=False
        )
    print("\n64 × 64 spins at the critical temperature")
    report = ebm.ergodicity(idata, model)
    report.to_html(OUTPUT / "phase_transition_report.html")


def main():
    energies_at_the_critical_point()
    magnetization_below()
    critical_temperature()
    figure()
    print(f"\nFigure in {OUTPUT}.")
    judge()


if __name__ == "__main__":
    main()
