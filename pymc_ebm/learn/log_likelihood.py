"""Normalised log-likelihoods: exact where log Z is, else with the error of an estimate."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray

from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.learn.rows import Rows
from pymc_ebm.log_z.estimated import estimate_log_partition
from pymc_ebm.log_z.exact import log_partition
from pymc_ebm.log_z.exact.log_partition import seconds_of_exact

AFFORDABLE = 20.0  # seconds that an exact log Z may take where it is computed once


class LogLikelihood:
    """``−E(x) − log Z`` of rows under parameters that may change.

    `energy` may be written in shared variables; `freeze` returns it with numbers, as estimates want
    it. `how` is "exact", "estimated", or "unknown" where there is no way; `seconds` is about what
    an exact log Z costs.
    """

    def __init__(
        self,
        energy: Energy,
        rows: Rows,
        freeze: Callable[[], Energy],
        *,
        affordable: float = AFFORDABLE,
        estimate: dict[str, Any] | None = None,
    ) -> None:
        self._energy, self._dtype, self._event = energy, rows.dtype, rows.shape[1:]
        self._freeze, self._estimate = freeze, estimate or {}
        self.seconds = None
        if energy.data_shape != energy.event_shape:
            self.how = "unknown"  # of data whose hidden units are not known
            return
        self.seconds = seconds_of_exact(energy)
        if self.seconds is not None and self.seconds <= affordable:
            self.how = "exact"
        else:
            self.how = "estimated" if can_be_estimated(energy) else "unknown"

    @cached_property
    def _exact_log_z(self) -> Any:
        return pytensor.function([], log_partition(self._energy))

    @cached_property
    def _energies(self) -> Any:
        batch = pt.tensor("rows", shape=(None, *self._event), dtype=self._dtype)
        return pytensor.function([batch], self._energy(batch))

    def log_z(self, rng: np.random.Generator) -> tuple[float, float]:
        """Return log Z and its standard error, zero if it is exact."""
        if self.how == "exact":
            return float(self._exact_log_z()), 0.0
        options = {
            "method": "tempering",
            "progressbar": False,
            "random_seed": rng,
            **self._estimate,
        }
        found = estimate_log_partition(self._freeze(), **options)
        return float(found["log_z"]), float(found["log_z_se"])

    def energies(self, rows: Rows) -> NDArray[np.float64]:
        """Return E of every row."""
        return np.concatenate([np.asarray(self._energies(p), float) for p in rows.pieces()])


def can_be_estimated(energy: Energy) -> bool:
    """Tell whether annealing has a path for an energy."""
    if energy.event_shape is None:
        return False
    return (
        energy.states is None
        or isinstance(energy, RBM)
        or Coded.of(energy.with_hidden()) is not None
    )
