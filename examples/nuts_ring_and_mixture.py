"""NUTS on a ring and on a mixture: where R-hat is 1.00 and the answer is wrong.

What to learn: any energy becomes a PyMC variable that NUTS samples, and a gradient sampler never
leaves the basin it starts in. On the mixture below every diagnostic is perfect and the mean is off
by 13 standard deviations. What shows it: starting the chains far apart.

Run it: ``python examples/nuts_ring_and_mixture.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SEED = 7


def sample_ring():
    """NUTS on a ring of radius 2: curved, but one piece, so it works."""
    with pm.Model() as model:
        x = ebm.Boltzmann("x", ebm.energies.Ring(radius=2.0, width=0.2), shape=2)
        idata = pm.sample(random_seed=SEED, chains=4, progressbar=False, target_accept=0.95)
        exact = pm.draw(x, draws=4000, random_seed=SEED)
    return idata, ebm.ergodicity(idata, model, quiet=True), exact


def mixture_model():
    """Four fifths of the mass at 16, one fifth at 0, where chains start."""
    with pm.Model() as model:
        ebm.Boltzmann("x", ebm.energies.GaussianMixture([[0.0], [16.0]], weights=[0.2, 0.8]))
    return model


def main() -> None:
    """Run both, print what the report says, draw."""
    OUTPUT.mkdir(exist_ok=True)
    ring, ring_report, ring_exact = sample_ring()
    drawn = ring["posterior"]["x"].values.reshape(-1, 2)
    print("Ring, mean distance from the origin")
    print(f"  NUTS        {np.linalg.norm(drawn, axis=1).mean():.4f}")
    print(f"  exact draws {np.linalg.norm(ring_exact, axis=1).mean():.4f}")
    print(f"  report      {'passed' if ring_report.passed else 'FAILED'}\n")

    model = mixture_model()
    with model:
        together = pm.sample(random_seed=SEED, chains=4, progressbar=False)
        exact = pm.draw(model["x"], draws=4000, random_seed=SEED)
    print("Mixture, all chains started at 0 (PyMC's default)")
    report = ebm.ergodicity(together, model)
    print(f"  mean {together['posterior']['x'].values.mean():.2f}, truth {0.8 * 16:.2f}\n")

    with model:
        starts = [{"x": np.array([start])} for start in (-8.0, 0.0, 12.0, 24.0)]
        apart = pm.sample(
            random_seed=SEED, chains=4, initvals=starts, init="adapt_diag", progressbar=False
        )
    print("\nMixture, chains started at -8, 0, 12 and 24")
    report_apart = ebm.ergodicity(apart, model, quiet=True)
    print(f"  {report_apart.verdict}")

    figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    axes[0].plot(*drawn[::4].T, ".", ms=2, alpha=0.5)
    axes[0].set(title="ring: NUTS goes round", aspect="equal")
    bins = np.linspace(-5, 21, 80)
    for axis, idata, judged, title in (
        (axes[1], together, report, "chains started together"),
        (axes[2], apart, report_apart, "chains started apart"),
    ):
        axis.hist(exact.reshape(-1), bins, density=True, color="0.8", label="truth")
        for chain in range(4):
            axis.hist(
                idata["posterior"]["x"].values[chain].reshape(-1),
                bins,
                density=True,
                histtype="step",
                label=f"chain {chain}",
            )
        axis.set(title=f"mixture, {title}: report {'passed' if judged.passed else 'FAILED'}")
        axis.legend(fontsize=8)
    figure.savefig(OUTPUT / "nuts_ring_and_mixture.png", dpi=110)
    plt.close(figure)
    print(
        "\nThe first run is perfect by every number and wrong: no chain has seen the other mode, so"
        "\nno number computed from the chains can know of it. Start chains far apart whenever the"
        "\nenergy may have several minima, or let the report look for them:\n"
    )
    probed = ebm.ergodicity(together, model, probe=True)
    probed.to_html(OUTPUT / "nuts_ring_and_mixture_report.html")


if __name__ == "__main__":
    main()
