"""A small frustrated Ising model against the exact answer.

Twelve spins have 4 096 configurations: every expectation can be summed. The model has couplings of
both signs and a field, so no sampler has it easy.

What to learn: how to check a sampler before trusting it where nothing can be summed: compare in
units of the Monte Carlo standard error, and know how large the largest of many comparisons may be.

Run it: ``python examples/small_ising_exact.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

from scipy.stats import norm

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SEED = 1


def main() -> None:
    """Sample, sum, compare, draw."""
    OUTPUT.mkdir(exist_ok=True)
    rng = np.random.default_rng(SEED)
    graph = ebm.Graph.square(3, 4)
    energy = ebm.energies.Ising(
        rng.normal(0, 0.6, graph.n_edges), rng.normal(0, 0.3, (3, 4)), graph=graph
    )

    with pm.Model() as model:
        ebm.Boltzmann("s", energy)
        idata = pm.sample(4000, tune=500, chains=4, cores=1, random_seed=SEED, progressbar=False)

    states = (2 * ((np.arange(2**12)[:, None] >> np.arange(12)) & 1) - 1).reshape(-1, 3, 4)
    weights = np.exp(-energy(states).eval())
    weights /= weights.sum()
    i, j = np.triu_indices(12, k=1)

    def moments(spins: np.ndarray) -> np.ndarray:
        flat = spins.reshape(*spins.shape[:-2], 12).astype(float)
        return np.concatenate([flat, flat[..., i] * flat[..., j]], axis=-1)

    exact = weights @ moments(states)
    drawn = moments(idata["posterior"]["s"].values)
    mcse = az.mcse(az.convert_to_datatree({"m": drawn}))["m"].values
    z = (drawn.mean(axis=(0, 1)) - exact) / mcse
    limit = norm.isf(0.01 / (2 * z.size))
    print(f"{z.size} moments: largest |z| {np.abs(z).max():.2f}")
    print(f"  a correct sampler exceeds {limit:.2f} once in a hundred such comparisons")

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    axes[0].errorbar(exact, drawn.mean(axis=(0, 1)), 2 * mcse, fmt=".", ms=4)
    axes[0].axline((0, 0), slope=1, color="0.7", zorder=0)
    axes[0].set(xlabel="exact moment", ylabel="sampled moment ± 2 MCSE")
    axes[1].hist(z, np.linspace(-4, 4, 25), density=True, color="C0")
    grid = np.linspace(-4, 4, 200)
    axes[1].plot(grid, norm.pdf(grid), color="k")
    axes[1].set(xlabel="(sampled − exact) / MCSE", title="errors are as large as they claim")
    figure.savefig(OUTPUT / "small_ising_exact.png", dpi=110)
    plt.close(figure)

    print()
    report = ebm.ergodicity(idata, model)
    report.to_html(OUTPUT / "small_ising_exact_report.html")


if __name__ == "__main__":
    main()
