"""What the identities and the kernel Stein test see, and how often they cry wolf.

Run with ``python -m benchmarks.diagnostics_power``: a quarter of an hour on two cores. Writes
``docs/power_results.md`` and the figure of the diagnostics guide. Beside it, on the same draws,
stands `hyppo.kgof.FSSD` (Jitkrittum et al. 2017), a public Stein test for independent draws.
"""

from __future__ import annotations

import warnings

from multiprocessing import get_context
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from scipy.spatial.distance import pdist

import pymc_ebm as ebm

from benchmarks import zoo_cases as zoo

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "power_results.md"
FIGURE = ROOT / "docs" / "gallery" / "figures" / "identity_power.png"
BIASES = (0.005, 0.01, 0.02, 0.05, 0.1)
REPETITIONS = 40
SIZES = 1000  # repetitions of the Stein test on correct chains
PUBLIC = 100  # repetitions of the public test, which is slower
LEVEL = 0.05


def biased_runs(arguments: tuple[str, float]) -> tuple[str, float, dict[str, float]]:
    """Return how often each check fails for a kernel of this bias."""
    kind, bias = arguments
    model = zoo.ising(zoo.WARM) if kind == "spins" else zoo.gaussian()
    caught = {"identities": 0, "kernel Stein": 0, "R-hat, ESS": 0, "anything": 0}
    for seed in range(REPETITIONS):
        if kind == "spins":
            idata = zoo.biased(77_000 + seed, 1 + bias)
        else:
            idata = zoo.trace("x", zoo.metropolis_normal(88_000 + seed, power=1 - bias))
        failed = set(ebm.ergodicity(idata, model, quiet=True).failures["check"])
        caught["identities"] += bool(failed & {"identities", "identities together"})
        caught["kernel Stein"] += "kernel Stein" in failed
        caught["R-hat, ESS"] += bool(failed & {"R-hat", "bulk ESS", "tail ESS"})
        caught["anything"] += bool(failed)
    return kind, bias, {name: count / REPETITIONS for name, count in caught.items()}


def autoregression(rho: float, d: int, rng: np.random.Generator) -> np.ndarray:
    """Return four stationary chains of 1 000 standard normal draws."""
    x = rng.normal(size=(4, 1000, d))
    x[:, 1:] *= np.sqrt(1 - rho**2)
    for t in range(1, x.shape[1]):
        x[:, t] += rho * x[:, t - 1]
    return x


def stein_rates(arguments: tuple[float, int, str, int]) -> tuple[float, int, str, list[float]]:
    """Return how often the Stein tests reject: ours, quadratic and linear, and hyppo's."""
    rho, d, fault, repetitions = arguments
    from hyppo.kgof import FSSD, IsotropicNormal, KGauss

    rng = np.random.default_rng([int(100 * rho), d, len(fault)])
    rejected = np.zeros(3)
    for repetition in range(repetitions):
        x = autoregression(rho, d, rng)
        if fault == "5 % too wide":
            x = 1.05 * x
        elif fault == "two humps":
            x[..., 0] = rng.choice([-1, 1], size=x.shape[:2]) * np.sqrt(0.75) + 0.5 * x[..., 0]
        elif fault == "mean off by 0.1":
            x = x + 0.1
        rejected[0] += ebm.stein_test(x, -x, random_seed=rng).p_value < LEVEL
        rejected[1] += ebm.stein_test(x, -x, method="linear").p_value < LEVEL
        if repetition >= PUBLIC:
            continue
        flat = x.reshape(-1, d)
        scale = float(np.median(pdist(flat[::20])) ** 2)
        places = rng.normal(size=(5, d))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            public = FSSD(IsotropicNormal(np.zeros(d), 1.0), KGauss(scale), places, alpha=LEVEL)
            rejected[2] += public.test(flat)["pvalue"] < LEVEL
    runs = np.array([repetitions, repetitions, min(repetitions, PUBLIC)])
    return rho, d, fault, (rejected / runs).tolist()


def draw(curves: list[tuple[str, float, dict[str, float]]]) -> None:
    """Draw the power curves."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
    titles = {
        "spins": "Metropolis on 16×16 spins, acceptance × (1 + bias)",
        "normal": "random walk on five normals, ratio to the power 1 − bias",
    }
    for axis, (kind, title) in zip(axes, titles.items(), strict=True):
        rows = sorted((bias, caught) for k, bias, caught in curves if k == kind)
        for name in ("identities", "kernel Stein", "R-hat, ESS"):
            axis.plot([100 * b for b, _ in rows], [c[name] for _, c in rows], "o-", label=name)
        axis.set_xscale("log")
        axis.set_xticks([100 * b for b in BIASES], [f"{100 * b:g} %" for b in BIASES])
        axis.minorticks_off()
        axis.set_xlabel("bias of the kernel")
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("detected")
    axes[0].legend(frameon=False)
    figure.savefig(FIGURE, dpi=110)
    plt.close(figure)


def main() -> None:
    """Measure, print, write, draw."""
    biases = [(kind, bias) for kind in ("spins", "normal") for bias in (0.0, *BIASES)]
    sizes = [(rho, d, "", SIZES) for d in (1, 3) for rho in (0.0, 0.7, 0.9, 0.95)]
    shapes = ("5 % too wide", "mean off by 0.1", "two humps")
    faults = [(rho, 3, fault, 100) for rho in (0.0, 0.7) for fault in shapes]
    with get_context("spawn").Pool(2) as pool:
        rates = pool.map(stein_rates, [*faults, *sizes], chunksize=1)
        curves = pool.map(biased_runs, biases, chunksize=1)
    draw([row for row in curves if row[1] > 0])
    lines = [
        "Written by `python -m benchmarks.diagnostics_power`; do not edit.",
        "",
        "| kernel | bias | identities | kernel Stein | R-hat, ESS | any check |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {kind} | {bias:.1%} | " + " | ".join(f"{v:.0%}" for v in caught.values()) + " |"
        for kind, bias, caught in curves
    ]
    lines += [
        "",
        f"Rejections at the {LEVEL:.0%} level, four chains of 1 000 draws; correct chains "
        f"{SIZES} times (the public test 100 times), others 100 times:",
        "",
        "| ρ | dimensions | fault | quadratic | linear | hyppo FSSD |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {rho} | {d} | {fault or 'none'} | " + " | ".join(f"{r:.1%}" for r in shares) + " |"
        for rho, d, fault, shares in rates
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
