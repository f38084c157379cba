"""Arrays and JSON in netCDF files, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from pymc_ebm.learn.learned import Values

FORMAT_VERSION = 1


def write_netcdf(path: Path, arrays: Values, **attrs: Any) -> None:
    """Write arrays and text attributes; the file is renamed into place when it is complete."""
    dataset = xr.Dataset(attrs={**attrs, "format_version": FORMAT_VERSION})
    for name, value in arrays.items():
        array = np.asarray(value)
        kept: dict[str, Any] = {"dtype": str(array.dtype)}
        if array.size == 0:  # netCDF 3 has no axes of length zero
            kept["shape"], array = json.dumps(array.shape), np.zeros((), np.int32)
        if array.dtype == np.int64 or array.dtype == bool:
            array = array.astype(np.int32)  # netCDF 3 knows no longer ones
        dims = [f"{name}.{axis}" for axis in range(array.ndim)]
        dataset[name] = (dims, array, kept)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        dataset.to_netcdf(temporary, engine="scipy", format="NETCDF3_64BIT")
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def read_netcdf(
    path: Path, kind: str, newest: int, owner: str = "load"
) -> tuple[Values, dict[str, Any]]:
    """Return arrays and attributes; say what is wrong with a file that is none of ours."""
    if not path.exists():
        raise FileNotFoundError(f"{owner}: {path} does not exist.")
    try:
        with xr.open_dataset(path, engine="scipy") as opened:
            dataset = opened.load()
    except Exception as error:
        raise ValueError(
            f"{owner}: {path} cannot be read: {error}. It may be truncated, or no netCDF file."
        ) from None
    if dataset.attrs.get("kind") != kind:
        raise ValueError(
            f"{owner}: {path} holds {dataset.attrs.get('kind', 'something else')!r}, not {kind!r}."
        )
    version = int(dataset.attrs["format_version"])
    if version > newest:
        raise ValueError(
            f"{owner}: {path} has format version {version}; this pymc_ebm reads up to {newest}. "
            "Update it."
        )
    arrays = {}
    for name, value in dataset.data_vars.items():
        array = value.values.astype(value.attrs.get("dtype", value.dtype))
        if "shape" in value.attrs:
            array = np.zeros(json.loads(value.attrs["shape"]), array.dtype)
        arrays[str(name)] = array
    return arrays, dict(dataset.attrs)


def pack(group: str, arrays: Values) -> Values:
    """Name arrays after their group."""
    return {f"{group}.{name}": value for name, value in arrays.items()}


def arrays_of(group: str, arrays: Values) -> Values:
    """Return the arrays of a group by their own names."""
    prefix = f"{group}."
    return {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
