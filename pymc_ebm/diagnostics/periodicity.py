"""Periodicity: chains that remember their parity."""

from __future__ import annotations

import numpy as np

from scipy.stats import f

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
    summed over chains and divided by that of its neighbours, follows an F distribution.

    Parameters
    ----------
    evidence : Evidence
        Its energies, order parameters and variables.

    Returns
    -------
    list of Test
        One a series of at least 100 draws a chain.
    """
    return [
        Test(
            "periodicity",
            s.name,
            s.kind,
            p_of_no_line(s),
            "no period",
            "the chain alternates with a fixed period",
            REMEDY,
        )
        for s in evidence.moving
        if s.draws >= FEWEST_DRAWS and not s.some_chain_constant
    ]


def p_of_no_line(s: Series) -> float:
    """Return the probability of lines at least so strong in a smooth spectrum.

    Parameters
    ----------
    s : Series
        At least 100 draws a chain.
    """
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
        background = float(power[:, around].mean())
        if background <= 1e-10 * draws:  # nothing but the line
            return 0.0
        line = float(power[:, k].sum()) / background
        # a coefficient at half the frequency of the draws is real: one square, not two
        squares = s.chains if 2 * k == draws else 2 * s.chains
        p_values.append(float(f.sf(line / s.chains, squares, 2 * s.chains * len(around))))
    return min(1.0, len(p_values) * min(p_values))
