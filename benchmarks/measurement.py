"""One row of the results table, and a way to time two things fairly."""

from __future__ import annotations

import time

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """A job measured against a peer in the same run.

    Parameters
    ----------
    job : str
        What was done.
    peer : str
        What it is compared with.
    ours, theirs : float
        Figures in `unit`.
    unit : str
        Unit of both.
    ratio : float
        Median of the paired ratios ours / theirs, or theirs / ours where less is better.
    goal : str
        What the ratio, or the figure, should be.
    """

    job: str
    peer: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    goal: str


def rates_in_turn(
    first: Callable[[], float], second: Callable[[], float], rounds: int
) -> tuple[float, float, float]:
    """Call two measurements in turn; return the best of each and the median paired ratio.

    The machine's speed drifts, so only figures taken next to each other are compared.

    Parameters
    ----------
    first, second : callable
        Each returns a rate.
    rounds : int
        Number of pairs; the order alternates.
    """
    pairs = []
    for k in range(rounds):
        if k % 2:
            b, a = second(), first()
        else:
            a, b = first(), second()
        pairs.append((a, b))
    rates = np.array(pairs)
    return (
        float(rates[:, 0].max()),
        float(rates[:, 1].max()),
        float(np.median(rates[:, 0] / rates[:, 1])),
    )


def calls_per_second(function: Callable[[], object], seconds: float = 0.2) -> float:
    """Return how often a function can be called a second."""
    batch = 1
    while True:
        start = time.perf_counter()
        for _ in range(batch):
            function()
        elapsed = time.perf_counter() - start
        if elapsed > seconds:
            return batch / elapsed
        batch = max(2 * batch, int(batch * seconds / max(elapsed, 1e-9)))
