"""The theory's published figures."""

import numpy as np
import pytest

import pymc_ebm as ebm


@pytest.mark.parametrize(("load", "overlap"), [(0.05, 0.999992), (0.10, 0.9980), (0.13, 0.9872)])
def test_overlaps_at_zero_temperature(load, overlap):
    # Amit, Gutfreund and Sompolinsky (1985)
    digits = 6 if overlap > 0.999 else 4
    assert round(ebm.replica_overlap(load), digits) == overlap


def test_the_collapse():
    assert ebm.replica_capacity() == pytest.approx(0.13791, abs=1e-5)
    assert ebm.replica_overlap(ebm.replica_capacity()) == pytest.approx(0.9674, abs=1e-4)
    assert np.isnan(ebm.replica_overlap(0.14))


def test_a_low_temperature_is_nearly_none():
    cold = ebm.replica_overlap(0.1, temperature=0.02)
    assert cold == pytest.approx(ebm.replica_overlap(0.1), abs=2e-3)


def test_few_patterns_are_a_magnet():
    # α → 0: m = tanh(m / T), as in the Curie–Weiss model
    m = ebm.replica_overlap(1e-7, temperature=0.6)
    assert m == pytest.approx(np.tanh(m / 0.6), abs=1e-4)
    assert np.isnan(ebm.replica_overlap(1e-7, temperature=1.05))


def test_warmth_takes_memories_away():
    assert ebm.replica_capacity(0.5) < 0.6 * ebm.replica_capacity(0.0)


def test_bad_input():
    with pytest.raises(ValueError, match="load must be positive"):
        ebm.replica_overlap(0.0)
    with pytest.raises(ValueError, match="not be negative"):
        ebm.replica_capacity(-1.0)
