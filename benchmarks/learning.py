"""Epochs of persistent contrastive divergence: a machine here against scikit-learn's."""

from __future__ import annotations

import time

import numpy as np
import pymc as pm

from sklearn.neural_network import BernoulliRBM

import pymc_ebm as ebm

from benchmarks.measurement import Row, rates_in_turn

RNG = np.random.default_rng(0)
SHAPES = {"784×500": (5000, 784, 500, "≤ 0.8"), "64×128": (1797, 64, 128, "≤ 0.5")}
BATCH, EPOCHS = 64, 21


def epochs_per_second(rows: np.ndarray, hidden: int) -> float:
    """Return the best of some epochs of `fit`, single precision, plain gradients."""
    ends: list[float] = []
    ebm.fit(
        ebm.energies.RBM.random(rows.shape[1], hidden, random_seed=0),
        rows,
        method=ebm.PCD(chains=BATCH, centered=False),
        optimizer=pm.sgd(learning_rate=0.01),
        epochs=EPOCHS,
        batch_size=BATCH,
        score_every=0,
        callbacks=[lambda epoch: ends.append(time.perf_counter())],
        random_seed=0,
        progressbar=False,
    )
    return 1.0 / float(np.diff(ends).min())


def sklearn_epochs_per_second(rows: np.ndarray, hidden: int) -> float:
    """Return the best of some epochs of scikit-learn's."""
    machine = BernoulliRBM(hidden, learning_rate=0.01, batch_size=BATCH, n_iter=1, random_state=0)
    best = np.inf
    for _ in range(EPOCHS):
        start = time.perf_counter()
        machine.fit(rows)
        best = min(best, time.perf_counter() - start)
    return 1.0 / best


def measure() -> list[Row]:
    """Return the rows of the results table."""
    found = []
    for name, (n, visible, hidden, goal) in SHAPES.items():
        rows = (RNG.random((n, visible)) < 0.15).astype(np.float32)
        ours, theirs, ratio = rates_in_turn(
            lambda r=rows, h=hidden: epochs_per_second(r, h),
            lambda r=rows, h=hidden: sklearn_epochs_per_second(r, h),
            rounds=3,
        )
        found.append(
            Row(
                f"PCD-1, an epoch of {n} rows, {name}",
                "scikit-learn's BernoulliRBM",
                1e3 / ours,
                1e3 / theirs,
                "ms",
                1 / ratio,
                goal,
            )
        )
    return found
