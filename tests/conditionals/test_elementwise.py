"""Likelihoods as fields: the field must reproduce the log-probability at every configuration."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from pytensor.compile.mode import Mode

import pymc_ebm as ebm

from pymc_ebm.conditionals.children import Children
from pymc_ebm.conditionals.conditional import Conditional
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


TABLE = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
MEANS = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]])
GROUP = np.array([[0, 1, 1], [1, 0, 0]])
PER_GROUP = RNG.normal(size=(2, 3))
WEIGHTS = RNG.normal(size=(2, 3))


def categorical(x, theta):
    pm.Categorical("y", p=pt.as_tensor(TABLE)[x], observed=RNG.integers(0, 3, (2, 3)))


def multinomial(x, theta):
    pm.Multinomial("y", 5, pt.as_tensor(TABLE)[x], observed=np.full((2, 3, 3), [1, 2, 2]))


def multivariate_normal(x, theta):
    pm.MvNormal(
        "y", pt.as_tensor(MEANS)[x], cov=np.eye(2) + 0.3, observed=RNG.normal(size=(2, 3, 2))
    )


def zero_inflated(x, theta):
    rates = pt.as_tensor(np.array([0.5, 2.0, 6.0]))
    pm.ZeroInflatedPoisson("y", 0.7, rates[x], observed=RNG.poisson(1, (2, 3)))


def hurdle(x, theta):
    pm.HurdlePoisson("y", psi=0.6, mu=0.5 + x, observed=RNG.poisson(1, (2, 3)))


def ordered(x, theta):
    pm.OrderedLogistic(
        "y", eta=theta * x, cutpoints=[-1.0, 1.0], observed=RNG.integers(0, 3, (2, 3))
    )


def normal_mixture(x, theta):
    mu = pt.stack([1.0 * x, -1.0 * x], axis=-1)
    pm.NormalMixture("y", w=[0.3, 0.7], mu=mu, sigma=1.0, observed=IMAGE)


def effect_of_group_and_state(x, theta):
    pm.Normal("y", mu=theta * pt.as_tensor(PER_GROUP)[GROUP, x], observed=IMAGE)


def one_hot(x, theta):
    hot = pt.eq(x[..., None], np.arange(3))
    pm.Normal("y", mu=(hot * np.array([0.0, theta_free, 2.0])).sum(-1), observed=IMAGE)


theta_free = 0.7


def in_pieces(x, theta):
    pieces = pt.concatenate([x[0], x[1]]), pt.stack([x[0, 0], x[1, 2]])
    pm.Normal("y", mu=theta * pieces[0], observed=IMAGE.reshape(-1))
    pm.Normal("z", mu=pieces[1], observed=[0.3, 0.4])


def written_into(x, theta):
    whole = pt.zeros(8)[2:].set(1.0 * x.flatten())
    pm.Normal("y", mu=theta + whole, observed=np.arange(8.0))


def weighted_potential(x, theta):
    pm.Potential("y", -0.5 * pt.dot(WEIGHTS.reshape(-1), x.flatten()) + theta * x.mean())


def no_wrap(x, theta):
    pm.Normal("y", mu=100 * x * x, sigma=50.0, observed=100 * IMAGE)


LABELLED = [
    categorical, multinomial, multivariate_normal, zero_inflated, hurdle, ordered, normal_mixture,
    effect_of_group_and_state, one_hot, in_pieces, written_into, weighted_potential, no_wrap,
]  # fmt: skip


def total_of_spins(x, theta):
    pm.Normal("y", x.sum(), 2.0, observed=1.0)


def indexed_by_itself(x, theta):
    pm.Normal("y", mu=x.flatten()[x.flatten()] * 1.0, observed=np.arange(6.0))


def neighbours(x, theta):
    pm.Normal("y", mu=theta * x[:, :-1] * x[:, 1:], observed=IMAGE[:, 1:])


def part_single_part_tied(x, theta):
    pm.Normal("y", mu=1.0 * x, observed=IMAGE)
    pm.Potential("tie", -0.3 * (x.mean() - theta) ** 2)


def sorted_values(x, theta):
    pm.Normal("y", mu=pt.sort(1.0 * x, axis=1), observed=IMAGE)


TYING = [total_of_spins, indexed_by_itself, neighbours, part_single_part_tied, sorted_values]


def evaluated(model, s, states):
    """Return what the sorted terms add up to, and the log-probability, of every configuration."""
    found = Children.of(model, s)
    value_var, terms = model.rvs_to_values[s], found.terms
    columns, tied = terms.columns(s.owner.op.energy.states), terms.tied_sum()
    logps = model.logp(vars=found.all, sum=False)
    total = sum(logp.sum() for logp in logps)
    outputs = [terms.rest_sum(), total, *(columns or []), *([tied] if tied is not None else [])]
    free = [v for v in model.value_vars if v is not value_var]
    evaluate = pm.compile([*free, value_var], outputs, mode=PY, on_unused_input="ignore")
    rng = np.random.default_rng(1)
    point = {v.name: 0.5 * rng.normal(size=v.type.shape) for v in free}
    parts, whole = [], []
    for state in states:
        rest, logp, *said = evaluate(**point, **{value_var.name: state})
        ties = said.pop() if tied is not None else 0.0
        numbers = np.searchsorted(s.owner.op.energy.states, state)
        single = np.take_along_axis(np.stack(said), numbers[None], 0).sum() if said else 0.0
        parts.append(rest + ties + single)
        whole.append(logp)
    return found, np.array(parts), np.array(whole)


@pytest.mark.filterwarnings("ignore:Data in y contains missing")
@pytest.mark.parametrize("child", CHILDREN, ids=lambda c: c.__name__)
def test_fields_of_spins_reproduce_the_log_probability(child):
    with pm.Model() as model:
        theta = pm.Normal("theta")
        s = ebm.Ising("s", 0.4, graph=ebm.Graph.square(2, 3, periodic=False))
        child(s, theta)
    found, parts, whole = evaluated(model, s, STATES)
    assert not found.tying
    np.testing.assert_allclose(parts, whole, atol=1e-10)


@pytest.mark.parametrize("child", [*LABELLED, *TYING], ids=lambda c: c.__name__)
def test_columns_and_ties_reproduce_the_log_probability(child):
    with pm.Model() as model:
        theta = pm.Normal("theta")
        x = ebm.Potts("x", 0.4, q=3, graph=ebm.Graph.square(2, 3, periodic=False))
        child(x, theta)
    states = np.random.default_rng(2).integers(0, 3, (40, 2, 3))
    found, parts, whole = evaluated(model, x, states)
    assert bool(found.tying) == (child in TYING)
    np.testing.assert_allclose(parts, whole, atol=1e-10)


def test_what_observations_are_about_is_read_anew():
    with pm.Model() as model:
        place = pm.Data("place", np.array([0, 1]))
        s = ebm.Ising("s", 0.4, graph=ebm.Graph.complete(3))
        pm.Normal("y", mu=2.0 * s[place], sigma=1.0, observed=[5.0, -5.0])
    conditional = Conditional("test", s, model, None)
    np.testing.assert_allclose(conditional.at({}).field, [[10.0, -10.0, 0.0]])
    with model:
        pm.set_data({"place": np.array([2, 0])})
    with pytest.raises(AssertionError, match="have changed since this was compiled"):
        conditional._children.forget()
        conditional.at({})
    conditional.forget()
    np.testing.assert_allclose(conditional.at({}).field, [[-10.0, 0.0, 10.0]])


def test_smoothness_is_told():
    with pm.Model() as model:
        x = ebm.Potts("x", 0.4, q=3, graph=ebm.Graph.complete(3))
        pm.Normal("y", mu=x.mean(), observed=1.0)
        smooth = Children.of(model, x).smooth
        pm.Categorical("z", p=pt.as_tensor(TABLE)[x.sum() % 3], observed=1)
    assert smooth
    assert not Children.of(model, x).smooth
