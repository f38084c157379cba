"""What holds for every discrete family: against enumeration, from one table."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from scipy.special import logsumexp
from scipy.stats import chisquare

import pymc_ebm as ebm

from pymc_ebm import kernels
from pymc_ebm.dependence import PY
from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.pairwise import Pairwise, PairwiseEnergy
from pymc_ebm.forward import draw
from pymc_ebm.log_z.exact.log_partition import METHODS, one_row
from pymc_ebm.log_z.pseudo_likelihood import pseudo_log_likelihood
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.moves.metropolis import Metropolis
from pymc_ebm.states import States
from tests.families import FAMILIES, GRAPH, Family, J, pairs

BETA = 0.8
NAMES = list(FAMILIES)
PAIRWISE = [name for name in NAMES if Coded.of(FAMILIES[name].energy) is not None]


class Stranger(PairwiseEnergy):
    """A family from outside the package: states −2, 0 and 3 that repel by their distance."""

    def __init__(self, J, graph):
        super().__init__(graph, {"J": J}, {"J": 0})

    @property
    def states(self):
        return States("numbers", (-2, 0, 3))

    def pairwise_form(self):
        values = np.array(self.states)
        distance = np.abs(np.subtract.outer(values, values)).astype(float)
        return Pairwise(self.graph, self.states, distance, self.parameters["J"])


def from_outside(x):
    a, b = pairs(x, GRAPH)
    return -0.3 * np.abs(a - b).sum(1)


FAMILIES["from outside"] = Family(Stranger(0.3, GRAPH), from_outside)
NAMES.append("from outside")
PAIRWISE.append("from outside")


def shaped(family, values):
    return values.reshape(-1, *family.energy.event_shape)


@pytest.mark.parametrize("name", NAMES)
def test_the_energy_is_what_it_says(name):
    family = FAMILIES[name]
    got = family.energy(shaped(family, family.values)).eval(mode=PY)
    np.testing.assert_allclose(got, family.by_hand(family.values), atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_codes_go_there_and_back(name):
    states, values = FAMILIES[name].energy.states, FAMILIES[name].values
    code = states.encode(values)
    assert set(np.unique(code)) <= ({-1, 1} if states.two_valued else set(range(len(states))))
    np.testing.assert_array_equal(states.decode(code), values)
    np.testing.assert_array_equal(
        states.numbers(pt.as_tensor(values)).eval(mode=PY), np.searchsorted(states, values)
    )


def numeric_form(family, beta):
    """Return graph, couplings, interaction and fields of the coded form, as numbers."""
    form = Coded.of(family.energy)
    m, n = form.graph.n_edges, form.graph.n_vertices
    tail = () if form.is_spin else (len(form.states),)
    coupling = np.array(np.broadcast_to(beta * form.J.eval(mode=PY), m), float)
    field = np.broadcast_to(beta * form.field.eval(mode=PY), (*form.graph.shape, *tail))
    field = np.array(field, float).reshape(n, *tail)
    if form.states.absent() is not None:
        field += form.states.absent().reshape(n, *tail)
    K = None if form.is_spin else np.array(pt.as_tensor(form.interaction).eval(mode=PY), float)
    return form, coupling, K, field


@pytest.mark.parametrize("name", PAIRWISE)
def test_the_coded_form_is_the_energy_to_the_last_constant(name):
    family = FAMILIES[name]
    form, coupling, K, field = numeric_form(family, 1.0)
    code = form.states.encode(family.values)
    first, second = np.ascontiguousarray(form.graph.edges.T, np.int32)
    weight = [
        kernels.log_weight.spin_log_weight(x, first, second, coupling, field)
        if K is None
        else kernels.log_weight.states_log_weight(x, first, second, coupling, K, field)
        for x in code
    ]
    offset = form.offset.eval(mode=PY)
    np.testing.assert_allclose(
        -np.array(weight) + offset, family.by_hand(family.values), atol=1e-12
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_log_probability_normalises_and_ends_with_the_support(name):
    family = FAMILIES[name]
    values = family.values
    low, high = min(family.energy.states), max(family.energy.states)
    outside = np.repeat(values[:1], 2, axis=0)
    outside[[0, 1], [0, 1]] = [low - 1, high + 1]
    if family.energy.states.counts is not None:
        outside[0] = values[0]
        outside[0, 0] = family.energy.states.counts.reshape(-1)[0]  # one too many for this vertex
    every = shaped(family, np.concatenate([values, outside]))
    rv = ebm.Boltzmann.dist(family.energy, beta=BETA, shape=every.shape, log_partition="enumerate")
    logp = pm.logp(rv, pt.as_tensor_variable(every)).eval(mode=PY)
    want = family.log_weights(BETA)
    np.testing.assert_allclose(logp[:-2], want - logsumexp(want), atol=1e-10)
    assert np.isneginf(logp[-2:]).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_exact_log_z_and_its_derivative(name):
    family = FAMILIES[name]
    beta = pt.dscalar("beta")
    want = logsumexp(family.log_weights(BETA))
    probabilities = np.exp(family.log_weights(BETA) - want)
    slope = -probabilities @ family.by_hand(family.values)
    problem, _ = one_row(family.energy, beta)
    used = []
    for method, how in METHODS.items():
        if how.obstacle(problem) is not None:
            continue
        log_z = ebm.log_partition(family.energy, beta=beta, method=method)
        got = pytensor.function([beta], [log_z, pt.grad(log_z, beta)], mode=PY)(BETA)
        np.testing.assert_allclose(got, [want, slope], atol=1e-9, err_msg=method)
        used.append(method)
    assert "enumerate" in used
    assert name not in PAIRWISE or "elimination" in used


@pytest.mark.parametrize("name", NAMES)
def test_the_pseudo_likelihood(name):
    family = FAMILIES[name]
    values, weights = family.values, family.log_weights(BETA)
    number = {tuple(x): k for k, x in enumerate(values.tolist())}
    want = np.zeros(len(values))
    for k, x in enumerate(values.tolist()):
        for i in range(len(x)):
            others = [(*x[:i], state, *x[i + 1 :]) for state in family.energy.states]
            there = [weights[number[o]] for o in others if o in number]
            want[k] += weights[k] - logsumexp(there)
    got = pseudo_log_likelihood(
        family.energy, pt.as_tensor(BETA), pt.as_tensor(shaped(family, values))
    )
    np.testing.assert_allclose(got.eval(mode=PY), want, atol=1e-10)


@pytest.mark.parametrize("move", [HeatBath, Metropolis])
@pytest.mark.parametrize("name", PAIRWISE)
def test_sweeps_keep_the_distribution(name, move):
    family = FAMILIES[name]
    form, coupling, K, field = numeric_form(family, BETA)
    weights = family.log_weights(BETA)
    probabilities = np.exp(weights - logsumexp(weights))
    rng = np.random.default_rng(3)
    start = rng.choice(len(weights), 20_000, p=probabilities)
    x = form.states.encode(family.values)[start]
    moves, state = move(form.graph, coupling, K), kernels.xoshiro.seed_state(rng)
    for chain in x:
        moves.sweep(chain, field, 1, state)
    # 36 runs of this test: a false alarm in one of 1 / 36e-5 ≈ 3 000 runs of them all
    assert p_value(family, form.states.decode(x), probabilities) > 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_forward_draws(name):
    family = FAMILIES[name]
    weights = family.log_weights(BETA)
    probabilities = np.exp(weights - logsumexp(weights))
    rng = np.random.default_rng(4)
    parameters = {k: v.eval(mode=PY) for k, v in family.energy.parameters.items()}
    drawn = draw(family.energy, rng, parameters, np.asarray(BETA), (20_000,))
    drawn = drawn.reshape(20_000, -1).astype(int)
    assert p_value(family, drawn, probabilities) > 1e-5


def p_value(family, drawn, probabilities):
    """Chi-square p-value of draws, rare configurations pooled."""
    number = {tuple(x): k for k, x in enumerate(family.values.tolist())}
    counts = np.bincount([number[tuple(x)] for x in drawn.tolist()], minlength=len(number))
    expected = len(drawn) * probabilities
    order = np.argsort(expected)
    pooled = int(np.searchsorted(np.cumsum(expected[order]), 5.0)) + 1
    rare, common = order[:pooled], order[pooled:]
    observed = np.append(counts[common], counts[rare].sum())
    return chisquare(observed, np.append(expected[common], expected[rare].sum())).pvalue


def test_a_kernel_that_is_slightly_wrong_is_caught():
    family = FAMILIES["Markov random field"]
    form, coupling, K, field = numeric_form(family, BETA)
    weights = family.log_weights(BETA)
    probabilities = np.exp(weights - logsumexp(weights))
    rng = np.random.default_rng(3)
    x = form.states.encode(family.values)[rng.choice(len(weights), 20_000, p=probabilities)]
    moves = HeatBath(form.graph, coupling, K.transpose(0, 2, 1))  # rows for columns
    state = kernels.xoshiro.seed_state(rng)
    for chain in x:
        moves.sweep(chain, field, 1, state)
    assert p_value(family, form.states.decode(x), probabilities) < 1e-5


def test_families_are_told_by_what_they_say_not_by_their_values():
    with pm.Model() as model:
        ebm.Boltzmann("clock", ebm.energies.Clock(0.5, q=4, graph=ebm.Graph.complete(4)))
        ebm.Boltzmann("clock_of_three", ebm.energies.Clock(0.5, q=3, graph=ebm.Graph.complete(4)))
        ebm.Potts("potts", np.abs(J), q=3, graph=GRAPH)
        ebm.Boltzmann("ordinal", FAMILIES["ordinal"].energy)
    chosen = ebm.recommend(model)
    assert chosen["clock"].step == "ParallelTempering"
    assert chosen["clock_of_three"].step == "SwendsenWang"  # cos 120° = −1/2: a Potts model
    assert chosen["potts"].step == "SwendsenWang"
    assert chosen["ordinal"].step == "ParallelTempering"
    with model, pytest.raises(ValueError, match="no clusters fit 'clock'"):
        ebm.Wolff([model["clock"]])
