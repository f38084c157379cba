"""What is known is found again: estimates over many data sets, against the parameters behind them.

Fits begin at the truth, so that labels do not switch; an inconsistent objective leaves it.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

from scipy.stats import t

import pymc_ebm as ebm

from pymc_ebm.learn.learned import Learned
from tests.learn.small import DISCRETE, REAL, draws

pytestmark = pytest.mark.usefixtures("interpreted")

CASES = {
    "score matching, Gaussian": (REAL["Gaussian"], ebm.ScoreMatching()),
    "score matching, mixture": (REAL["mixture"], ebm.ScoreMatching()),
    "score matching, GaussianRBM": (REAL["GaussianRBM"], ebm.ScoreMatching()),
    "sliced, precision": (REAL["precision"], ebm.ScoreMatching(slices=4)),
    "noise-contrastive, Gaussian": (REAL["Gaussian"], ebm.NoiseContrastive()),
    "noise-contrastive, mixture": (REAL["mixture"], ebm.NoiseContrastive()),
    "noise-contrastive, Ising": (DISCRETE["Ising"], ebm.NoiseContrastive(ratio=3)),
    "noise-contrastive, RBM": (DISCRETE["RBM"], ebm.NoiseContrastive()),
    "ratio matching, Ising": (DISCRETE["Ising"], ebm.RatioMatching()),
    "ratio matching, RBM": (DISCRETE["RBM"], ebm.RatioMatching()),
    "ratio matching, levels": (DISCRETE["levels"], ebm.RatioMatching()),
    "pseudo-likelihood, Ising": (DISCRETE["Ising"], ebm.PseudoLikelihood()),
    "pseudo-likelihood, RBM": (DISCRETE["RBM"], ebm.PseudoLikelihood()),
    "likelihood, mixture": (REAL["mixture"], ebm.MaximumLikelihood()),
    "likelihood, RBM": (DISCRETE["RBM"], ebm.MaximumLikelihood()),
}  # fmt: skip
QUICK = ("score matching, Gaussian", "noise-contrastive, Ising", "ratio matching, Ising")


def what_is_seen(energy, numbers):
    """Return what data can tell apart: energies of fixed rows, less their mean."""
    rows = draws(energy, 12, 999)
    found = np.asarray(energy.replace(**numbers)(rows).eval())
    return found - found.mean()


def z_scores(name, seeds, size=4000, epochs=250):
    energy, method = CASES[name]
    truth = what_is_seen(energy, dict(energy.parameters))
    found = []
    for seed in seeds:
        result = ebm.fit(
            energy, draws(energy, size, 100 + seed), method=method, epochs=epochs, score_every=0,
            optimizer=pm.adam(learning_rate=0.02), schedule=lambda e: 0.01 ** (e / epochs), random_seed=seed,
            progressbar=False,
        )  # fmt: skip
        found.append(what_is_seen(energy, dict(result.energy.parameters)))
    found = np.array(found)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    keep = error > 1e-9
    return ((found.mean(axis=0) - truth)[keep]) / error[keep]


def limit(count, seeds):
    """Return what |t| exceeds once in a hundred, Bonferroni over `count`."""
    return float(t.isf(0.01 / (2 * count), seeds - 1))


@pytest.mark.parametrize("name", QUICK)
def test_a_few_data_sets_give_the_truth_back(name):
    z = z_scores(name, range(6), size=800, epochs=120)
    assert np.abs(z).max() < limit(z.size, 6)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_twenty_data_sets_give_the_truth_back(name):
    z = z_scores(name, range(20))
    assert np.abs(z).max() < limit(z.size, 20)


def test_denoising_finds_the_blurred_density():
    """Denoising learns the blurred density: its widths are those of data and noise together."""
    energy = REAL["Gaussian"]
    rows = draws(energy, 4000, 1)
    blurred = ebm.fit(
        energy, rows, method=ebm.DenoisingScoreMatching(1.0), epochs=250, progressbar=False,
        optimizer=pm.adam(learning_rate=0.02), random_seed=1,
    )  # fmt: skip
    widths = np.exp(Learned(blurred.energy).values["scale"])
    np.testing.assert_allclose(widths, np.sqrt(np.array([1.5, 0.7]) ** 2 + 1.0), rtol=0.08)
