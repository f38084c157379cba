"""Does the interval of an unknown flip rate hold it? ``python -m benchmarks.flip_rate``.

A hundred held-out digits go through channels that each flip pixels at a rate of their own, drawn
from its prior. One model of all of them infers digits and rates together.
"""

from __future__ import annotations

import logging
import runpy

from pathlib import Path

import numpy as np
import pymc as pm

from arviz_stats.base import array_stats
from scipy.stats import binom

import pymc_ebm as ebm

RUNS, SEED = 100, 3


def main() -> None:
    """Learn, flip, infer, count."""
    logging.getLogger("pymc").setLevel(logging.ERROR)
    example = runpy.run_path(str(Path(__file__).parent.parent / "examples" / "digits.py"))
    train, test = example["load"]()
    energy = example["learn"](train).energy
    rng = np.random.default_rng(SEED)
    digits = test[rng.choice(len(test), RUNS, replace=False)]
    truth = rng.beta(1, 5, RUNS)
    seen = digits ^ (rng.random(digits.shape) < truth[:, None])
    with pm.Model():
        v = ebm.Boltzmann("v", energy, shape=(RUNS, 64))
        flipped = pm.Beta("flipped", 1, 5, shape=RUNS)
        p = pm.math.switch(v, 1 - flipped[:, None], flipped[:, None])
        pm.Bernoulli("seen", p=p, observed=seen)
        idata = pm.sample(
            2000, tune=1000, chains=4, cores=2, random_seed=SEED, progressbar=False, quiet=True
        )
    draws = idata["posterior"]["flipped"].values
    low, high = np.quantile(draws, [0.03, 0.97], axis=(0, 1))
    held = int(((low <= truth) & (truth <= high)).sum())
    rhat = max(
        float(array_stats.rhat(draws[..., k], chain_axis=0, draw_axis=1)) for k in range(RUNS)
    )
    least, most = binom.interval(0.95, RUNS, 0.94)
    print(
        f"94 % intervals hold the flip rate in {held} of {RUNS} (95 % of the time a correct one "
        f"holds it in {least:.0f} to {most:.0f}); largest R-hat {rhat:.3f}"
    )


if __name__ == "__main__":
    main()
