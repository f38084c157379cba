"""Attention as an energy: forces, a plain reference, and steps that go downhill."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from scipy.special import softmax

from pymc_ebm.dependence import PY
from pymc_ebm.energies import EnergyAttention

RNG = np.random.default_rng(20261130)
TOKENS, ENTRIES = 5, 6
X = RNG.normal(size=(TOKENS, ENTRIES))
OFFSET = 0.1 * RNG.normal(size=ENTRIES)


def block(mask="others", **settings):
    return EnergyAttention.random(
        TOKENS, ENTRIES, heads=2, width=3, memories=7, random_seed=1, mask=mask, gain=1.3,
        offset=OFFSET, **settings,
    )  # fmt: skip


def reference(energy, x):
    """Attention and feed-forward with tied weights in plain NumPy, loops and all."""
    Q, K, xi = (energy.parameters[k].eval(mode=PY) for k in ("queries", "keys", "memories"))
    beta = float(energy.parameters["beta"].eval(mode=PY))
    centered = x - x.mean(axis=1, keepdims=True)
    g = 1.3 * centered / np.sqrt((centered**2).mean(axis=1, keepdims=True) + 1e-5) + OFFSET
    out = np.maximum(g @ xi.T, 0) @ xi
    value = -0.5 * (np.maximum(g @ xi.T, 0) ** 2).sum()
    for W_q, W_k in zip(Q, K, strict=True):
        q, k = g @ W_q.T, g @ W_k.T
        for c in range(TOKENS):
            seen = np.flatnonzero(energy.mask[c])
            scores = beta * k[seen] @ q[c]
            value -= np.log(np.exp(scores).sum()) / beta
            p = softmax(scores)
            out[c] += W_q.T @ (p @ k[seen])
            for weight, b in zip(p, seen, strict=True):
                out[b] += weight * W_k.T @ q[c]
    return g, value, out


@pytest.mark.parametrize("mask", ["others", "all", "causal"])
def test_the_block_is_attention_plus_feed_forward(mask):
    energy = block(mask)
    g, value, out = reference(energy, X)
    np.testing.assert_allclose(energy.normalise(X).eval(mode=PY), g, atol=1e-12)
    assert float(energy(X).eval(mode=PY)) == pytest.approx(value, rel=1e-12)
    stepped = energy.step(X, 0.3).eval(mode=PY)
    np.testing.assert_allclose(stepped, X + 0.3 * out, atol=1e-12)


@pytest.mark.parametrize("mask", ["others", "all", "causal"])
def test_forces_are_minus_the_gradient(mask):
    energy, x = block(mask), pt.matrix("x")
    g = energy.normalise(x)
    parameters = {**energy.parameters}
    scores = energy._scores(g, parameters)
    hidden = pt.maximum(g @ parameters["memories"].mT, 0)
    value = -pt.logsumexp(scores, axis=-1).sum() / parameters["beta"] - 0.5 * (hidden**2).sum()
    attention, feed_forward = energy.forces(g)
    evaluate = pytensor.function(
        [x], [pytensor.grad(value, g), attention + feed_forward, energy(x), value], mode=PY
    )
    gradient, force, whole, again = evaluate(X)
    np.testing.assert_allclose(force, -gradient, atol=1e-10, rtol=1e-10)
    assert whole == pytest.approx(again, rel=1e-12)


def test_small_steps_go_downhill():
    energy, x, size = block(), pt.matrix("x"), pt.scalar("size")
    both = pytensor.function([x, size], [energy(x), energy(energy.step(x, size))], mode=PY)
    for _ in range(50):
        before, after = both(RNG.normal(size=(TOKENS, ENTRIES)), 1e-4)
        assert after < before


def test_a_step_uphill_would_be_seen():
    energy, x = block(), pt.matrix("x")
    both = pytensor.function([x], [energy(x), energy(energy.step(x, -1e-4))], mode=PY)
    before, after = both(X)
    assert after > before


def test_batches_are_computed_together():
    energy, x = block(), RNG.normal(size=(3, TOKENS, ENTRIES))
    together = energy(x).eval(mode=PY)
    apart = [float(energy(row).eval(mode=PY)) for row in x]
    np.testing.assert_allclose(together, apart, rtol=1e-12)
    stepped = energy.step(x, 0.1).eval(mode=PY)
    np.testing.assert_allclose(stepped[1], energy.step(x[1], 0.1).eval(mode=PY), atol=1e-12)


def test_a_preconditioner_acts_on_entries():
    energy, P = block(), RNG.normal(size=(ENTRIES, ENTRIES))
    plain = energy.step(X, 1.0).eval(mode=PY) - X
    turned = energy.step(X, 1.0, preconditioner=P).eval(mode=PY) - X
    np.testing.assert_allclose(turned, plain @ P.T, atol=1e-12)


def test_without_confinement_it_is_no_distribution():
    import pymc as pm

    import pymc_ebm as ebm

    with pytest.warns(UserWarning, match="does not grow along"), pm.Model():
        ebm.Boltzmann("x", block())
    with pm.Model() as model:
        ebm.Boltzmann("x", block(confinement=1.0))
    assert np.isfinite(model.compile_logp()(model.initial_point()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_tokens": 0}, "n_tokens must be 1 or more"),
        ({"n_tokens": 1}, "token 0 attends to none"),
        ({"n_tokens": 3, "mask": "past"}, "none of all, others, causal"),
        ({"n_tokens": 3, "mask": np.ones((2, 2), bool)}, "expected bool of shape"),
        ({"n_tokens": 3, "beta": 0.0}, "beta must be positive"),
        ({"n_tokens": 3, "gain": [1.0, 2.0]}, "one number each"),
        ({"n_tokens": 3, "offset": [1.0]}, "offset has shape"),
        ({"n_tokens": 3, "memories": [[1.0]]}, "memories have shape"),
        ({"n_tokens": 3, "confinement": -1.0}, "confinement must be 0 or more"),
    ],
)
def test_bad_input(settings, message):
    weights = RNG.normal(size=(2, 3, 4))
    with pytest.raises(ValueError, match=message):
        EnergyAttention(weights, weights, **settings)


def test_heads_must_agree():
    with pytest.raises(ValueError, match="expected"):
        EnergyAttention(np.ones((1, 2, 3)), np.ones((1, 3, 3)), n_tokens=3)
