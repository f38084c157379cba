"""A deep Boltzmann machine, hidden units drawn for data and chains, against enumeration."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

import pymc_ebm as ebm

from pymc_ebm.dependence import PY
from pymc_ebm.learn.chains.clamped import ClampedChains
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.rows import Rows
from tests.learn.small import deep, probabilities

pytestmark = pytest.mark.usefixtures("interpreted")

MACHINE = deep()
VALUES, P = probabilities(MACHINE)
CODES = VALUES[:, :4] @ (1 << np.arange(4))  # visible configurations by number


def visible_rows(size, seed):
    return VALUES[np.random.default_rng(seed).choice(len(P), size, p=P), :4]


def moments(weights):
    """Return ⟨W₀⟩, ⟨W₁⟩ and the biases' means under weights of all configurations."""
    v, h, g = VALUES[:, :4], VALUES[:, 4:8], VALUES[:, 8:]
    return {
        "W0": (v * weights[:, None]).T @ h, "W1": (h * weights[:, None]).T @ g,
        "b0": weights @ v, "b1": weights @ h, "b2": weights @ g,
    }  # fmt: skip


def test_hidden_units_given_visible_ones():
    """Means of all hidden units, five standard errors; false alarm 1 in 200 000."""
    row = np.array([1, 0, 1, 1])
    chains = ClampedChains(Learned(MACHINE).energy, np.arange(4, 12))
    drawn = chains.draw(np.repeat(row[None], 20_000, 0), 10, np.random.default_rng(1))
    fits = np.all(VALUES[:, :4] == row, axis=1)
    exact = P[fits] @ VALUES[fits][:, 4:] / P[fits].sum()
    assert np.all(drawn[:, :4] == row)
    z = (drawn[:, 4:].mean(0) - exact) / np.sqrt(exact * (1 - exact) / 20_000)
    assert np.abs(z).max() < 5


def test_the_gradient_is_that_of_the_visible_likelihood():
    """Against enumeration, 25 independent estimates; false alarm 0.1 %."""
    rows, rng = Rows(visible_rows(50, 2), MACHINE), np.random.default_rng(3)
    learned = Learned(MACHINE)
    descent = ebm.PCD(chains=300).descent(learned, rows, rng)
    posterior = np.zeros(len(P))
    for row in rows.whole():
        fits = np.all(VALUES[:, :4] == row, axis=1)
        posterior[fits] += P[fits] / P[fits].sum() / 50
    data, model = moments(posterior), moments(P)
    found = []
    for _ in range(10):
        descent.gradient(rows.whole(), rng)
    for _ in range(25):
        for _ in range(4):
            _loss, gradient = descent.gradient(rows.whole(), rng)
        found.append(np.concatenate([np.ravel(gradient[n]) for n in data]))
    truth = np.concatenate([np.ravel(model[n] - data[n]) for n in data])
    found = np.array(found)
    z = (found.mean(0) - truth) / (found.std(0, ddof=1) / 5)
    assert np.abs(z).max() < 5.5


def test_learning_raises_the_likelihood_of_what_is_seen():
    rows = visible_rows(400, 5)
    start = ebm.energies.DeepBoltzmannMachine.random((4, 4, 4), scale=0.1, random_seed=1)
    found = ebm.fit(
        start, rows, method=ebm.PCD(chains=100, k=3), epochs=60, batch_size=100,
        optimizer=pm.adam(learning_rate=0.03), random_seed=1, progressbar=False,
    )  # fmt: skip

    def likelihood(energy):
        _values, p = probabilities(energy)
        seen = np.bincount(CODES, weights=p)
        return np.log(seen[rows @ (1 << np.arange(4))]).mean()

    best = np.log(np.bincount(CODES, weights=P)[rows @ (1 << np.arange(4))]).mean()
    assert likelihood(start) < best - 0.3
    assert likelihood(found.energy) > best - 0.06


def test_block_gibbs_draws_a_machine_with_gaps():
    """Imputed hidden units in a model, two colours; four standard errors of the mean."""
    with pm.Model() as model:
        x = ebm.Boltzmann("x", MACHINE, observed=MACHINE.with_gaps([1, 0, 1, 1]), impute=True)
        step = ebm.BlockGibbs([x], rng=1, compile_kwargs={"mode": PY})
    point, draws = model.initial_point(0), []
    for _ in range(2500):
        point, _stats = step.step(point)
        draws.append(point["x"])
    fits = np.all(VALUES[:, :4] == [1, 0, 1, 1], axis=1)
    exact = P[fits] @ VALUES[fits] / P[fits].sum()
    found = np.array(draws)[100:]
    blocks = found.reshape(24, 100, 12).mean(axis=1)
    error = blocks.std(0, ddof=1)[4:] / np.sqrt(24)
    assert np.abs((blocks.mean(0) - exact)[4:] / error).max() < 5
    assert np.all(found[:, :4] == [1, 0, 1, 1])


def test_methods_that_know_no_hidden_units_are_refused():
    with pytest.raises(ValueError, match=r"hold hidden units\. These do: CD\(\), PCD\(\), Temp"):
        ebm.fit(MACHINE, visible_rows(10, 1), method=ebm.PseudoLikelihood(), progressbar=False)
    with pytest.raises(ValueError, match=r"W0 ends in 4 units, and W1 begins with 3"):
        ebm.energies.DeepBoltzmannMachine([np.zeros((4, 4)), np.zeros((3, 2))])
    with pytest.raises(ValueError, match="2 biases, and 3 layers"):
        ebm.energies.DeepBoltzmannMachine([np.zeros((4, 4)), np.zeros((4, 2))], [0.0, 0.0])


def test_it_is_saved_and_loaded(tmp_path):
    found = ebm.fit(MACHINE, visible_rows(20, 1), epochs=1, progressbar=False)
    found.save(tmp_path / "deep.nc")
    loaded = ebm.load(tmp_path / "deep.nc").energy
    np.testing.assert_array_equal(
        loaded(VALUES[:9]).eval(mode=PY), found.energy(VALUES[:9]).eval(mode=PY)
    )
