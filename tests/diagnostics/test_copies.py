"""Copies of chains are found, and chains that are alike for a reason are not."""

import numpy as np
import pytest

from pymc_ebm.diagnostics import copies
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.series import Series


def verdict(*values):
    series = [Series(str(k), "variable", np.asarray(v, float)) for k, v in enumerate(values)]
    [finding] = copies.check(Evidence(series))
    return finding.verdict, finding.meaning


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture(params=["normal", "coins", "rare"])
def chains(request, rng):
    """Independent chains of reals, of fair coins, and of spins that turn once in a hundred draws."""
    if request.param == "normal":
        return rng.normal(size=(4, 1000))
    change = rng.random((4, 1000)) < (0.5 if request.param == "coins" else 0.03)
    return np.cumsum(change, axis=1) % 2


@pytest.mark.parametrize(
    "copy",
    [lambda c: c, lambda c: np.roll(c, 7), lambda c: np.roll(c, 600), lambda c: c[::-1],
     lambda c: np.roll(c[::-1], -123)],
    ids=["same", "shifted", "rotated", "backwards", "backwards and rotated"],
)  # fmt: skip
def test_copies_are_found(chains, copy):
    assert verdict(chains)[0] == "pass"  # chance recurs once in 10⁹ runs
    chains[3] = copy(chains[1])
    found, words = verdict(chains)
    assert found == "fail"
    assert "chain 1" in words
    assert "chain 3" in words


def test_a_chain_that_repeats_itself_is_found(rng):
    x = rng.normal(size=(2, 800))
    x[1, 400:] = x[1, :400]
    assert verdict(x)[0] == "fail"


def test_periods_and_constants_recur_by_themselves(rng):
    alternating = np.tile([0.0, 1.0], (4, 500))
    assert verdict(alternating)[0] == "pass"
    assert verdict(np.zeros((4, 1000)))[0] == "pass"
    still = np.zeros((4, 1000))
    still[0, 17] = 1
    assert verdict(still)[0] == "pass"


def test_one_series_that_differs_is_enough(rng):
    x = rng.normal(size=(4, 1000))
    x[2] = x[0]
    assert verdict(x)[0] == "fail"
    assert verdict(x, rng.normal(size=(4, 1000)))[0] == "pass"
