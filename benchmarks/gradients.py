"""Gradient evaluations a second: `Boltzmann` against a hand-written `pm.Potential`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pymc as pm

import pymc_ebm as ebm

from benchmarks.measurement import Row, calls_per_second, rates_in_turn

RNG = np.random.default_rng(0)
ENERGIES = {
    "Ring, d = 2": (ebm.energies.Ring(2.0, 0.2), 2),
    "GaussianMixture, 5 components, d = 10": (
        ebm.energies.GaussianMixture(3 * RNG.normal(size=(5, 10)), np.linspace(0.5, 1.5, 5)),
        10,
    ),
    "MLP 64-256-256-1": (ebm.energies.MLP.random((64, 256, 256, 1), random_seed=0), 64),
}


def compiled(model: pm.Model) -> Callable[[np.ndarray], object]:
    """Return the model's compiled log-probability and gradient, without PyMC's wrapper."""
    function = model.logp_dlogp_function(ravel_inputs=True)._pytensor_function
    function.trust_input = True
    return function


def measure() -> list[Row]:
    """Return the rows of the results table."""
    rows = []
    for name, (energy, d) in ENERGIES.items():
        with pm.Model() as ours:
            ebm.Boltzmann("x", energy, shape=d)
        with pm.Model() as by_hand:
            x = pm.Flat("x", shape=d)
            pm.Potential("energy", -energy(x))
        point = RNG.normal(size=d)
        first, second = compiled(ours), compiled(by_hand)
        best, best_by_hand, ratio = rates_in_turn(
            lambda f=first, p=point: calls_per_second(lambda: f(p), 0.05),
            lambda f=second, p=point: calls_per_second(lambda: f(p), 0.05),
            rounds=101,
        )
        rows.append(
            Row(
                f"gradient, {name}",
                "pm.Potential by hand",
                best,
                best_by_hand,
                "calls/s",
                ratio,
                "≥ 0.98",
            )
        )
    return rows
