"""The temperature of a picture: coupling and noise both unknown.

A silhouette with a fifth of its pixels flipped, as in the denoising demo, but nobody says how
smooth the picture is or how noisy: J and the flip rate are inferred along with 14 740 hidden
pixels. On a periodic lattice log Z has a closed form (Kaufman), so NUTS moves J with its exact
normaliser. Without log Z, J runs away to the largest value the prior allows.

What to learn: random couplings of a latent field, safely; what leaving Z out would do.

Run it: ``python examples/temperature_of_an_image.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
import skimage

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SEED = 5
FLIPPED = 0.2


def picture() -> tuple[np.ndarray, np.ndarray]:
    """Return the true and the noisy picture at a third of the silhouette's size."""
    truth = np.where(skimage.data.horse()[::3, ::3], -1, 1).astype(np.int8)
    flips = np.random.default_rng(SEED).random(truth.shape) < FLIPPED
    return truth, np.where(flips, -truth, truth)


def build_model(noisy: np.ndarray, log_partition) -> pm.Model:
    """Declare hidden pixels with unknown coupling, and the noise."""
    with pm.Model() as model:
        J = pm.Uniform("J", 0.0, 1.2)
        flip = pm.Beta("flip", 2, 5)
        lattice = ebm.Graph.square(*noisy.shape)
        pixels = ebm.Ising("pixels", J, graph=lattice, log_partition=log_partition)
        chance = pm.math.switch(pixels > 0, 1 - flip, flip)
        pm.Bernoulli("seen", p=chance, observed=noisy > 0)
    return model


def main() -> None:
    """Fit with log Z and without, print, draw."""
    OUTPUT.mkdir(exist_ok=True)
    truth, noisy = picture()
    i, j = ebm.Graph.square(*truth.shape).edges.T
    flat = truth.ravel().astype(float)
    options = {"cores": 2, "chains": 4, "random_seed": SEED, "progressbar": False, "tune": 500}
    with build_model(noisy, "torus") as model:
        idata = pm.sample(500, compute_convergence_checks=False, **options)
    with build_model(noisy, 0.0):  # a constant in place of log Z: the mistake, made on purpose
        wrong = pm.sample(200, compute_convergence_checks=False, **options)
    for name, draws in (("J", idata.posterior["J"]), ("flip", idata.posterior["flip"])):
        low, high = np.quantile(draws, [0.03, 0.97])
        print(f"  {name:5s} {float(draws.mean()):.4f}  94 % from {low:.4f} to {high:.4f}")
    flips = float(np.mean(noisy != truth))
    print(f"  flipped in truth {flips:.4f}; pairs alike {np.mean(flat[i] * flat[j]):.3f}")
    print(f"  without log Z: J {float(wrong.posterior['J'].mean()):.4f}, the prior ends at 1.2")
    restored = idata.posterior["pixels"].mean(["chain", "draw"]).to_numpy()
    print(f"  wrong pixels: {np.mean(noisy != truth):.2%} before, "
          f"{np.mean((restored > 0) != (truth > 0)):.2%} after")  # fmt: skip

    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    axes[0].imshow(noisy, cmap="gray_r")
    axes[1].imshow(restored, cmap="gray_r", vmin=-1, vmax=1)
    axes[0].set(title="seen")
    axes[1].set(title="posterior mean, J and noise unknown")
    for axis in axes[:2]:
        axis.axis("off")
    bins = np.linspace(0.4, 1.2, 101)
    for fit, label in ((idata, "with log Z"), (wrong, "without")):
        draws = fit.posterior["J"].to_numpy().ravel()
        axes[2].hist(draws, bins, weights=np.full(draws.size, 1 / draws.size), label=label)
    axes[2].set(xlabel="J", ylabel="share of draws", title="posterior of the coupling")
    axes[2].legend()
    figure.savefig(OUTPUT / "temperature_of_an_image.png", dpi=110)
    plt.close(figure)

    print()
    report = ebm.ergodicity(idata, model)
    report.to_html(OUTPUT / "temperature_of_an_image_report.html")


if __name__ == "__main__":
    main()
