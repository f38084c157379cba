"""The pseudo-likelihood against conditionals by brute force, and its corrected posterior."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from pytensor.compile.mode import Mode

import pymc_ebm as ebm

from tests.oracles import all_spins

PY = Mode(linker="py", optimizer="fast_compile")
E = ebm.energies
RNG = np.random.default_rng(0)
SMALL = ebm.Graph.square(3, 3, periodic=False)
LARGE = ebm.Graph.from_edges([(k, (k + 1) % 70) for k in range(70)] + [(0, 35)])


def brute(energy, x):
    """Sum over entries of log p(x_i | rest), by energies of all single changes."""
    value = pt.tensor(shape=x.shape, dtype="int8")
    energy_of = pytensor.function([value], energy(value), mode=PY)
    total = 0.0
    for index in np.ndindex(*energy.event_shape):
        log_p = []
        for state in energy.states:
            changed = x.copy()
            changed[index] = state
            log_p.append(-float(energy_of(changed)))
        total += -float(energy_of(x)) - np.logaddexp.reduce(log_p)
    return total


@pytest.mark.parametrize(
    "energy",
    [
        E.Ising(RNG.normal(size=SMALL.n_edges), RNG.normal(size=(3, 3)), graph=SMALL),
        E.Ising(0.7, -0.2, graph=SMALL),
        E.Ising(RNG.normal(size=LARGE.n_edges), 0.1, graph=LARGE),
        E.BoltzmannMachine(RNG.normal(size=SMALL.n_edges), 0.3, graph=SMALL),
        E.Potts(0.5, RNG.normal(size=(3, 3, 3)), q=3, graph=SMALL),
        E.Potts(RNG.normal(size=SMALL.n_edges), q=4, graph=SMALL),
        E.BlumeCapel(RNG.normal(size=SMALL.n_edges), 0.2, 0.5, graph=SMALL),
    ],
    ids=lambda e: f"{type(e).__name__}-{e.parameters[next(iter(e.parameters))].ndim}",
)
def test_against_conditionals(energy):
    data = RNG.choice(energy.states, (2, *energy.event_shape)).astype(np.int8)
    with pm.Model() as model:
        beta = pm.HalfNormal("beta")
        s = ebm.Boltzmann("s", energy, beta=beta, observed=data, log_partition="pseudo")
    got = model.compile_logp(vars=[s], sum=False, mode=PY)({"beta_log__": np.log(0.8)})[0]
    np.testing.assert_allclose(got, [brute(0.8 * energy, x) for x in data], rtol=1e-10)


@pytest.mark.usefixtures("interpreted")
def test_log_likelihood_group_is_normalised():
    """What loo and compare read: probabilities of observations that sum to one."""
    states = all_spins(4)
    with pm.Model() as model:
        J = pm.Normal("J", shape=6)
        ebm.Ising("s", J, graph=ebm.Graph.complete(4), observed=states, log_partition="auto")
        W = pm.Normal("W", shape=(4, 2))
        ebm.RBM("v", W, observed=(states + 1) // 2, log_partition="auto")
        idata = pm.sample_prior_predictive(5, random_seed=1)
        idata["posterior"] = idata["prior"]
        pm.compute_log_likelihood(idata, progressbar=False)
    for name in ("s", "v"):
        log_p = idata["log_likelihood"][name].to_numpy()
        assert log_p.shape == (1, 5, 16)
        np.testing.assert_allclose(np.exp(log_p).sum(axis=-1), 1.0, rtol=1e-10)
    assert model["s"] is not None
