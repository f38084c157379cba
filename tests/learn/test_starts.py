"""A start from the data's principal directions, and rules of optax."""

from typing import NamedTuple

import numpy as np
import pytest

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.energies import RBM
from pymc_ebm.learn.optax_rule import OptaxRule
from tests.families import configurations

RNG = np.random.default_rng(20261202)


def correlated_rows(n=2000, units=8):
    """Two weak hidden causes, so that the linear regime is right."""
    causes = RNG.random((n, 2)) < 0.5
    strength = np.zeros((units, 2))
    strength[:4, 0], strength[4:, 1] = 1.4, -1.4
    logits = (causes - 0.5) @ strength.T
    return (RNG.random((n, units)) < 1 / (1 + np.exp(-logits))).astype(int)


def covariance(energy):
    x = configurations(energy)
    p = np.exp(-energy(x).eval(mode=PY))
    p /= p.sum()
    mean = p @ x
    return mean, (p[:, None] * (x - mean)).T @ (x - mean)


def test_weak_correlations_are_those_of_the_data():
    rows = correlated_rows()
    energy = RBM.from_data(rows, 4, rank=2, random_seed=1)
    mean, have = covariance(energy)
    np.testing.assert_allclose(mean, rows.mean(axis=0), atol=0.03)
    # along the two leading directions the variance is the data's, up to the next order
    want = np.cov(rows.T, bias=True)
    width = np.sqrt(np.diag(want))
    values, vectors = np.linalg.eigh(want / np.outer(width, width))
    ours = have / np.outer(width, width)
    for k in (-1, -2):
        u = vectors[:, k]
        excess, wanted = u @ ours @ u - 1, values[k] - 1
        assert 0.4 * wanted < excess < 1.2 * wanted  # a start from noise has none


def test_the_start_is_nearer_to_the_data_than_independent_units():
    rows = correlated_rows()
    rate = rows.mean(axis=0)
    alone = (rows * np.log(rate) + (1 - rows) * np.log1p(-rate)).sum(axis=1).mean()
    energy = RBM.from_data(rows, 4, rank=2, random_seed=1)
    assert float(ebm.score(energy, rows).log_likelihood.mean()) > alone + 0.02


def test_directions_without_variance_are_left_out():
    rows = np.zeros((50, 6), int)  # constant units: no correlation, no infinite bias
    energy = RBM.from_data(rows, 3, random_seed=1)
    assert np.isfinite(energy.parameters["b"].eval(mode=PY)).all()
    assert np.abs(energy.parameters["W"].eval(mode=PY)).max() < 1e-6
    with pytest.raises(ValueError, match="rows of zeros and ones"):
        RBM.from_data(rows + 2, 3)
    with pytest.raises(ValueError, match="rank must be"):
        RBM.from_data(rows, 3, rank=-1)


class Momentum(NamedTuple):
    count: np.ndarray
    velocity: dict


class Transformation(NamedTuple):
    """What optax calls a gradient transformation: heavy ball, written out."""

    rate: float = 0.1

    def init(self, values):
        return Momentum(np.zeros((), np.int32), {k: np.zeros_like(v) for k, v in values.items()})

    def update(self, gradient, state, values):
        velocity = {k: 0.9 * state.velocity[k] + g for k, g in gradient.items()}
        return {k: -self.rate * v for k, v in velocity.items()}, Momentum(state.count + 1, velocity)


ROWS = RNG.integers(0, 2, (40, 4))


def test_a_transformation_moves_parameters(tmp_path):
    start = RBM.random(4, 2, scale=0.3, random_seed=1)

    def run(epochs, **settings):
        return ebm.fit(
            start, ROWS, method=ebm.MaximumLikelihood(), optimizer=Transformation(),
            epochs=epochs, random_seed=1, progressbar=False, **settings,
        )  # fmt: skip

    whole = run(4)
    assert float(whole.history.log_likelihood[-1]) > float(whole.history.log_likelihood[0])
    run(2, checkpoint=tmp_path / "run.nc")
    resumed = run(4, checkpoint=tmp_path / "run.nc")
    for name, value in whole.energy.parameters.items():
        np.testing.assert_array_equal(value.eval(), resumed.energy.parameters[name].eval())


def test_heavy_ball_by_hand():
    class Shared:
        dtype = "float64"

        def __init__(self, value):
            self.value = np.asarray(value)

        def get_value(self):
            return self.value

        def set_value(self, value):
            self.value = value

    x = Shared([1.0, 2.0])
    rule = OptaxRule(Transformation(), {"x": x})
    rule.step({"x": np.array([1.0, 0.0])}, 1.0)
    rule.step({"x": np.array([1.0, 0.0])}, 0.5)
    np.testing.assert_allclose(x.value, [1.0 - 0.1 - 0.5 * 0.19, 2.0])
    kept = rule.arrays()
    other = OptaxRule(Transformation(), {"x": x})
    other.restore(kept)
    np.testing.assert_array_equal(other.arrays()["1"], kept["1"])


def test_optax_itself():
    optax = pytest.importorskip("optax")
    found = ebm.fit(
        RBM.random(4, 2, random_seed=1), ROWS, optimizer=optax.adam(0.05), epochs=5, random_seed=1,
        progressbar=False,
    )  # fmt: skip
    assert float(found.history.log_likelihood[-1]) > float(found.history.log_likelihood[0])
