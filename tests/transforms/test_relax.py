"""The relaxed density, constants included, against sums over all configurations."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph
from scipy.special import logsumexp
from scipy.stats import norm

import pymc_ebm as ebm

from pymc_ebm.relaxation.relaxed_variable import RelaxedVariable, is_discrete_boltzmann
from pymc_ebm.transforms.copying import untransformed
from tests.transforms.small_models import MODELS, all_states, build

PY = Mode(linker="py", optimizer="fast_compile")
POINTS = 100
CASES = [(declare, kind) for declare, kinds in MODELS.items() for kind in (*kinds, "auto")]


def discrete_variable(model):
    """Return the one discrete Boltzmann variable of a model."""
    [rv] = [v for v in model.free_RVs if is_discrete_boltzmann(v)]
    return rv


def joint_configurations(variable):
    """Return values of the variable, of its hidden units, and what `centre` takes, one a row."""
    n = int(np.prod(variable.shape))
    values = all_states(n, variable.states).reshape(-1, *variable.shape)
    hidden = all_states(variable.field.n_hidden, (0, 1))
    first, second = np.divmod(np.arange(len(values) * len(hidden)), len(hidden))
    values, hidden = values[first], hidden[second]
    flat = np.stack([variable.encode(v, np.broadcast_to(h, (*variable.batch, h.size)))
                     for v, h in zip(values, hidden, strict=True)])  # fmt: skip
    return values, hidden, flat


def log_densities(declare, kind, points=POINTS, seed=0):
    """Return the relaxed log-density and the sum over configurations at random points."""
    model = build(declare)
    relaxed = untransformed(ebm.relax(model, factor=kind))
    plain = untransformed(model)
    variable = RelaxedVariable(plain, discrete_variable(plain), kind, "test")
    values, hidden, x = joint_configurations(variable)
    value_var = plain.rvs_to_values[discrete_variable(plain)]
    others = [v for v in plain.value_vars if v is not value_var]

    configuration = pt.tensor("x", shape=x.shape[1:], dtype=x.dtype)
    centre = variable.centre(configuration)
    many = pt.tensor("values", shape=values.shape, dtype=value_var.dtype)
    all_x = pt.constant(x)
    log_odds = variable.hidden_log_odds(value_var)
    outputs = vectorize_graph(
        [plain.logp(jacobian=False), pt.zeros(0) if log_odds is None else log_odds],
        {value_var: many},
    )
    centres = vectorize_graph(centre, {configuration: all_x})
    discrete = pm.compile([*others, many], [*outputs, centres], mode=PY, on_unused_input="ignore")
    inputs = [relaxed.rvs_to_values[relaxed[v.name]] for v in others]
    z_value = relaxed.rvs_to_values[relaxed[variable.field_name]]
    relaxed_logp = pm.compile([*inputs, z_value], relaxed.logp(jacobian=False), mode=PY)

    rng = np.random.default_rng(seed)
    draws = pm.draw([plain[v.name] for v in others], points, random_seed=rng) if others else []
    got, want = [], []
    for k in range(points):
        theta = [np.asarray(draw[k]) for draw in draws]
        logp, odds, means = discrete(*theta, values.astype(value_var.dtype))
        if hidden.shape[1]:
            logp = logp - np.logaddexp(0, (1 - 2 * hidden) * odds).sum(axis=-1)
        z = means[rng.integers(len(means))] + rng.normal(size=means.shape[1:])
        axes = tuple(range(1, means.ndim))
        want.append(logsumexp(logp + norm.logpdf(z, means).sum(axis=axes)))
        got.append(float(relaxed_logp(*theta, z)))
    return np.array(got), np.array(want)


@pytest.mark.parametrize(("declare", "kind"), CASES, ids=lambda c: getattr(c, "__name__", c))
def test_the_density_is_the_sum_over_configurations(declare, kind):
    got, want = log_densities(declare, kind)
    assert np.ptp(want) > 0.5, "the points are all alike"
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)
