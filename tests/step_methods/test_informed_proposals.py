"""Informed proposals on plain arrays: exact draws go in and must come out exact.

The target is evaluated in NumPy, so forty thousand independent draws take seconds; false alarm 0.1 %
a case, and each broken copy must fail.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

from scipy.stats import chisquare

import pymc_ebm as ebm

from pymc_ebm.dependence import PY

DRAWS = 20_000
STATES = np.array([0, 1, 2])
RNG = np.random.default_rng(7)
LINEAR, PAIRS = RNG.normal(0, 0.8, 3), RNG.normal(0, 0.5, (3, 3))
ALL = STATES[np.indices((3, 3, 3)).reshape(3, -1).T]


def log_p(x):
    return x @ LINEAR + ((x @ PAIRS) * x).sum(axis=-1) - 0.4 * (x**2).sum(axis=-1)


class Target:
    """What `InformedTarget` gives, written by hand; `scale` makes the log-probability wrong."""

    states, shape = STATES, (3,)

    def __init__(self, scale=1.0):
        self.scale = scale

    def at(self, x, point):
        gradient = LINEAR + (PAIRS + PAIRS.T) @ x - 0.8 * x
        return self.scale * float(log_p(x)), self.scale * gradient, 0.0

    def order(self, x):
        return 0.0


class CrudeLangevin(ebm.DiscreteLangevin):
    """Accepts every proposal: no Metropolis correction."""

    def _log_proposal(self, x, gradient):
        self.rng.random = lambda: 0.0  # below any chance
        return super()._log_proposal(x, gradient)


class CrudeGibbs(ebm.GibbsWithGradients):
    """Leaves out the ratio of proposals, by scores that are not normalised."""

    def _scores(self, x, gradient):
        change = self._target.states - x.reshape(-1, 1)
        return np.where(change == 0, -np.inf, 0.5 * change * gradient.reshape(-1, 1))


class Generator:
    """A generator whose methods can be replaced."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.random, self.gumbel, self.integers = rng.random, rng.gumbel, rng.integers


def p_value(step_class, scale=1.0):
    step = object.__new__(step_class)
    step._target, step.rng, step.tune = Target(scale), Generator(3), False
    step.proposals, step.step_size = 1, 0.6
    p = np.exp(log_p(ALL))
    p /= p.sum()
    counts = np.zeros(27)
    for k in np.random.default_rng(1).choice(27, DRAWS, p=p):
        x, _stats = step._move(ALL[k], {})
        counts[int(x @ [9, 3, 1])] += 1
    order = ALL @ [9, 3, 1]
    return chisquare(counts[order], DRAWS * p).pvalue


def test_weights_that_begin_at_zero_have_a_gradient_elsewhere():
    with pm.Model() as model:
        W = pm.Normal("W", shape=(3, 2))
        x = ebm.Boltzmann("x", ebm.energies.RBM(W), beta=0.5, log_partition=lambda energy: 0.0)
        step = ebm.GibbsWithGradients([x], compile_kwargs={"mode": PY})
    assert step.step(model.initial_point())[0]["x"].shape == (3,)


@pytest.mark.parametrize("step_class", [ebm.GibbsWithGradients, ebm.DiscreteLangevin])
def test_exact_draws_stay_exact(step_class):
    assert p_value(step_class) > 1e-3


@pytest.mark.parametrize(
    ("step_class", "scale"),
    [
        (ebm.GibbsWithGradients, 0.8),
        (ebm.DiscreteLangevin, 0.8),
        (CrudeLangevin, 1.0),
        (CrudeGibbs, 1.0),
    ],
)
def test_a_broken_copy_is_caught(step_class, scale):
    assert p_value(step_class, scale) < 1e-3
