"""Measured capacities against what is known."""

import numpy as np
import pytest

import pymc_ebm as ebm


def measured(*args, **kwargs):
    return ebm.capacity(*args, random_seed=1, progressbar=False, **kwargs)


def test_overlaps_of_hebb_s_rule_are_those_of_theory():
    found = measured(ebm.Hebb(), n=1500, loads=[0.05, 0.10], networks=12, cues=20)
    theory = np.array([ebm.replica_overlap(load) for load in (0.05, 0.10)])
    # at this size the largest correction is of order 1/N; four standard errors, a false alarm in
    # 8 000
    gap = np.abs(found.overlap.values[0] - theory)
    assert (gap < 4 * found.overlap_se.values[0] + 2 / 1500).all()


def test_beyond_capacity_nothing_comes_back():
    found = measured(n=[200, 800], loads=[0.05, 0.25], networks=4)
    assert found.retrieved.dims == ("n", "load")
    assert (found.retrieved.sel(load=0.05) > 0.95).all()
    assert float(found.retrieved.sel(n=800, load=0.25)) < 0.1
    np.testing.assert_array_equal(found.patterns, [[10, 50], [40, 200]])
    # the error is that of the mean over networks
    by_hand = found.overlap_of_network.std("network", ddof=1) / 2
    np.testing.assert_allclose(found.overlap_se, by_hand)


def test_other_rules_hold_more():
    shares = {
        rule: float(measured(rule, n=150, loads=0.35, networks=4, noise=0.08).retrieved.squeeze())
        for rule in (ebm.Hebb(), ebm.Storkey(), ebm.PseudoInverse())
    }
    assert shares[ebm.Hebb()] < shares[ebm.Storkey()] < shares[ebm.PseudoInverse()]
    assert shares[ebm.PseudoInverse()] > 0.95


def test_any_network_that_retrieves():
    found = measured(
        lambda patterns: ebm.energies.DenseAssociativeMemory(patterns, 4),
        n=50, loads=[1.0], networks=3, noise=0.1,
    )  # fmt: skip
    assert float(found.retrieved.squeeze()) > 0.9
    real = measured(
        lambda patterns: ebm.energies.ModernHopfield(patterns, beta=4.0),
        n=20, loads=1.0, networks=3, patterns=lambda rng, m, n: rng.normal(size=(m, n)),
    )  # fmt: skip
    assert float(real.retrieved.squeeze()) > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loads": [0.1, 0.0]}, "loads positive"),
        ({"networks": 1}, "networks must be 2 or more"),
        ({"noise": 1.5}, "noise is a share"),
        ({"rule": ebm.Hebb}, "pass Hebb()"),
        ({"rule": "hebb"}, "rule is a str"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        measured(n=20, **arguments)
