"""Likelihoods as fields: the field must reproduce the log-probability at every configuration."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from pytensor.compile.mode import Mode

import pymc_ebm as ebm

from pymc_ebm.children.elementwise import NotElementwiseError, field_from_terms
from tests.oracles import all_spins

PY = Mode(linker="py", optimizer="fast_compile")
STATES = all_spins(6).reshape(64, 2, 3)
RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(2, 3))
MASK = np.array([[True, False, True], [True, True, False]])


def normal(s, theta):
    pm.Normal("y", mu=theta * s + 1, sigma=pt.exp(theta), observed=IMAGE)


def bernoulli(s, theta):
    pm.Bernoulli("y", p=pt.where(s > 0, 0.9, pm.math.sigmoid(theta)), observed=IMAGE > 0)


def poisson(s, theta):
    pm.Poisson("y", mu=pt.exp(0.5 * s + theta), observed=RNG.poisson(2, (2, 3)))


def flip_channel(s, theta):
    def logp(value, s, theta):
        flip = pm.math.sigmoid(theta)
        return pt.log(pt.where(pt.eq(value, s), 1 - flip, flip))

    pm.CustomDist("y", s, theta, logp=logp, observed=np.sign(IMAGE))


def missing_pixels(s, theta):
    pm.Normal("y", mu=theta * s[MASK], sigma=0.7, observed=IMAGE[MASK])


def missing_pixels_masked(s, theta):
    pm.Normal("y", mu=theta * s, sigma=0.7, observed=np.ma.masked_array(IMAGE, ~MASK))


def several_images(s, theta):
    pm.Normal("y", mu=theta * s, sigma=0.5, observed=RNG.normal(size=(4, 2, 3)))


def repeated_entries(s, theta):
    pm.Normal("y", mu=theta * s.reshape((6,))[[0, 0, 5, 3, 3, 3]], observed=RNG.normal(size=6))


def transposed_and_flat(s, theta):
    pm.Normal("y", mu=theta * s.T.flatten(), observed=IMAGE.T.reshape(-1))


def latent_child(s, theta):
    pm.Normal("y", mu=theta * s, sigma=1.0, shape=(2, 3))


def potential_sum(s, theta):
    pm.Potential("y", pt.sum(theta * s * IMAGE) + pt.sum(pt.exp(-theta * s)))


def two_children(s, theta):
    normal(s, theta)
    pm.Potential("tilt", 0.3 * s)


def mixture(s, theta):
    pm.Normal(
        "y", mu=pt.switch(s > 0, theta, -1.0), sigma=pt.switch(s > 0, 0.3, 2.0), observed=IMAGE
    )


CHILDREN = [
    normal, bernoulli, poisson, flip_channel, missing_pixels, missing_pixels_masked,
    several_images, repeated_entries, transposed_and_flat, latent_child, potential_sum,
    two_children, mixture,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Data in y contains missing")
@pytest.mark.parametrize("coding", ["spin", "binary"])
@pytest.mark.parametrize("child", CHILDREN, ids=lambda c: c.__name__)
def test_field_reproduces_the_log_probability(child, coding):
    with pm.Model() as model:
        theta = pm.Normal("theta")
        s = ebm.Ising("s", 0.4, graph=ebm.Graph.square(2, 3, periodic=False))
        child(s, theta)
    states = STATES.astype(np.int8)
    low, high = -1, 1
    value_var = model.rvs_to_values[s]
    terms = [t for t in [*model.free_RVs, *model.observed_RVs, *model.potentials] if t is not s]
    logps = model.logp(vars=terms, sum=False)
    if coding == "binary":  # the same graph, read as a function of the two values 0 and 1
        states, low, high = (states + 1) // 2, 0, 1
    field = field_from_terms(logps, value_var, low, high)
    total = sum(logp.sum() for logp in logps)
    free = [v for v in model.value_vars if v is not value_var]
    evaluate = pm.compile([*free, value_var], [field, total], mode=PY)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        point = {v.name: 0.5 * rng.normal(size=v.type.shape) for v in free}
        fields, totals = zip(*(evaluate(**point, s=state) for state in states), strict=True)
        np.testing.assert_allclose(fields, np.broadcast_to(fields[0], np.shape(fields)))
        spins = np.sign(2.0 * states - (low + high)).reshape(64, 6)
        linear = spins @ np.ravel(fields[0])
        np.testing.assert_allclose(np.array(totals) - linear, (totals - linear)[0], atol=1e-10)


@pytest.mark.parametrize(
    "term",
    [
        lambda s: -((pt.sum(s) - 1.0) ** 2),
        lambda s: s * s[::-1],
        lambda s: pt.dot(IMAGE.T, s)[0],
        lambda s: pt.cumsum(s.flatten()) * 1.0,
        lambda s: s[:, 0] * s[:, 1],
        lambda s: pt.log(pt.sum(pt.exp(s * IMAGE), axis=0)),
    ],
)
def test_terms_that_tie_spins_together_are_refused(term):
    s = pt.tensor("s", shape=(2, 3), dtype="int8")
    with pytest.raises(NotElementwiseError):
        field_from_terms([term(s)], s, -1, 1)


def test_terms_without_the_spins_exert_no_field():
    s = pt.tensor("s", shape=(2, 3), dtype="int8")
    assert field_from_terms([pt.vector("other")], s, -1, 1) is None
