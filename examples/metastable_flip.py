"""A flat prior on the flip probability, and chains that ignore the data for ever.

The silhouette demo at half size, with a flat prior on the flip probability. Chains start at the
prior's mean, one half. There a pixel says nothing about the picture, the spins order by themselves,
the flip probability adapts to *that*, and the chain sits in a state that explains nothing.

What to learn: why the demo's prior is Beta(2, 5); that metastable states survive any number of
draws; and that they show as chains that disagree, in a report one has to read.

Run it: ``python examples/metastable_flip.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
import pytensor.tensor as pt

from denoise_silhouette import noisy_silhouette

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SEED = 3


def run(noisy: np.ndarray, a: float, b: float):
    """Sample four chains with a Beta(a, b) prior on the flip probability, spins by heat bath."""
    with pm.Model() as model:
        flip = pm.Beta("flip", a, b)
        graph = ebm.Graph.square(*noisy.shape, periodic=False)
        pixels = ebm.Ising("pixels", J=0.8, graph=graph)
        pm.Bernoulli("seen", p=pt.where(pixels > 0, 1 - flip, flip), observed=noisy > 0)
        idata = pm.sample(
            400,
            tune=300,
            chains=4,
            step=[ebm.ChromaticGibbs([pixels])],
            random_seed=SEED,
            progressbar=False,
            compute_convergence_checks=False,
        )
    return idata, ebm.ergodicity(idata, model, quiet=True)


def main() -> None:
    """Run both priors, print the chains one by one, draw."""
    OUTPUT.mkdir(exist_ok=True)
    truth, noisy = (picture[::2, ::2] for picture in noisy_silhouette())
    reports = []
    figure, axes = plt.subplots(2, 4, figsize=(13, 5.6), layout="constrained")
    for row, (a, b) in zip(axes, ((1, 1), (2, 5)), strict=True):
        print(f"\nPrior Beta({a}, {b})")
        idata, report = run(noisy, a, b)
        for chain, axis in enumerate(row):
            mean = idata["posterior"]["pixels"].values[chain].mean(axis=0)
            flip = float(idata["posterior"]["flip"].values[chain].mean())
            wrong = (np.where(mean > 0, 1, -1) != truth).mean()
            print(f"  chain {chain}: flip probability {flip:.3f}, wrong pixels {wrong:7.2%}")
            axis.imshow(mean, cmap="gray_r", vmin=-1, vmax=1)
            axis.set_title(f"Beta({a}, {b}), chain {chain}: flip {flip:.2f}", fontsize=9)
            axis.set_axis_off()
        print(f"  {report.verdict}")
        reports.append(report)
    figure.savefig(OUTPUT / "metastable_flip.png", dpi=110)
    plt.close(figure)

    print("\nThe report on the flat prior")
    reports[0].show()
    reports[0].to_html(OUTPUT / "metastable_flip_report.html")


if __name__ == "__main__":
    main()
