"""Identities of states that are rare: their level, their power, and where they say nothing."""

import itertools

import numpy as np
import pytest

from scipy.stats import binom

from pymc_ebm.diagnostics import identities, kernel_stein
from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Test, decide
from pymc_ebm.diagnostics.monte_carlo import conditional_z_and_p

STATES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.int8)
CHAINS, DRAWS = 4, 250


def machine(b, c=(0.5,), W=((1.0,), (2.0,))):
    """Return the probabilities of an RBM with two visible units, p(v) ∝ e^{bv} Π_j (1 + e^{c_j + vW_j})."""
    log_p = STATES @ np.asarray(b) + np.logaddexp(0, np.asarray(c) + STATES @ np.asarray(W)).sum(1)
    return log_p - np.logaddexp.reduce(log_p)


def drawn(log_p, rows):
    """Return draws with the conditionals of each unit given the other, by enumeration."""
    table = log_p.reshape(2, 2)
    first = (table - np.logaddexp.reduce(table, axis=0)).T  # [v₂, v₁]
    second = table - np.logaddexp.reduce(table, axis=1)[:, None]  # [v₁, v₂]
    x = STATES[rows]
    conditional = np.stack([first[x[..., 1]], second[x[..., 0]]], axis=-2)
    return DiscreteDraws(
        "v", np.array([0, 1]), (2,), None, x, np.arange(2), conditional, None, False
    )


def sticky(log_p, stay, rng):
    """Return exact chains that keep their state with probability `stay`: τ = (1 + stay)/(1 − stay)."""
    rows = rng.choice(4, p=np.exp(log_p), size=(CHAINS, DRAWS))
    for t in range(1, DRAWS):
        rows[:, t] = np.where(rng.random(CHAINS) < stay, rows[:, t - 1], rows[:, t])
    return rows


@pytest.mark.parametrize(
    ("b", "stay", "runs"),
    [(-10.0, 0.0, 1000), (-5.0, 0.0, 200), (-7.0, 0.8, 200), (-4.0, 0.8, 200)],
)
def test_exact_draws_of_a_rare_unit_keep_the_level(b, stay, runs):
    """Exact runs, .02 to 40 events expected: each test at 1 %, all of a run together at .5 %.

    The counts are held against the 99.9 % points of binomials; with τ = 9, of which few excursions
    tell little, four times the level is allowed.
    """
    rng = np.random.default_rng(1)
    log_p = machine([0.0, b])
    below, failed = 0, 0
    for _ in range(runs):
        draws = drawn(log_p, sticky(log_p, stay, rng))
        quantities = dict(identities.heat_bath_identities(draws))
        quantities |= dict(itertools.islice(identities.site_identities(draws), 2))
        p_values = np.array([q.test()[1] for q in quantities.values()])
        below += p_values < 0.01
        failed += np.min(p_values) * len(p_values) < 0.005
    times = 4 if stay else 1
    assert failed <= binom.isf(0.001, runs, 0.005 * times)
    assert np.all(below <= binom.isf(0.001 / 8, runs, 0.01 * times)), below


def test_a_rare_state_that_comes_a_hundred_times_too_often_fails():
    """.01 of a draw is expected in 1 000, and about one in a hundred is seen."""
    rng = np.random.default_rng(2)
    claimed, sampled = machine([0.0, -13.0]), machine([0.0, -7.0])
    rows = rng.choice(4, p=np.exp(sampled), size=(CHAINS, DRAWS))
    found = decide(identities.check(Evidence(discretes=[drawn(claimed, rows)])))
    assert {f.quantity for f in found if f.verdict == "fail"} >= {"v: site 1"}


def test_fewer_than_five_expected_events_are_not_enough_to_pass():
    log_p = machine([0.0, -10.0])
    rows = np.random.default_rng(3).choice(4, p=np.exp(log_p), size=(CHAINS, DRAWS))
    found = decide(identities.check(Evidence(discretes=[drawn(log_p, rows)])))
    by_name = {f.quantity: f for f in found}
    assert by_name["v: site 1"].verdict == "info"
    assert "events were expected" in by_name["v: site 1"].meaning
    assert by_name["v: site 0"].verdict == "pass"


def test_a_rare_count_has_the_tail_of_a_poisson():
    """Three events where .2 are expected: P(N ≥ 3) = .00115 (Poisson), twice that on two sides."""
    n, p = 4000, 0.2 / 4000
    values = np.full((4, 1000), -p)
    values[[0, 1, 2], [10, 500, 900]] += 1
    moments = np.full((4, 1000), p)
    _z, p_value, events = conditional_z_and_p(values, moments, moments, True)
    assert events == pytest.approx(n * p, rel=1e-2)
    assert p_value == pytest.approx(2 * 0.00115, rel=0.05)


def test_a_flat_density_has_no_identity_of_its_energy():
    """An RBM without weights: fair coins, of which any configuration has the same energy."""
    log_p = machine([0.0, 0.0], W=((0.0,), (0.0,)))
    rows = np.random.default_rng(4).integers(4, size=(CHAINS, DRAWS))
    results = identities.check(Evidence(discretes=[drawn(log_p, rows)]))
    assert not {"v: energy", "v: certainty"} & {r.quantity for r in results}
    assert all(f.verdict == "pass" for f in decide(results))


def test_a_stein_test_leaves_out_the_sites_that_hardly_ever_change():
    """All draws alike, as they must be: the surprise is tiny, and has one sign."""
    log_p = machine([-12.0, -12.0])
    draws = drawn(log_p, np.zeros((CHAINS, DRAWS), int))
    assert kernel_stein.discrete_stein_test(draws) is None
    assert kernel_stein.check(Evidence(discretes=[draws])) == []


def test_an_unlikely_count_outranks_the_want_of_events():
    rare = Test("a", "x", "model", 1e-9, "holds", "violated", "do", events=0.1)
    common = Test("a", "y", "model", 0.3, "holds", "violated", "do", events=0.1)
    assert [f.verdict for f in decide([rare, common])] == ["fail", "info"]
