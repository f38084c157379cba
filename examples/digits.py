"""Digits: learn, then infer what you cannot see.

A restricted Boltzmann machine learns handwritten digits of eight by eight pixels. Then it is a
prior. First task: the lower half of new digits is hidden, and imputed, all digits at once. Second
task: a digit was sent through a channel that flips pixels with a probability nobody knows, and
digit and probability are inferred together.

What to learn: `impute=True` for many rows, an energy under a likelihood, and scoring predictions by
what they said of each hidden pixel.

Run it: ``python examples/digits.py``. Writes a figure to ``examples/output/``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm

from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

import pymc_ebm as ebm

OUTPUT = Path(__file__).parent / "output"
HIDDEN, SEED = 64, 1
LOWER = np.arange(64) >= 32
FLIPPED = 0.12


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return 1 400 training digits and 397 others, pixels above half black or white."""
    images = (load_digits().data >= 8).astype(int)
    order = np.random.default_rng(SEED).permutation(len(images))
    return images[order[:1400]], images[order[1400:]]


def learn(train: np.ndarray) -> ebm.FitResult:
    """Fit the machine by persistent chains, the rate going down."""
    rate = train.mean(axis=0).clip(0.01, 0.99)
    start = ebm.energies.RBM.random(64, HIDDEN, random_seed=0).replace(b=np.log(rate / (1 - rate)))
    return ebm.fit(
        start,
        train,
        method=ebm.PCD(chains=200, k=5),
        optimizer=pm.adam(learning_rate=0.01),
        schedule=lambda epoch: 0.5 * (1 + np.cos(np.pi * epoch / 150)),
        weight_decay={"W": 1e-3},
        epochs=150,
        batch_size=50,
        random_seed=SEED,
        progressbar=False,
    )


def impute(energy: ebm.energies.Energy, images: np.ndarray) -> np.ndarray:
    """Return the probability of each pixel, the lower half not seen."""
    with pm.Model():
        ebm.Boltzmann("v", energy, observed=np.where(LOWER, np.nan, images), impute=True)
        idata = pm.sample(
            200, tune=50, chains=2, cores=1, random_seed=SEED, progressbar=False, quiet=True,
            compute_convergence_checks=False,
        )  # fmt: skip
    return idata.posterior["v"].mean(["chain", "draw"]).to_numpy()


def log_score(p: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the mean log-probability of what was hidden, a digit."""
    p = np.clip(p[:, LOWER], 0.5 / 400, 1 - 0.5 / 400)  # 400 draws cannot say less
    hit = images[:, LOWER]
    return np.mean(hit * np.log(p) + (1 - hit) * np.log1p(-p), axis=1)


def neighbors(train: np.ndarray, images: np.ndarray, k: int = 20) -> np.ndarray:
    """Return the mean of the k training digits whose upper halves are nearest."""
    found = NearestNeighbors(n_neighbors=k).fit(train[:, ~LOWER])
    return train[found.kneighbors(images[:, ~LOWER], return_distance=False)].mean(axis=1)


def denoise(energy: ebm.energies.Energy, seen: np.ndarray):
    """Return a model of one digit behind a channel that flips, and its posterior."""
    with pm.Model() as model:
        v = ebm.Boltzmann("v", energy)
        flipped = pm.Beta("flipped", 1, 5)
        pm.Bernoulli("seen", p=pm.math.switch(v, 1 - flipped, flipped), observed=seen)
        idata = pm.sample(
            1000, tune=500, chains=4, cores=2, random_seed=SEED, progressbar=False, quiet=True
        )
    return model, idata


def main() -> None:
    """Learn, impute, denoise."""
    OUTPUT.mkdir(exist_ok=True)
    train, test = load()
    found = learn(train)
    score = ebm.score(found.energy, test, random_seed=SEED, progressbar=False)
    print(
        f"  held-out log-likelihood {float(score.log_likelihood.mean()):.2f} nats a digit, "
        f"standard error of log Z {float(score.log_partition_se):.2f}"
    )
    guesses = {
        "pixel by pixel": np.broadcast_to(train.mean(axis=0), test.shape),
        "nearest neighbours": neighbors(train, test),
        "the machine": impute(found.energy, test),
    }
    for name, p in guesses.items():
        print(f"  {name:20s} mean log score of a hidden pixel {log_score(p, test).mean():+.4f}")
    noisy = test[0] ^ (np.random.default_rng(2).random(64) < FLIPPED)
    model, idata = denoise(found.energy, noisy)
    low, high = np.quantile(idata.posterior["flipped"], [0.03, 0.97])
    print(f"  flip rate: 94 % interval {low:.3f} to {high:.3f}, truth {FLIPPED}")

    figure, axes = plt.subplots(4, 10, figsize=(11, 4.8), layout="constrained")
    for column in range(9):
        shown = [test[column], np.where(LOWER, np.nan, test[column])]
        shown += [guesses["nearest neighbours"][column], guesses["the machine"][column]]
        for row, image in enumerate(shown):
            axes[row, column].imshow(np.reshape(image, (8, 8)), cmap="Greys", vmin=0, vmax=1)
    restored = idata.posterior["v"].mean(["chain", "draw"]).to_numpy()
    for row, image in enumerate((test[0], noisy, restored)):
        axes[row, 9].imshow(image.reshape(8, 8), cmap="Greys", vmin=0, vmax=1)
    labels = ("digit", "what is seen", "neighbours", "the machine")
    for row, label in enumerate(labels):
        axes[row, 0].set_ylabel(label)
    axes[0, 9].set_title("flipped")
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    axes[3, 9].set_axis_off()
    figure.savefig(OUTPUT / "digits.png", dpi=110)
    plt.close(figure)

    print()
    report = ebm.ergodicity(idata, model)
    report.to_html(OUTPUT / "digits_report.html")


if __name__ == "__main__":
    main()
