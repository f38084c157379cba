"""What happened while an energy was learned, epoch by epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

DESCRIPTIONS = {
    "loss": "mean of the method's objective over the epoch's batches",
    "gradient_norm": "mean Euclidean norm of the gradient",
    "learning_rate": "learning rate",
    "seconds": "time since the start of this run",
    "log_likelihood": "mean over training rows (at most 5 000 of them), nats a row",
    "validation_log_likelihood": "mean over validation rows, nats a row",
    "log_partition": "log Z",
    "log_partition_se": "standard error of log Z, shared by all rows; 0 if exact",
    "free_energy_gap": "mean energy of validation rows minus that of training rows",
    "validation_loss": "the method's objective on validation rows",
    "acceptance": "fraction of trajectories accepted at β = 1",
    "swap_acceptance": "of the pair of rungs that swaps least",
    "round_trips": "from end to end of the ladders and back, so far",
    "chain_rhat": "rank-normalised R-hat of the chains' mean values since the last record",
    "chain_ess": "effective sample size of the chains' mean values since the last record",
}


class History:
    """Records of epochs that become a Dataset."""

    def __init__(self) -> None:
        self.records: list[dict[str, float]] = []

    def to_dataset(self, **attrs: Any) -> xr.Dataset:
        """Return one variable a quantity, NaN where it was not computed, dim ``epoch``."""
        names = [n for n in DESCRIPTIONS if any(n in r for r in self.records)]
        columns = {
            name: (
                "epoch",
                np.array([record.get(name, np.nan) for record in self.records], float),
                {"description": DESCRIPTIONS[name]},
            )
            for name in names
        }
        epochs = np.arange(1, len(self.records) + 1, dtype=np.int32)
        return xr.Dataset(columns, coords={"epoch": epochs}, attrs=attrs)

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> History:
        """Read records back."""
        history = cls()
        for k in range(dataset.sizes.get("epoch", 0)):
            row = {str(n): float(v.values[k]) for n, v in dataset.data_vars.items()}
            history.records.append({n: v for n, v in row.items() if not np.isnan(v)})
        return history
