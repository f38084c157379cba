"""Periodicity: chains that remember their parity."""

from __future__ import annotations

import numpy as np

from scipy.special import bdtrc, fdtrc

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Result, Test
from pymc_ebm.diagnostics.series import Series

PERIODS = (2, 3, 4, 5, 6, 8)
FEWEST_DRAWS = 100
NEIGHBORS = 30  # frequencies on each side whose mean power is the background
REMEDY = (
    "The kernel visits its states in turn and never forgets where it began: mix in a lazy step, "
    "or a random number of sweeps."
)


def check(evidence: Evidence) -> list[Result]:
    """Test for a line in the power spectrum at the periods 2, 3, 4, 5, 6 and 8.

    An aperiodic chain has a smooth spectrum, however strong or alternating its autocorrelation; a
    periodic one puts power at one frequency that grows with the number of draws. The power there,
    divided by that of its neighbours, follows an F distribution; more than half of the chains must
    show a line, since a slow chain may by itself alternate for a while.

    One a series of at least 100 draws a chain.
    """
    return [
        Test(
            "periodicity", s.name, s.kind, p_of_no_line(s), "no period",
            "the chain alternates with a fixed period", REMEDY,
        )
        for s in evidence.testable
        if s.draws >= FEWEST_DRAWS
    ]  # fmt: skip


def p_of_no_line(s: Series) -> float:
    """Return the probability of lines at least so strong in a smooth spectrum."""
    draws = s.draws - s.draws % 120  # so that each period is a frequency of the transform
    if draws == 0:
        draws = s.draws - s.draws % 24
    scores = s.scores[:, :draws]
    power = np.abs(np.fft.rfft(scores - scores.mean(axis=1, keepdims=True), axis=1)) ** 2
    p_values = []
    for period in PERIODS:
        if draws % period:
            continue
        k = draws // period
        low, high = max(k - NEIGHBORS, 1), min(k + NEIGHBORS + 1, power.shape[1])
        around = np.delete(np.arange(low, high), k - low)
        background = power[:, around].mean(axis=1)
        if np.all(background <= 1e-10 * draws):  # nothing but the line
            return 0.0
        # a coefficient at half the frequency of the draws is real: one square, not two
        squares = 1 if 2 * k == draws else 2
        line = power[:, k] / np.maximum(background, 1e-300)
        each = np.sort(fdtrc(squares, 2 * len(around), line))
        most = s.chains // 2 + 1
        p_values.append(float(bdtrc(most - 1, s.chains, each[most - 1])))
    return min(1.0, len(p_values) * min(p_values))
