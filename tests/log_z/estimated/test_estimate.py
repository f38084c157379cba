"""Estimates of log Z against exact values: their errors must be as large as they say."""

import functools

import numpy as np
import pytensor.tensor as pt
import pytest

from scipy.stats import chi2

import pymc_ebm as ebm

from pymc_ebm.dependence import PY

E = ebm.energies
RNG = np.random.default_rng(0)
CASES = {
    "ising": (E.Ising(0.4, 0.1, graph=ebm.Graph.square(6, 6, periodic=False)), None),
    "glass": (E.Ising(RNG.normal(0, 0.3, 66), graph=ebm.Graph.complete(12)), None),
    "machine": (E.BoltzmannMachine(0.5, -0.3, graph=ebm.Graph.square(3, 3, periodic=False)), None),
    "potts": (E.Potts(0.8, q=3, graph=ebm.Graph.square(4, 4, periodic=False)), None),
    "rbm": (E.RBM(RNG.normal(0, 0.3, (40, 8)), RNG.normal(size=40), RNG.normal(size=8)), None),
    "two modes": (
        E.GaussianMixture([[-4.0, 0.0], [4.0, 0.0]], weights=[0.8, 0.2]),
        np.log(2 * np.pi),
    ),
}
SEEDS = 8


@functools.cache
def exact(name):
    energy, value = CASES[name]
    return value if value is not None else float(ebm.log_partition(energy).eval(mode=PY))


TELLING = {  # every family and every method once, real and discrete
    ("ising", "ti"), ("glass", "tempering"), ("machine", "ais"), ("potts", "ais"), ("rbm", "ais"),
    ("rbm", "ti"), ("rbm", "tempering"), ("two modes", "ais"), ("two modes", "tempering"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "method"),
    [
        pytest.param(
            name,
            method,
            marks=() if (name, method) in TELLING else pytest.mark.slow,
            id=f"{name}-{method}",
        )
        for name in CASES
        for method in ("ais", "ti", "tempering")
    ],
)
def test_errors_are_as_large_as_stated(name, method):
    """The sum of 8 squared z-scores; a false alarm in a thousand a case, errors up to 1.3 too small."""
    energy, truth = CASES[name][0], exact(name)
    z = []
    for seed in range(SEEDS if name != "two modes" else 4):
        found = ebm.estimate_log_partition(
            energy, method=method, temperatures=150, draws=500, random_seed=seed, progressbar=False
        )
        z.append(float((found.log_z - truth) / found.log_z_se))
    assert np.sum(np.square(z)) < 1.3**2 * chi2.isf(1e-3, len(z))


def test_a_wrong_answer_would_be_seen():
    """An error of 0.2 in log Z, at the same limit."""
    energy, truth = CASES["rbm"][0], exact("rbm") + 0.2
    z = [
        float((f.log_z - truth) / f.log_z_se)
        for f in (
            ebm.estimate_log_partition(energy, temperatures=150, random_seed=s, progressbar=False)
            for s in range(SEEDS)
        )
    ]
    assert np.sum(np.square(z)) > 1.3**2 * chi2.isf(1e-3, SEEDS)


def test_same_seed_same_number():
    energy = CASES["ising"][0]
    a, b = (
        ebm.estimate_log_partition(energy, temperatures=50, random_seed=3, progressbar=False)
        for _ in "ab"
    )
    assert float(a.log_z) == float(b.log_z)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ebm.estimate_log_partition(CASES["ising"][0], method="magic"), "none of ais"),
        (lambda: ebm.estimate_log_partition(CASES["ising"][0], chains=1), "chains must be 2"),
        (lambda: ebm.estimate_log_partition(CASES["ising"][0], chains=2.5), "whole, got 2.5"),
        (lambda: ebm.estimate_log_partition(CASES["ising"][0], method="tempering", draws=20), "draws must be 40"),
        (lambda: ebm.estimate_log_partition(CASES["two modes"][0], base="mode"), "'mode' is neither"),
        (lambda: ebm.estimate_log_partition(E.Custom(lambda x: x[..., 0] ** 2, (2,))), "does not grow along"),
        (lambda: ebm.estimate_log_partition(E.Ising(pt.dscalar(), graph=ebm.Graph.complete(3))), "J is symbolic"),
        (lambda: ebm.estimate_log_partition(E.Ring()), "with_event_shape"),
        (lambda: ebm.estimate_log_partition(E.RBM(RNG.normal(0, 1.0, (200, 100))), temperatures=3, random_seed=0,
            progressbar=False), "are effective"),
        (lambda: ebm.estimate_log_partition(E.Custom(lambda s: s[..., 0] * s[..., 1] * s[..., 2], (3,),
            support="spin")), "not pairwise"),
    ],
)  # fmt: skip
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
