"""Each check on traces whose answer is known, with its false-alarm rate."""

import arviz as az
import numpy as np
import pytest

from scipy.stats import binom

from pymc_ebm.diagnostics import bfmi, chain_agreement, ess, mcse, movement, rhat
from pymc_ebm.diagnostics.finding import Series

RNG = np.random.default_rng(8)


def series(values, kind="energy", name="E"):
    return [Series(name, kind, np.asarray(values, float))]


def ar1(rho, chains=4, draws=1000, rng=RNG):
    """Stationary autoregression: integrated autocorrelation time (1 + ρ)/(1 − ρ)."""
    noise = rng.normal(size=(chains, draws))
    x = np.empty_like(noise)
    x[:, 0] = noise[:, 0] / np.sqrt(1 - rho**2)
    for t in range(1, draws):
        x[:, t] = rho * x[:, t - 1] + noise[:, t]
    return x


IID = RNG.normal(size=(4, 1000))
APART = IID + np.array([[0.0], [0.0], [0.0], [3.0]])
SLOW = ar1(0.998)
ALL = (movement.check, rhat.check, ess.check, mcse.check, chain_agreement.check)


def test_independent_draws_pass_everything():
    for check in ALL:
        assert all(f.verdict == "pass" for f in check(series(IID)))


@pytest.mark.parametrize("check", [rhat.check, chain_agreement.check])
def test_chains_apart_fail(check):
    [finding] = check(series(APART))
    assert finding.verdict == "fail"
    assert finding.remedy


@pytest.mark.parametrize("check", [rhat.check, ess.check, mcse.check])
def test_slow_chains_fail(check):
    assert any(f.verdict == "fail" for f in check(series(SLOW)))


def test_ess_and_mcse_of_an_autoregression_are_the_known_ones():
    x = ar1(0.5, draws=4000)
    bulk, _tail = ess.check(series(x))
    assert bulk.value == pytest.approx(16_000 / 3, rel=0.15)  # τ = 3; ESS is known to ~5 %
    [error] = mcse.check(series(x))
    assert error.value == pytest.approx(np.sqrt(3 / 16_000), rel=0.1)


def test_frozen_and_reducible_chains_fail():
    frozen = np.ones((2, 100))
    stuck = np.repeat([[1.0], [2.0]], 100, axis=1)
    assert movement.check(series(frozen))[0].meaning == "never changed in any chain"
    assert movement.check(series(stuck))[0].verdict == "fail"
    assert movement.check(series(stuck, kind="variable"))[0].verdict == "fail"
    assert movement.check(series(frozen, kind="variable")) == []  # one pixel may be certain
    for check in (rhat.check, ess.check, mcse.check, chain_agreement.check):
        assert check(series(frozen)) == []


@pytest.mark.parametrize("check", [rhat.check, ess.check, mcse.check, chain_agreement.check])
def test_too_few_draws_are_not_enough_rather_than_fine(check):
    [finding, *_] = check(series(IID[:, :10]))
    assert finding.verdict == "not enough"


@pytest.mark.parametrize("check", [rhat.check, chain_agreement.check])
def test_one_chain_is_not_enough(check):
    [finding] = check(series(IID[:1]))
    assert finding.verdict == "not enough"


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_chain_agreement_has_its_stated_false_alarm_rate(rho):
    """300 correct runs at the 1 % level: alarms above the 99.9 % point of a binomial would be odd.

    The level of a test with estimated errors is allowed 2 %; false alarm of this test 0.1 %.
    """
    rng = np.random.default_rng(9)
    alarms = sum(
        chain_agreement.check(series(ar1(rho, rng=rng)))[0].verdict == "fail" for _ in range(300)
    )
    assert alarms <= binom.isf(0.001, 300, 0.02)


def test_chain_agreement_sees_a_chain_that_stands_still():
    x = IID.copy()
    x[2] = x[2, 0]
    [finding] = chain_agreement.check(series(x))
    assert finding.verdict == "fail"


def test_bfmi_where_there_is_a_hamiltonian_energy():
    def trace(energy):
        return az.from_dict({"posterior": {"x": IID}, "sample_stats": {"energy": energy}})

    assert bfmi.check(trace(IID))[0].verdict == "pass"
    drifting = np.cumsum(IID, axis=1)
    assert bfmi.check(trace(drifting))[0].verdict == "fail"
    assert bfmi.check(az.from_dict({"posterior": {"x": IID}})) == []
    assert bfmi.check(trace(np.stack([IID, IID], axis=-1))) == []
