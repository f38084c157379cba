"""What a check returns: one finding a quantity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["pass", "fail", "not enough"]
Kind = Literal["energy", "order parameter", "variable", "sampler"]


@dataclass(frozen=True)
class Series:
    """One scalar over all draws.

    Parameters
    ----------
    name : str
        What the scalar is called.
    kind : {"energy", "order parameter", "variable", "sampler"}
        How much its failure says: an energy or order parameter speaks for the whole model.
    values : ndarray, shape (chains, draws)
        The draws.
    """

    name: str
    kind: Kind
    values: np.ndarray

    @property
    def constant(self) -> bool:
        """Whether no chain ever changes the value."""
        return bool(np.all(np.ptp(self.values, axis=1) == 0))


@dataclass(frozen=True)
class Finding:
    """The result of one check on one quantity.

    Parameters
    ----------
    check : str
        Name of the check.
    quantity : str
        What was checked.
    kind : str
        Kind of the quantity.
    value, threshold : float
        The statistic, and the value it is held against.
    verdict : {"pass", "fail", "not enough"}
        "not enough" where the draws cannot answer; it counts as not passed.
    meaning : str
        What the verdict says, in words.
    remedy : str
        What to do about it; empty where it passed.
    """

    check: str
    quantity: str
    kind: str
    value: float
    threshold: float
    verdict: Verdict
    meaning: str
    remedy: str = ""
