"""Each check on chains whose answer is known, with its false-alarm rate."""

import numpy as np
import pytest
import xarray as xr

from scipy.stats import binom

from pymc_ebm.diagnostics import (
    acceptance,
    autocorrelation_time,
    bfmi,
    chain_agreement,
    divergences,
    drift,
    duplicates,
    ess,
    flux,
    frozen,
    ladder,
    mcse,
    movement,
    periodicity,
    rhat,
    start_up,
    tree_depth,
)
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Test, decide
from pymc_ebm.diagnostics.series import Series
from pymc_ebm.diagnostics.slow_directions import slow_directions


def evidence(values, kind="energy", name="E", **kwargs):
    return Evidence([Series(name, kind, np.asarray(values, float))], **kwargs)


def verdicts(check, values, **kwargs):
    return {f.verdict for f in decide(check(evidence(values, **kwargs)))}


def ar1(rho, rng, chains=4, draws=1000):
    """Stationary autoregression: integrated autocorrelation time (1 + ρ)/(1 − ρ)."""
    noise = rng.normal(size=(chains, draws))
    x = np.empty_like(noise)
    x[:, 0] = noise[:, 0] / np.sqrt(1 - rho**2)
    for t in range(1, draws):
        x[:, t] = rho * x[:, t - 1] + noise[:, t]
    return x


@pytest.fixture
def rng():
    return np.random.default_rng(8)


@pytest.fixture
def iid(rng):
    return rng.normal(size=(4, 1000))


THRESHOLDS = (movement.check, rhat.check, ess.check, mcse.check, autocorrelation_time.check)
TESTS = (
    chain_agreement.check,
    drift.check,
    start_up.check,
    duplicates.check,
    periodicity.check,
)


@pytest.mark.parametrize("check", [*THRESHOLDS, *TESTS, flux.check])
def test_independent_draws_pass(check, iid):
    assert verdicts(check, iid) == {"pass"}


@pytest.mark.parametrize("check", [rhat.check, chain_agreement.check])
def test_chains_apart_fail(check, iid):
    assert "fail" in verdicts(check, iid + np.array([[0.0], [0.0], [0.0], [3.0]]))


@pytest.mark.parametrize("check", [rhat.check, ess.check, mcse.check])
def test_slow_chains_fail(check, rng):
    assert "fail" in verdicts(check, ar1(0.998, rng))


def test_slow_chains_leave_the_autocorrelation_time_open(rng):
    assert verdicts(autocorrelation_time.check, ar1(0.998, rng)) == {"not enough"}


def test_ess_mcse_and_autocorrelation_time_of_an_autoregression_are_the_known_ones(rng):
    x = ar1(0.5, rng, draws=4000)
    bulk, _tail = ess.check(evidence(x))
    assert bulk.value == pytest.approx(16_000 / 3, rel=0.15)  # τ = 3; ESS is known to ~5 %
    [error] = mcse.check(evidence(x))
    assert error.value == pytest.approx(np.sqrt(3 / 16_000), rel=0.1)
    [tau] = autocorrelation_time.check(evidence(x))
    assert tau.value == pytest.approx(3, rel=0.15)


def test_frozen_and_reducible_chains_fail():
    still = np.ones((2, 100))
    stuck = np.repeat([[1.0], [2.0]], 100, axis=1)
    assert movement.check(evidence(still))[0].meaning == "never changed in any chain"
    assert movement.check(evidence(stuck))[0].verdict == "fail"
    assert movement.check(evidence(stuck, kind="variable"))[0].verdict == "fail"
    assert movement.check(evidence(still, kind="variable")) == []  # one pixel may be certain
    for check in (*THRESHOLDS[1:], *TESTS):
        assert check(evidence(still)) == []


@pytest.mark.parametrize("check", [*THRESHOLDS[1:], chain_agreement.check, drift.check])
def test_too_few_draws_are_not_enough_rather_than_fine(check, iid):
    assert verdicts(check, iid[:, :10]) == {"not enough"}


@pytest.mark.parametrize("check", [rhat.check, chain_agreement.check])
def test_one_chain_is_not_enough(check, iid):
    assert verdicts(check, iid[:1]) == {"not enough"}


@pytest.mark.parametrize("rho", [0.0, 0.9])
@pytest.mark.parametrize("check", TESTS)
def test_tests_have_their_stated_false_alarm_rate(check, rho):
    """300 correct runs at the 1 % level: more alarms than 99.9 % of binomials would be odd.

    The level of a test with estimated errors is allowed 2 %; false alarm of this test 0.1 %.
    """
    rng = np.random.default_rng(9)
    p_values = [check(evidence(ar1(rho, rng)))[0].p_value for _ in range(300)]
    assert np.sum(np.array(p_values) < 0.01) <= binom.isf(0.001, 300, 0.02)


@pytest.mark.parametrize("count", [1, 100])
def test_rhat_allows_for_chance(count):
    """No more than CHANCE = 0.1 % of correct runs fail, however many quantities there are."""
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(20):
        series = [Series(str(k), "variable", ar1(0.8, rng, draws=400)) for k in range(count)]
        alarms += any(f.verdict == "fail" for f in rhat.check(Evidence(series)))
    assert alarms == 0  # 20 runs at 0.1 %: false alarm of this test 2 %


def test_chain_agreement_sees_a_chain_that_stands_still(iid):
    iid[2] = iid[2, 0]
    assert verdicts(chain_agreement.check, iid) == {"fail"}


def test_drift_and_start_up_see_their_faults(rng):
    trend = ar1(0.5, rng) + np.linspace(0, 1, 1000)
    assert verdicts(drift.check, trend) == {"fail"}
    first = ar1(0.5, rng)
    first[:, :40] += 6 * np.exp(-np.arange(40) / 10)
    assert verdicts(start_up.check, first) == {"fail"}


def test_one_rare_but_legitimate_start_is_no_alarm(rng):
    """A mode of 5 %, left after twenty draws, that one chain starts in: extreme, and correct."""
    inside = np.zeros((4, 1000), bool)
    inside[0, 0] = True
    for t in range(1, 1000):
        anew = rng.random(4) < 0.05
        inside[:, t] = np.where(rng.random(4) < 0.95, inside[:, t - 1], anew)
    x = rng.normal(size=(4, 1000)) + 30 * inside
    assert verdicts(start_up.check, x) == {"pass"}


def test_copied_and_coupled_chains_are_seen(iid, rng):
    iid[3] = iid[1]
    [finding] = decide(duplicates.check(evidence(iid)))
    assert finding.verdict == "fail"
    assert "chains 1 and 3" in finding.meaning
    common = rng.normal(size=1000)
    coupled = rng.normal(size=(4, 1000))
    coupled[:2] += 0.5 * common
    assert verdicts(duplicates.check, coupled) == {"fail"}


def test_a_coincidence_of_rare_events_is_no_correlation():
    x = np.zeros((4, 1000))
    x[0, 500] = x[1, 500] = x[2, 3] = x[3, 77] = 1
    assert duplicates.check(evidence(x)) == []
    assert start_up.check(evidence(x)) == []


@pytest.mark.parametrize("period", [2, 3])
def test_periods_are_seen_and_antithetic_chains_are_not_taken_for_one(period, rng):
    wave = np.cos(2 * np.pi * np.arange(1000) / period)
    assert verdicts(periodicity.check, rng.normal(size=(4, 1000)) + 0.6 * wave) == {"fail"}
    assert verdicts(periodicity.check, ar1(-0.8, rng)) == {"pass"}


def test_flux_of_a_rotating_kernel_is_a_fact_not_a_failure(rng):
    angle = np.cumsum(0.8 + 0.1 * rng.normal(size=(4, 1000)), axis=1)
    sawtooth = angle % (2 * np.pi)
    assert verdicts(flux.check, sawtooth) == {"info"}


def test_multivariate_rhat_sees_what_no_single_quantity_shows(rng):
    """Two quantities, each the same in all chains; their sum differs."""
    z = rng.normal(size=(4, 2000, 2))
    shift = np.array([[0.3], [-0.3], [0.3], [-0.3]])
    common = 3 * z[..., 0]
    a, b = common + z[..., 1] + 0.15 * shift, -common + 0.1 * rng.normal(size=(4, 2000)) + shift
    together = Evidence([Series("a", "energy", a), Series("b", "energy", b)])
    found = {(f.check, f.quantity): f for f in rhat.check(together)}
    assert found["R-hat", "a"].verdict == "pass"
    assert found["multivariate R-hat", "2 quantities"].verdict == "fail"


def test_local_rhat_sees_scales_that_differ(rng):
    scales = np.array([[1.0], [1.0], [1.0], [3.0]])
    found = rhat.check(evidence(rng.normal(size=(4, 2000)) * scales))
    assert {f.check: f.verdict for f in found}["local R-hat"] == "fail"


def test_nested_rhat_of_many_short_chains(rng):
    x = rng.normal(size=(16, 50))
    ids = np.repeat(np.arange(4), 4)
    names = {f.check: f for f in rhat.check(evidence(x, superchains=ids))}
    assert names["nested R-hat"].verdict == "pass"
    x += ids[:, None]
    names = {f.check: f for f in rhat.check(evidence(x, superchains=ids))}
    assert names["nested R-hat"].verdict == "fail"


def test_the_slowest_direction_is_found_and_judged_on_other_draws(rng):
    fast = rng.normal(size=(4, 1000, 5))
    slow = ar1(0.95, rng)
    mixed = fast + np.array([1, -1, 1, 0, 0]) * slow[..., None] / 3
    posterior = xr.Dataset({"x": (("chain", "draw", "k"), mixed)})
    first, _second = slow_directions(posterior)
    assert first.values.shape == (4, 500)
    assert abs(np.corrcoef(first.values.ravel(), slow[:, 500:].ravel())[0, 1]) > 0.8
    blind = slow_directions(xr.Dataset({"x": (("chain", "draw", "k"), fast)}))
    assert max(abs(s.autocorrelation[1]) for s in blind) < 4 / np.sqrt(2000)  # 4 standard errors


def sampler(**stats):
    data = {k: (("chain", "draw"), np.asarray(v)) for k, v in stats.items()}
    return Evidence(sampler=xr.Dataset(data))


def test_bfmi_where_there_is_a_hamiltonian_energy(iid):
    assert bfmi.check(sampler(energy=iid))[0].verdict == "pass"
    assert bfmi.check(sampler(energy=np.cumsum(iid, axis=1)))[0].verdict == "fail"
    assert bfmi.check(Evidence()) == []


def test_facts_of_hamiltonian_samplers():
    none, some = np.zeros((4, 100), bool), np.zeros((4, 100), bool)
    some[2, 7] = True
    assert divergences.check(sampler(diverging=none))[0].verdict == "pass"
    assert divergences.check(sampler(diverging=some))[0].verdict == "fail"  # one of 400
    rare = np.zeros((4, 1000), bool)
    rare[0, 0] = True
    assert divergences.check(sampler(diverging=rare))[0].verdict == "pass"
    assert tree_depth.check(sampler(reached_max_treedepth=some))[0].verdict == "pass"
    assert tree_depth.check(sampler(maxdepth_reached=~some))[0].verdict == "fail"
    accepted = np.full((4, 100), 0.8)
    assert acceptance.check(sampler(acceptance_rate=accepted))[0].verdict == "pass"
    accepted[1] = 0.01
    assert acceptance.check(sampler(acceptance_rate=accepted))[0].verdict == "fail"
    [size] = acceptance.check(sampler(cluster_size=np.full((4, 100), 17.0)))
    assert (size.verdict, size.value) == ("info", 17.0)
    for check in (divergences.check, tree_depth.check, acceptance.check, ladder.check):
        assert check(Evidence()) == []


def test_ladders_are_judged_by_round_trips_and_swaps():
    shape = (2, 100)
    good = sampler(
        round_trips=np.ones(shape, int), barrier=np.full(shape, 4.0),
        sweeps=np.full(shape, 10), swap_rejection=np.full(shape, 0.4),
    )  # fmt: skip
    found = {f.check: f for f in ladder.check(good)}
    assert found["round trips"].verdict == "pass"
    assert found["ladder efficiency"].value == pytest.approx(100 / (1000 / 10))
    broken = sampler(
        round_trips=np.zeros(shape, int), barrier=np.full(shape, 1.0),
        sweeps=np.full(shape, 10), swap_rejection=np.full(shape, 0.99),
    )  # fmt: skip
    assert [f.verdict for f in ladder.check(broken)] == ["fail", "info", "fail"]


def test_frozen_entries_and_conserved_combinations(rng):
    def judged(x):
        found = frozen.check(Evidence(posterior=xr.Dataset({"x": (("chain", "draw", "k"), x)})))
        return {f.check: f.verdict for f in found}

    x = rng.normal(size=(4, 200, 6))
    assert judged(x) == {"frozen entries": "pass", "conserved combinations": "pass"}
    certain = x.copy()
    certain[..., 2] = 5.0  # the same everywhere: may be known for sure
    assert judged(certain)["frozen entries"] == "pass"
    certain[..., 2] = np.arange(4)[:, None]
    assert judged(certain)["frozen entries"] == "fail"
    x[..., 5] = np.arange(4)[:, None] - x[..., :5].sum(axis=-1)
    assert judged(x)["conserved combinations"] == "fail"
    x[..., 5] = 1 - x[..., :5].sum(axis=-1)  # a constraint of the model, such as a simplex
    assert judged(x)["conserved combinations"] == "pass"


def test_all_tests_together_keep_the_stated_false_alarm_rate():
    """Uniform p-values, many in one check and one in another: 1 % of reports fail.

    2 000 reports; the count is held against the 99.9 % point of a binomial.
    """
    rng = np.random.default_rng(2)

    def tests(check, count):
        return [Test(check, str(k), "model", rng.random(), "", "", "") for k in range(count)]

    alarms = sum(
        any(f.verdict == "fail" for f in decide([*tests("a", 100), *tests("b", 1)]))
        for _ in range(2000)
    )
    assert 2 <= alarms <= binom.isf(0.001, 2000, 0.01)


def test_many_quantities_do_not_dilute_another_check():
    weak = [Test("a", str(k), "model", 0.5, "", "", "") for k in range(1000)]
    strong = Test("b", "energy", "energy", 0.002, "fine", "bad", "do this")
    finding = decide([*weak, strong])[-1]
    assert (finding.verdict, finding.meaning, finding.remedy) == ("fail", "bad", "do this")
