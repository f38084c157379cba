"""Remembering digits.

Ten handwritten digits, black or white, are stored in three networks. Their pixels are alike, which
Hebb's rule cannot bear: what comes back is a blend of all. The pseudo-inverse and the modern
network return the digit. Then the question is turned round: pixels are seen through a channel that
flips some of them, nobody knows how many, and half are hidden. Which digit was it? The network is a
prior, and the answer a probability for each memory.

What to learn: `retrieve`, learning rules, and retrieval as inference.

Run it: ``python examples/remembering_digits.py``. Writes a figure to ``examples/output/``.
"""

import warnings

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

from sklearn.datasets import load_digits

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
SEED, FLIPPED = 2, 0.15
UPPER = np.arange(64) < 32


def load() -> np.ndarray:
    """Return one digit of each kind as spins, shape (10, 64)."""
    images, kinds = load_digits(return_X_y=True)
    first = [np.flatnonzero(kinds == k)[0] for k in range(10)]
    return np.where(images[first] >= 8, 1, -1)


def networks(patterns: np.ndarray) -> dict:
    """Store the same digits three times."""
    with warnings.catch_warnings():  # ten of 64 are too many for Hebb's rule, as we shall see
        warnings.simplefilter("ignore")
        hebb = ebm.energies.Hopfield(patterns)
    return {
        "Hebb": hebb,
        "pseudo-inverse": ebm.energies.Hopfield(patterns, rule=ebm.PseudoInverse()),
        "modern": ebm.energies.ModernHopfield(patterns, beta=0.5),
    }


def disturb(patterns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flip pixels, hide the lower half."""
    flips = np.where(rng.random(patterns.shape) < FLIPPED, -1, 1)
    return np.where(UPPER, patterns * flips, np.nan)


def infer(patterns: np.ndarray, cue: np.ndarray):
    """Return a model of what was seen, and its posterior."""
    seen = np.flatnonzero(~np.isnan(cue))
    with pm.Model(coords={"pixel": np.arange(64)}) as model:
        s = ebm.Hopfield("s", patterns, rule=ebm.PseudoInverse(), beta=2.5, dims="pixel")
        flipped = pm.Beta("flipped", 1, 5)
        white = pm.math.switch(s[seen] > 0, 1 - flipped, flipped)
        pm.Bernoulli("seen", p=white, observed=(cue[seen] > 0).astype(int))
        idata = pm.sample(
            2000, tune=1000, chains=4, cores=2, random_seed=SEED, progressbar=False, quiet=True
        )
    return model, idata


def memories_of(patterns: np.ndarray, idata) -> np.ndarray:
    """Return how probable each memory is: the one that a draw overlaps with most."""
    draws = idata.posterior["s"].values.reshape(-1, 64)
    nearest = (draws @ patterns.T).argmax(axis=1)
    return np.bincount(nearest, minlength=len(patterns)) / len(draws)


def main() -> None:
    """Store, retrieve, infer."""
    OUTPUT.mkdir(exist_ok=True)
    patterns, rng = load(), np.random.default_rng(SEED)
    cues, back = disturb(patterns, rng), {}
    for name, network in networks(patterns).items():
        whole = network.retrieve(
            np.where(rng.random((10, 64)) < 0.1, -1, 1) * patterns, random_seed=SEED
        )
        found = network.retrieve(cues, random_seed=SEED)
        back[name] = found
        print(
            f"  {name:14s} from a tenth of the pixels wrong "
            f"{int((whole.memory.values == np.arange(10)).sum())} of 10, from half a noisy digit "
            f"{int((found.memory.values == np.arange(10)).sum())} of 10; steps "
            f"{float(found.steps.mean()):.1f}"
        )
    chosen = 9
    model, idata = infer(patterns, cues[chosen])
    p = memories_of(patterns, idata)
    low, high = np.quantile(idata.posterior["flipped"], [0.03, 0.97])
    print("  memories: " + ", ".join(f"{k}: {v:.2f}" for k, v in enumerate(p) if v > 0.005))
    print(f"  flip rate: 94 % interval {low:.2f} to {high:.2f}, truth {FLIPPED}")

    figure = plt.figure(figsize=(11, 6.4), layout="constrained")
    grid = figure.add_gridspec(6, 10)
    rows = {"stored": patterns, "shown": cues, **{k: v.state.values for k, v in back.items()}}
    for row, (name, images) in enumerate(rows.items()):
        for column in range(10):
            ax = figure.add_subplot(grid[row, column])
            ax.imshow(images[column].reshape(8, 8), cmap="Greys", vmin=-1, vmax=1)
            ax.set(xticks=[], yticks=[])
            if column == 0:
                ax.set_ylabel(name)
    ax = figure.add_subplot(grid[5, :4])
    ax.bar(np.arange(10), p, color="C0")
    ax.set(
        xticks=np.arange(10),
        ylim=(0, 1),
        ylabel="probability",
        title=f"which memory was cue {chosen}?",
    )
    ax = figure.add_subplot(grid[5, 4:6])
    mean = idata.posterior["s"].mean(["chain", "draw"]).values.reshape(8, 8)
    ax.imshow(mean, cmap="Greys", vmin=-1, vmax=1)
    ax.set(xticks=[], yticks=[], title="posterior mean")
    ax = figure.add_subplot(grid[5, 6:])
    ax.hist(idata.posterior["flipped"].values.ravel(), bins=50, color="C0", density=True)
    ax.axvline(FLIPPED, color="C1")
    ax.set(yticks=[], xlabel="share of flipped pixels")
    figure.savefig(OUTPUT / "remembering_digits.png", dpi=110)
    plt.close(figure)

    print()
    report = ebm.ergodicity(idata, model)
    report.to_html(OUTPUT / "remembering_digits_report.html")


if __name__ == "__main__":
    main()
