"""How much can it hold.

A Hopfield network of N spins is shown N α random patterns. Up to a load of α = .138 it gives them
back with a few wrong spins, beyond that all of them are lost at once: Amit, Gutfreund and
Sompolinsky's theory of 1985. Measured here: the overlap between memory and pattern against the load
at zero temperature, for three rules, and points on the plane of load and temperature.

What to learn: `capacity`, `basin`, and what theory says beside them.

Run it: ``python examples/how_much_can_it_hold.py``. Writes a figure to ``examples/output/``.
"""

import warnings

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SEED = 1
LOADS = np.array([0.02, 0.05, 0.08, 0.1, 0.12, 0.13, 0.14, 0.15, 0.17, 0.2])
RULES = {"Hebb": ebm.Hebb(), "Storkey": ebm.Storkey(), "pseudo-inverse": ebm.PseudoInverse()}


def warm_overlap(load: float, temperature: float, n: int = 500) -> float:
    """Return the overlap after 200 sweeps of heat bath from a memory."""
    patterns = np.random.default_rng(SEED).choice([-1, 1], (max(round(load * n), 1), n))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runs = ebm.simulate(
            ebm.energies.Hopfield(patterns), betas=1 / temperature, chains=16, draws=2, tune=200,
            method="heat_bath", initval=patterns[0], random_seed=SEED, progressbar=False,
        )  # fmt: skip
    return float((runs["last_state"]["state"].values @ patterns[0] / n).mean())


def main() -> None:
    """Measure and compare."""
    OUTPUT.mkdir(exist_ok=True)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    found = ebm.capacity(
        ebm.Hebb(), [500, 2000], LOADS, networks=8, random_seed=SEED, progressbar=False
    )
    for k, n in enumerate(found.n.values):
        left.errorbar(
            LOADS,
            found.overlap[k],
            2 * found.overlap_se[k],
            fmt="o-",
            ms=3,
            lw=0.8,
            label=f"measured, N = {n}",
        )
    fine = np.linspace(0.005, ebm.replica_capacity(), 200)
    theory = [ebm.replica_overlap(a) for a in fine]
    left.plot(fine, theory, color="black", label="theory, N → ∞")
    left.axvline(ebm.replica_capacity(), color="black", ls=":")
    left.set(xlabel="load α = M/N", ylabel="overlap", title="Hebb's rule, T = 0", ylim=(0, 1.03))
    left.legend()
    for load in (0.05, 0.1):
        k = int(np.argmin(np.abs(LOADS - load)))
        print(
            f"  overlap at load {load}: {float(found.overlap[1, k]):.4f} ± "
            f"{float(found.overlap_se[1, k]):.4f}, theory {ebm.replica_overlap(load):.4f}"
        )

    loads = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5]
    for name, rule in RULES.items():
        shares = ebm.capacity(
            rule, 200, loads, networks=4, noise=0.1, random_seed=SEED, progressbar=False
        )
        middle.errorbar(
            loads, shares.retrieved[0], 2 * shares.retrieved_se[0], fmt="o-", ms=3, label=name
        )
        print(
            f"  {name}: "
            + ", ".join(
                f"{a}: {float(v):.2f}" for a, v in zip(loads, shares.retrieved[0], strict=True)
            )
        )
    middle.set(
        xlabel="load α = M/N", ylabel="share retrieved", title="N = 200, a tenth of the cue wrong"
    )
    middle.legend()

    temperatures = np.linspace(0.02, 0.98, 25)
    edge = [ebm.replica_capacity(t) for t in temperatures]
    right.plot(
        [ebm.replica_capacity(), *edge], [0, *temperatures], color="black", label="memories vanish"
    )
    glass = np.linspace(0, 0.16, 50)
    right.plot(glass, 1 + np.sqrt(glass), color="black", ls="--", label="spin glass melts")
    for load in (0.02, 0.06, 0.1, 0.14):
        for temperature in (0.1, 0.3, 0.5, 0.7, 0.9, 1.1):
            m = warm_overlap(load, temperature)
            right.scatter(load, temperature, c=[m], vmin=0, vmax=1, cmap="viridis", s=60)
    right.set(
        xlabel="load α = M/N",
        ylabel="temperature",
        xlim=(0, 0.16),
        ylim=(0, 1.45),
        title="overlap left after 200 sweeps, N = 500",
    )
    right.legend(loc="upper right")
    figure.savefig(OUTPUT / "how_much_can_it_hold.png", dpi=110)
    plt.close(figure)

    patterns = np.random.default_rng(SEED).choice([-1, 1], (20, 500))
    basin = ebm.basin(ebm.energies.Hopfield(patterns), 0, trials=100, random_seed=SEED)
    print(
        f"  a memory of 20 in 500 spins is found from {float(basin.radius):.3f} ± "
        f"{float(basin.radius_se):.3f} of them wrong, in half of the trials"
    )


if __name__ == "__main__":
    main()
