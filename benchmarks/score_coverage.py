"""How often the stated error of an estimated log Z holds: ``python -m benchmarks.score_coverage``.

Small machines are trained on handwritten digits, log Z summed exactly and estimated; an interval of
1.96 standard errors must hold the truth in 95 % of cases.
"""

from __future__ import annotations

import sys

import numpy as np
import pymc as pm

from sklearn.datasets import load_digits

import pymc_ebm as ebm

MACHINES = 200
METHODS = {
    "ais": {"chains": 100, "temperatures": 500},
    "tempering": {"draws": 1000},
}


def trained(seed: int, images: np.ndarray) -> ebm.energies.RBM:
    """Train a machine of 64 × 10 units on 300 digits, for longer or shorter."""
    rng = np.random.default_rng(seed)
    rows = images[rng.choice(len(images), 300, replace=False)]
    rate = rows.mean(axis=0).clip(0.02, 0.98)
    start = ebm.energies.RBM.random(64, 10, scale=0.1, random_seed=seed)
    return ebm.fit(
        start.replace(b=np.log(rate / (1 - rate))),
        rows,
        method=ebm.PCD(chains=50),
        optimizer=pm.adam(learning_rate=0.01),
        epochs=int(rng.integers(5, 60)),
        batch_size=50,
        score_every=0,
        random_seed=seed,
        progressbar=False,
    ).energy


def main() -> None:
    """Train, estimate, count."""
    images = (load_digits().data >= 8).astype(float)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MACHINES
    z: dict[str, list[float]] = {name: [] for name in METHODS}
    for seed in range(count):
        energy = trained(seed, images)
        exact = float(ebm.log_partition(energy).eval())
        for name, options in METHODS.items():
            found = ebm.estimate_log_partition(
                energy, method=name, random_seed=seed, progressbar=False, **options
            )
            z[name].append(float((found.log_z - exact) / found.log_z_se))
    for name, values in z.items():
        scores = np.array(values)
        print(
            f"{name:10s} 95 % intervals hold log Z in {np.mean(np.abs(scores) < 1.96):.1%} of "
            f"{count}; z has mean {scores.mean():+.2f}, standard deviation {scores.std():.2f}"
        )


if __name__ == "__main__":
    main()
