"""A neural energy as a prior.

A small network learns two moons by denoising score matching; its energy then is the prior of a
point of which only one noisy coordinate is measured. NUTS samples the posterior: where a moon is
crossed twice, it has two humps.

What to learn: an energy learned from data takes its place in a PyMC model like any distribution.

Run it: ``python examples/neural_prior.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

from sklearn.datasets import make_moons

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SIGMA, MEASURED, NOISE, SEED = 0.15, 0.35, 0.1, 1


def learn(points: np.ndarray) -> ebm.FitResult:
    """Fit a network of two hidden layers."""
    start = ebm.energies.MLP.random((2, 64, 64, 1), confinement=0.5, random_seed=0)
    return ebm.fit(
        start,
        points,
        method=ebm.DenoisingScoreMatching(SIGMA),
        optimizer=pm.adam(learning_rate=0.003),
        schedule=lambda epoch: 0.5 * (1 + np.cos(np.pi * epoch / 200)),
        epochs=200,
        batch_size=200,
        random_seed=SEED,
        progressbar=False,
    )


def build_model(energy: ebm.energies.Energy) -> pm.Model:
    """Declare a point whose first coordinate is measured with noise."""
    with pm.Model() as model:
        x = ebm.Boltzmann("x", energy, initval=[0.35, 0.0])
        pm.Normal("y", mu=x[0], sigma=NOISE, observed=MEASURED)
    return model


def exact_second(energy: ebm.energies.Energy, grid: np.ndarray) -> np.ndarray:
    """Return the posterior density of the second coordinate, by summing over a grid."""
    points = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1)
    log_p = -energy(points).eval() - 0.5 * ((grid[:, None] - MEASURED) / NOISE) ** 2
    p = np.exp(log_p - log_p.max()).sum(axis=0)
    return p / p.sum() / (grid[1] - grid[0])


def main() -> None:
    """Learn, infer, compare with a sum over a grid."""
    OUTPUT.mkdir(exist_ok=True)
    points = make_moons(2000, noise=0.08, random_state=SEED)[0] - [0.5, 0.25]
    found = learn(points)
    with build_model(found.energy) as model:
        idata = pm.sample(
            1000, tune=1000, chains=4, cores=2, random_seed=SEED, progressbar=False,
            target_accept=0.95,
        )  # fmt: skip
    draws = idata.posterior["x"].to_numpy().reshape(-1, 2)
    grid = np.linspace(-2.5, 2.5, 401)
    density = exact_second(found.energy, grid)
    above = float(density[grid > 0].sum() * (grid[1] - grid[0]))
    print(
        f"  share of draws on the upper moon {np.mean(draws[:, 1] > 0):.3f}, by a grid {above:.3f}"
    )
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.3), layout="constrained")
    plane = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1)
    value = found.energy(plane).eval()
    axes[0].contourf(grid, grid, np.exp(value.min() - value).T, levels=20, cmap="Blues")
    axes[0].plot(*points[:300].T, ".", ms=2, color="k", alpha=0.4)
    axes[0].plot(*draws[::10].T, ".", ms=3, color="C3")
    axes[0].axvspan(MEASURED - 2 * NOISE, MEASURED + 2 * NOISE, color="C1", alpha=0.2)
    axes[0].set(xlim=(-2, 2), ylim=(-1.5, 1.5), title="learned density, data, posterior draws")
    axes[1].hist(draws[:, 1], bins=60, density=True, alpha=0.5, label="NUTS")
    axes[1].plot(grid, density, "k", label="sum over a grid")
    axes[1].set(xlim=(-1.5, 1.5), xlabel="second coordinate", title="posterior")
    axes[1].legend()
    figure.savefig(OUTPUT / "neural_prior.png", dpi=110)
    plt.close(figure)

    print()
    report = ebm.ergodicity(idata, model)
    report.to_html(OUTPUT / "neural_prior_report.html")


if __name__ == "__main__":
    main()
