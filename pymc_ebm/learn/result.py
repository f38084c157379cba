"""What a fit gives back, and what it tells while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.saving import save


@dataclass(frozen=True)
class FitResult:
    """What `fit` returns.

    Parameters
    ----------
    energy : Energy
        The energy with learned numbers: the best by validation if there was one, else the last.
    history : Dataset
        What happened, by epoch; attributes hold the method, the data's fingerprint, and why it
        ended.
    """

    energy: Energy
    history: xr.Dataset

    def save(self, path: str | Path) -> None:
        """Write energy and history to a netCDF file, which `pymc_ebm.load` reads.

        Parameters
        ----------
        path : path-like
            The file; written beside and renamed, so that an interrupted write leaves what was.
        """
        save(path, self.energy, self.history)


@dataclass(frozen=True)
class Epoch:
    """What a callback is told after each epoch.

    Parameters
    ----------
    number : int
        From 1.
    record : mapping of str to float
        What goes into the history.
    freeze : callable
        Returns the energy as it is now.
    """

    number: int
    record: Mapping[str, float]
    freeze: Callable[[], Energy]
