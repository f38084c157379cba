"""The file that a fit can go on from."""

from __future__ import annotations

import json

from pathlib import Path
from typing import Any

import xarray as xr

from pymc_ebm.learn.learned import Values
from pymc_ebm.learn.netcdf import FORMAT_VERSION, arrays_of, pack, read_netcdf, write_netcdf

KIND = "pymc_ebm fit in progress"


class Checkpoint:
    """A netCDF file of arrays and JSON; `identity` is what must agree for a run to go on."""

    def __init__(self, path: str | Path, identity: dict[str, str]) -> None:
        self._path, self._identity = Path(path), identity

    def write(self, groups: dict[str, Values], facts: dict[str, Any], history: xr.Dataset) -> None:
        """Replace the file."""
        variables: dict[str, Any] = {}
        for group, arrays in groups.items():
            variables |= pack(group, arrays)
        variables |= {f"history.{name}": v.values for name, v in history.data_vars.items()}
        write_netcdf(
            self._path,
            variables,
            kind=KIND,
            identity=json.dumps(self._identity),
            facts=json.dumps(facts),
        )

    def read(self) -> tuple[dict[str, Values], dict[str, Any], xr.Dataset] | None:
        """Return what was written, None if there is no file; refuse that of another run."""
        if not self._path.exists():
            return None
        arrays, attrs = read_netcdf(self._path, KIND, FORMAT_VERSION, "fit: checkpoint")
        stored = json.loads(attrs["identity"])
        for name, mine in self._identity.items():
            if stored.get(name) != mine:
                raise ValueError(
                    f"fit: checkpoint {self._path} is of another run: its {name} is "
                    f"{stored.get(name)}, and this one's is {mine}. Choose another file, or remove "
                    "it to start anew."
                )
        groups = {
            name: arrays_of(name, arrays) for name in ("learned", "memory", "descent", "best")
        }
        columns = arrays_of("history", arrays)
        history = xr.Dataset({name: ("epoch", values) for name, values in columns.items()})
        return groups, json.loads(attrs["facts"]), history
