"""When NUTS lies to you: what R-hat said, what the truth was, what tempering says.

Two targets. First two normals 16 standard deviations apart, with weights .8 and .2: no trajectory
connects them, all chains start in the same one, and R-hat is 1.00. Then a Sherrington–Kirkpatrick
glass of 64 spins at β = 3, relaxed: NUTS moves freely within a valley and hardly ever between
valleys.

What to learn: agreement of chains that started together says nothing; continuous tempering joins
the modes, and says what its own answer is worth; log Z comes along.

Run it: ``python examples/when_nuts_lies.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

from arviz_stats.base import array_stats

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SPINS, BETA = 64, 3.0
GRAPH = ebm.Graph.complete(SPINS)
COUPLINGS = np.random.default_rng(3).normal(0, 1 / np.sqrt(SPINS), GRAPH.n_edges)
SAMPLING = {
    "chains": 4,
    "random_seed": 1,
    "progressbar": False,
    "compute_convergence_checks": False,
}


def r_hat(values: np.ndarray) -> float:
    """Return the largest R-hat of quantities along the last axis."""
    series = np.moveaxis(values, -1, 0)
    return float(np.nanmax(array_stats.rhat(series, chain_axis=-2, draw_axis=-1, method="rank")))


def overlaps(idata) -> np.ndarray:
    """Return products of the first spin with all others: signs alone mean nothing in a glass."""
    s = idata.posterior["s"].to_numpy().astype(float)
    return s[..., 1:] * s[..., :1]


def two_modes(axis) -> None:
    """Sample two modes with NUTS, plain and tempered."""
    with pm.Model() as model:
        modes = ebm.energies.GaussianMixture([[0.0, 0.0], [16.0, 0.0]], weights=[0.8, 0.2])
        ebm.Boltzmann("x", modes)
    with model:
        plain = pm.sample(4000, tune=1000, **SAMPLING)
    with ebm.temper(model, random_seed=1, progressbar=False):
        idata = pm.sample(10_000, tune=1500, **SAMPLING)
    tempered = ebm.untemper(idata, random_seed=1)
    facts = tempered["tempering"]

    x = plain.posterior["x"].to_numpy()
    right = tempered.posterior["x"][..., 0] > 8
    print("Two modes; the right one weighs .200, log Z is 1.838")
    print(f"  plain:    R-hat {r_hat(x):.3f}, right mode {(x[..., 0] > 8).mean():.3f}")
    print(
        f"  tempered: R-hat {r_hat(tempered.posterior['x'].to_numpy()):.3f}, right mode "
        f"{float(right.mean()):.3f}, log Z {float(facts['log_z']):.3f} ± "
        f"{float(facts['log_z_se']):.3f}, {int(facts['round_trips'])} round trips, "
        f"{float(facts['weight_ess']):.0f} of {facts['weight'].size} draws effective"
    )
    u = idata.posterior["tempering_u"].to_numpy()[0, :2000]
    axis.scatter(u, idata.posterior["x"].to_numpy()[0, :2000, 0], s=2, c="0.6")
    axis.plot(u[:150], idata.posterior["x"].to_numpy()[0, :150, 0], lw=0.6)
    for name, draws in (("plain", plain), ("tempered", tempered)):
        print(f"\n{name}, with a probe for other modes")
        report = ebm.ergodicity(draws, model, probe=True)
        report.to_html(OUTPUT / f"when_nuts_lies_{name}_report.html")
    axis.set(xlabel="u: from the Gaussian (0) to the target (1)", ylabel="x", title="Two modes")


def glass(axis) -> None:
    """Sample the relaxed glass with NUTS, plain and tempered, and by parallel tempering."""
    with pm.Model() as model:
        s = ebm.Ising("s", COUPLINGS, graph=GRAPH, beta=BETA)
    with model:
        truth = pm.sample(1500, tune=500, step=ebm.ParallelTempering([s]), **SAMPLING)
    relaxed = ebm.relax(model)
    with relaxed:
        plain = pm.sample(4000, tune=1000, **SAMPLING)
    plain = ebm.recover(plain, model, random_seed=1, progressbar=False)
    with ebm.temper(relaxed, random_seed=1, progressbar=False):
        tempered = pm.sample(20_000, tune=1500, **SAMPLING)
    tempered = ebm.untemper(tempered, random_seed=1)
    facts = tempered["tempering"]
    tempered = ebm.recover(tempered, model, random_seed=1, progressbar=False)

    exact = overlaps(truth).mean(axis=(0, 1))
    print(f"Glass; parallel tempering: R-hat of spin products {r_hat(overlaps(truth)):.3f}")
    for name, idata in (("plain", plain), ("tempered", tempered)):
        q = overlaps(idata)
        error = np.abs(q.mean(axis=(0, 1)) - exact)
        print(f"  {name + ':':9s} R-hat {r_hat(q):.3f}, error of a product {error.mean():.3f} on "
              f"average, {error.max():.3f} at most")  # fmt: skip
        axis.plot(exact, q.mean(axis=(0, 1)), ".", label=name)
    print(f"  log Z {float(facts['log_z']):.2f} ± {float(facts['log_z_se']):.2f}, "
          f"{int(facts['round_trips'])} round trips")  # fmt: skip
    axis.plot([-1, 1], [-1, 1], "k", lw=0.6)
    axis.set(xlabel="⟨s₁ sⱼ⟩, parallel tempering", ylabel="⟨s₁ sⱼ⟩, relaxed NUTS", title="A glass")
    axis.legend()


def main() -> None:
    """Run both, draw."""
    OUTPUT.mkdir(exist_ok=True)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    glass(axes[1])
    two_modes(axes[0])
    figure.savefig(OUTPUT / "when_nuts_lies.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
