"""A regression whose coefficients are tied together by an energy.

Twenty-four hourly effects are estimated from sixty noisy observations. A priori neighbouring hours
are alike, and 23 h is next to 0 h: that is an energy over the coefficients, added with
`energy_potential`. The model is Gaussian throughout, so the exact posterior is known and the
samples are held against it.

What to learn: an energy over variables that exist already, what it buys, and what must not be done:
its strength is fixed here. A *random* strength would need the normaliser of the coefficients' joint
prior, and the library raises `MissingPartitionError` instead of leaving it out.

Run it: ``python examples/regression_with_energy.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
import pytensor.tensor as pt

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SEED = 11
HOURS, OBSERVATIONS, NOISE, STIFFNESS, SPREAD = 24, 60, 1.0, 8.0, 2.0


def simulate():
    """Return the true effects, the hour of each observation, and the observations."""
    rng = np.random.default_rng(SEED)
    hours = np.arange(HOURS)
    truth = 1.5 * np.sin(2 * np.pi * hours / 24) + 0.7 * np.cos(4 * np.pi * hours / 24)
    hour = rng.integers(0, HOURS, OBSERVATIONS)
    return truth, hour, truth[hour] + rng.normal(0, NOISE, OBSERVATIONS)


def build_model(hour: np.ndarray, y: np.ndarray, tied: bool) -> pm.Model:
    """Declare the regression, with or without the energy."""
    with pm.Model(coords={"hour": np.arange(HOURS)}) as model:
        effect = pm.Normal("effect", 0, SPREAD, dims="hour")
        if tied:
            steps = effect - pt.roll(effect, 1)
            ebm.energy_potential("neighbours", 0.5 * pt.sum(steps**2), beta=STIFFNESS)
        pm.Normal("y", effect[hour], NOISE, observed=y)
    return model


def exact_posterior(hour: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the tied model's Gaussian posterior."""
    ring = (
        2 * np.eye(HOURS) - np.roll(np.eye(HOURS), 1, axis=0) - np.roll(np.eye(HOURS), -1, axis=0)
    )
    design = np.eye(HOURS)[hour]
    precision = np.eye(HOURS) / SPREAD**2 + STIFFNESS * ring + design.T @ design / NOISE**2
    covariance = np.linalg.inv(precision)
    return covariance @ design.T @ y / NOISE**2, np.sqrt(np.diag(covariance))


def main() -> None:
    """Sample both models, compare with the exact posterior, draw."""
    OUTPUT.mkdir(exist_ok=True)
    truth, hour, y = simulate()
    estimates = {}
    for name, tied in (("apart", False), ("tied by an energy", True)):
        model = build_model(hour, y, tied)
        with model:
            idata = pm.sample(random_seed=SEED, chains=4, progressbar=False)
        draws = idata["posterior"]["effect"]
        estimates[name] = draws.mean(("chain", "draw")).values, draws.std(("chain", "draw")).values
        error = np.sqrt(np.mean((estimates[name][0] - truth) ** 2))
        print(f"coefficients {name}: root mean squared error {error:.3f}")
    mean, sd = exact_posterior(hour, y)
    worst = np.abs(estimates["tied by an energy"][0] - mean).max()
    print(
        f"largest gap to the exact posterior mean {worst:.4f}, posterior sd about {sd.mean():.2f}"
    )

    figure, axis = plt.subplots(figsize=(8, 3.8), layout="constrained")
    axis.plot(hour, y, ".", color="0.6", label="observations")
    axis.plot(truth, color="k", label="truth")
    for (name, (center, spread)), color in zip(estimates.items(), ("C1", "C0"), strict=True):
        axis.errorbar(np.arange(HOURS), center, spread, fmt="o", ms=3, color=color, label=name)
    axis.set(xlabel="hour", ylabel="effect")
    axis.legend(fontsize=8, ncols=2)
    figure.savefig(OUTPUT / "regression_with_energy.png", dpi=110)
    plt.close(figure)

    print()
    report = ebm.ergodicity(idata, model)
    report.to_html(OUTPUT / "regression_with_energy_report.html")


if __name__ == "__main__":
    main()
