"""Gradients against finite differences, enumeration, and each other; chains against enumeration."""

from __future__ import annotations

import numpy as np
import pytensor
import pytest

from scipy.special import expit
from scipy.stats import chisquare, kstest

import pymc_ebm as ebm

from pymc_ebm.learn.chains import chains_for
from pymc_ebm.learn.chains.layers import LayerChains
from pymc_ebm.learn.layer_descent import LayerDescent
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.rows import Rows
from tests.learn.small import ALL, DISCRETE, REAL, draws, probabilities

pytestmark = pytest.mark.usefixtures("interpreted")


def prepared(energy, method, data, seed=0):
    rows, rng = Rows(data, energy), np.random.default_rng(seed)
    learned = Learned(energy)
    return learned, rows, method.descent(learned, rows, rng), rng


def flat(values):
    return np.concatenate([np.ravel(values[name]) for name in sorted(values)])


@pytest.mark.parametrize("name", ALL)
def test_the_exact_gradient_is_that_of_finite_differences(name):
    energy = ALL[name]
    learned, rows, descent, rng = prepared(energy, ebm.MaximumLikelihood(), draws(energy, 50, 1))
    batch, start = rows.whole(), learned.values
    loss, gradient = descent.gradient(batch, rng)
    assert loss == pytest.approx(
        -np.mean(ebm.score(energy, batch, progressbar=False).log_likelihood)
    )
    for key, value in start.items():
        for place in np.ndindex(value.shape):
            sides = []
            for h in (1e-5, -1e-5):
                moved = {k: v.copy() for k, v in start.items()}
                moved[key][place] += h
                learned.values = moved
                sides.append(descent.gradient(batch, rng)[0])
            assert gradient[key][place] == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=2e-6)


@pytest.mark.parametrize("name", [*DISCRETE, "mixture", "GaussianRBM"])
def test_persistent_chains_estimate_the_exact_gradient(name):
    """Differences over standard errors of independent repetitions; false alarm 0.1 %."""
    energy = ALL[name]
    data = draws(energy, 40, 2) if energy.states is None else probabilities(energy)[0]
    learned, rows, exact, rng = prepared(energy, ebm.MaximumLikelihood(), data)
    _loss, truth = exact.gradient(rows.whole(), rng)
    method = ebm.PCD(chains=400, centered=False)
    chains = method.descent(learned, rows, rng)
    for _ in range(20 if energy.states is not None else 60):
        chains.gradient(rows.whole(), rng)
    spaced = 5 if energy.states is None else 3
    found = []
    for _ in range(25):
        for _ in range(spaced):
            _loss, gradient = chains.gradient(rows.whole(), rng)
        found.append(flat(gradient))
    found = np.array(found)
    error = found.std(axis=0, ddof=1) / 5 + 1e-12
    z = (found.mean(axis=0) - flat(truth)) / error
    assert np.abs(z).max() < 5.0  # t with 24 degrees of freedom, 20 of them: 0.1 %


def test_the_bias_of_contrastive_divergence_shrinks_with_its_sweeps():
    """Two modes of unequal weights, data in both alike: the fewer sweeps, the less is moved."""
    energy = ebm.energies.RBM(np.full((4, 2), 2.5), -2.3, -5.0)
    data = np.repeat([[0, 0, 0, 0], [1, 1, 1, 1]], 2000, axis=0)
    learned, rows, exact, rng = prepared(energy, ebm.MaximumLikelihood(), data)
    truth = flat(exact.gradient(rows.whole(), rng)[1])
    bias = []
    for k in (1, 8, 64, 512):
        chains = ebm.CD(k=k, centered=False).descent(learned, rows, rng)
        bias.append(np.abs(flat(chains.gradient(rows.whole(), rng)[1]) - truth).max())
    assert bias[0] > 1.5 * bias[1] > 2 * bias[2]
    assert bias[3] < 0.03  # four standard errors of 4 000 chains


@pytest.mark.parametrize("name", ["RBM", "GaussianRBM"])
def test_matrix_products_are_the_gradient_of_the_graph(name):
    energy = ALL[name]
    data = draws(energy, 30, 3)
    learned, rows, descent, rng = prepared(energy, ebm.PCD(chains=20, centered=False), data)
    assert isinstance(descent, LayerDescent)
    _loss, found = descent.gradient(rows.whole(), rng)
    batch, negative = pytensor.tensor.matrix("batch"), pytensor.tensor.matrix("negative")
    loss = learned.energy(batch).mean() - learned.energy(negative).mean()
    names = list(learned.free)
    graph = pytensor.function([batch, negative], pytensor.grad(loss, list(learned.free.values())))
    wanted = dict(zip(names, graph(rows.whole(), descent._chains.samples), strict=True))
    for key in names:
        np.testing.assert_allclose(found[key], wanted[key], atol=1e-12)


def test_a_centered_gradient_is_the_same_step_in_other_coordinates():
    """Of plain gradient descent; other rules follow the centred coordinates."""
    energy = DISCRETE["RBM"]
    learned, rows, plain, rng = prepared(energy, ebm.CD(centered=False), draws(energy, 200, 4))
    centered = ebm.CD(centered=True).descent(learned, rows, rng)
    batch, start = rows.whole(), learned.values
    g = plain.gradient(batch, np.random.default_rng(7))[1]
    step = centered.gradient(batch, np.random.default_rng(7))[1]
    learned.values = {name: start[name] - 0.1 * step[name] for name in start}
    centered.settle()
    moved = {name: (start[name] - value) / 0.1 for name, value in learned.values.items()}
    # by hand, Melchior et al. (2016), eq. 18 to 20, with centres half way from data to chains
    up, down = (expit(start["c"] + v @ start["W"]) for v in (batch, centered._chains.samples))
    mu = 0.5 * (batch.mean(0) + centered._chains.samples.mean(0))
    lam = 0.5 * (up.mean(0) + down.mean(0))
    W = g["W"] - np.outer(g["b"], lam) - np.outer(mu, g["c"])
    wanted = {"W": W, "b": g["b"] - W @ lam, "c": g["c"] - W.T @ mu}
    for name in start:
        np.testing.assert_allclose(moved[name], wanted[name], atol=1e-12)


def exact_after_one_sweep(
    chains_class_or_factory, energy, betas=(0.3, 1.0), size=40_000, swap=True
):
    """Return p-values of both rungs after a sweep and a swap from independent exact draws."""
    rng = np.random.default_rng(11)
    values, _p = probabilities(energy)
    learned = Learned(energy)
    targets = [exact_distribution(at_beta(energy, b)) for b in betas]
    start = np.stack([v[rng.choice(len(p), size, p=p)] for v, p in targets])
    chains = chains_class_or_factory(learned, start, np.array(betas))
    chains.advance(1, rng)
    if hasattr(chains, "finish"):
        W = learned.free["W"].get_value()
        chains.finish(chains.states.reshape(-1, 4) @ W, rng)
    if swap:
        chains.swap(rng)
    keys = {tuple(v): k for k, v in enumerate(values.tolist())}
    found = []
    for beta, states in zip(betas, chains.states, strict=True):
        counts = np.bincount(
            [keys[tuple(s)] for s in states.astype(int).tolist()], minlength=len(keys)
        )
        order, p = targets[list(betas).index(beta)]
        p = p[[order.tolist().index(list(v)) for v in values.tolist()]]
        found.append(chisquare(counts, counts.sum() * p).pvalue)
    return found


def at_beta(energy, beta):
    """Scale the joint energy of an RBM, any other energy as it is."""
    if isinstance(energy, ebm.energies.RBM):
        return energy.replace(**{k: beta * v for k, v in energy.parameters.items()})
    if energy.with_hidden() is not energy:
        return Marginal(energy, beta)
    return beta * energy


class Marginal:
    """The visible entries of a joint energy at another temperature, by enumeration."""

    def __init__(self, energy, beta):
        joint = energy.with_hidden()
        values, p = probabilities(beta * joint)
        parts = getattr(energy, "hidden", None)
        seen = np.arange(energy.event_shape[0]) if parts is None else parts.visible
        self.states, visible = energy.states, values[:, seen]
        self.values = np.unique(visible, axis=0)
        keys = {tuple(v): k for k, v in enumerate(self.values.tolist())}
        self.p = np.bincount([keys[tuple(v)] for v in visible.tolist()], weights=p)


def exact_distribution(energy):
    return (energy.values, energy.p) if isinstance(energy, Marginal) else probabilities(energy)


def layers(learned, start, betas):
    return LayerChains(learned, start, betas)


def any_chains(learned, start, betas):
    return chains_for(learned.energy, start, betas, np.random.default_rng(12))


@pytest.mark.parametrize("name", ["RBM", "Ising", "levels", "hidden vertex", "spins", "labels"])
def test_chains_and_their_swaps_keep_every_rung_exact(name):
    """Chi-square over all configurations; false alarm 0.1 % a rung."""
    factory = layers if name == "RBM" else any_chains
    assert min(exact_after_one_sweep(factory, DISCRETE[name])) > 1e-3


def test_units_that_are_drawn_two_percent_off_are_caught(monkeypatch):
    from pymc_ebm.learn.chains import layers as module

    right = module.kernels.bernoulli.draw_units

    def wrong(inputs, bias, scale, states, units):
        right(inputs, bias, 1.1 * scale, states, units)

    monkeypatch.setattr(module.kernels.bernoulli, "draw_units", wrong)
    assert min(exact_after_one_sweep(layers, DISCRETE["RBM"])) < 1e-3


def test_a_swap_that_believes_in_another_temperature_is_caught(monkeypatch):
    energy = DISCRETE["Ising"]

    def wrong(learned, start, betas):
        chains = chains_for(learned.energy, start, betas, np.random.default_rng(12))
        right = chains.energies
        monkeypatch.setattr(chains, "energies", lambda: 1.5 * right())
        return chains

    assert min(exact_after_one_sweep(wrong, energy)) < 1e-3


def test_hamiltonian_chains_keep_the_density():
    """Kolmogorov and Smirnov on each coordinate; false alarm 0.1 %."""
    energy = REAL["mixture"]
    rng, learned = np.random.default_rng(3), Learned(energy)
    start = draws(energy, 20_000, 5)[None]
    chains = chains_for(learned.energy, start, np.array([1.0]), rng)
    chains.advance(3, rng)
    fresh = draws(energy, 20_000, 6)
    for moved, other in zip(chains.samples.T, fresh.T, strict=True):
        assert kstest(moved, other).pvalue > 1e-3
    assert np.mean(np.abs(chains.samples - start[0]) > 1e-9) > 0.9


def test_units_from_a_table_of_logits_have_their_probabilities():
    """Binomial z-scores over log-odds from −14 to 14; false alarm 0.1 %."""
    from pymc_ebm.kernels.bernoulli import draw_units

    x = np.concatenate([np.linspace(-14, 14, 57), [0.0, 1e-9, -8.3178, 8.3178]])
    inputs = np.repeat(x[None], 40_000, axis=0)
    units = np.empty_like(inputs)
    states = np.random.default_rng(1).integers(1, 2**64, (40_000, 4), dtype=np.uint64)
    draw_units(inputs, np.zeros(x.size), np.ones(40_000), states, units)
    p = 1 / (1 + np.exp(-x))
    z = (units.mean(axis=0) - p) / np.sqrt(p * (1 - p) / 40_000)
    assert np.abs(z[np.abs(x) < 7]).max() < 4.5
    rare = np.abs(x) >= 7
    assert abs((units - p)[:, rare].sum()) / np.sqrt(40_000 * (p * (1 - p))[rare].sum()) < 4.0
