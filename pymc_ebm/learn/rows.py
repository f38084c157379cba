"""The rows of data that an energy is fitted to."""

from __future__ import annotations

import zlib

from collections.abc import Iterator
from typing import Any

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.energies.energy import Energy
from pymc_ebm.variables.observed import as_array

CHUNK = 4096  # rows of lazy data that are looked at together


class Rows:
    """Configurations as data: NumPy, pandas, xarray, or arrays that are read piece by piece.

    `owner` and `what` are what messages call them. Anything with ``shape`` and slices that turn
    into arrays will do for lazy data: Dask, Zarr, h5py. `shape` is (rows, *event), `dtype` what
    batches come in.
    """

    def __init__(self, data: Any, energy: Energy, what: str = "data", owner: str = "fit") -> None:
        self._energy, self._what = energy, f"{owner}: {what}"
        what = self._what
        self._lazy = _is_lazy(data)
        if not self._lazy:
            data = _as_array(data, what)
        self._data = data
        event = energy.data_shape
        shape = tuple(int(n) for n in data.shape)
        if event is not None and shape == event:
            raise ValueError(
                f"{what} has shape {shape}, which is one configuration; pass rows, "
                f"shape (rows, {', '.join(map(str, event))})."
            )
        width = event if event is not None else shape[1:]
        if len(shape) != 1 + energy.event_ndim or shape[1:] != tuple(width):
            raise ValueError(
                f"{what} has shape {shape}; {type(energy).__name__} wants (rows, "
                f"{', '.join(map(str, width))})."
            )
        if shape[0] < 1:
            raise ValueError(f"{what} has no rows.")
        self.shape = shape
        single = str(getattr(data, "dtype", "")) == "float32"
        self.dtype = "float32" if single else "float64"
        if not self._lazy:
            self._check(data, 0)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def take(self, rows: NDArray[np.int64]) -> NDArray:
        """Return rows by number, in the order asked for."""
        if not self._lazy:
            return self._data[rows].astype(self.dtype)
        order = np.argsort(rows, kind="stable")
        sorted_rows = rows[order]
        found = np.asarray(_select(self._data, sorted_rows))
        self._check(found, sorted_rows)
        batch = np.empty(found.shape, self.dtype)
        batch[order] = found
        return batch

    def whole(self) -> NDArray:
        """Return all rows."""
        return self.take(np.arange(len(self)))

    def pieces(self) -> Iterator[NDArray]:
        """Give all rows in their order, a few thousand at a time."""
        for start in range(0, len(self), CHUNK):
            yield self.take(np.arange(start, min(start + CHUNK, len(self))))

    def fingerprint(self) -> str:
        """Return a checksum of shape and values; of the first and last rows if they are lazy."""
        if self._lazy:
            ends = np.unique(
                np.r_[0 : min(CHUNK, len(self)), max(0, len(self) - CHUNK) : len(self)]
            )
            shown = self.take(ends)
        else:
            shown = np.ascontiguousarray(self._data, dtype=np.float64)
        return f"{'x'.join(map(str, self.shape))}-{zlib.crc32(shown.tobytes()):08x}"

    def shared_with(self, other: Rows) -> int:
        """Count the rows of another set that stand here too, where that can be no coincidence."""
        states = self._energy.states
        few = states is not None and len(states) ** np.prod(self.shape[1:]) < 1e4 * len(self)
        if self._lazy or other._lazy or few:
            return 0
        mine = {row.tobytes() for row in np.asarray(self._data, np.float64)}
        return sum(row.tobytes() in mine for row in np.asarray(other._data, np.float64))

    def _check(self, values: NDArray, numbers: Any) -> None:
        """Raise for the first value outside the support."""
        states = self._energy.states
        wrong = ~np.isfinite(values)
        if states is not None and not wrong.any():
            wrong = ~states.allowed(values)
        if not wrong.any():
            return
        row, *place = (int(k) for k in np.argwhere(wrong)[0])
        value = values[(row, *place)]
        number = int(np.asarray(numbers)[row]) if np.ndim(numbers) else row
        allowed = "finite numbers" if states is None else f"one of {tuple(states)}"
        where = f"row {number}, column {', '.join(map(str, place))}"
        hint = (
            " Missing values are inferred by a model: pm.sample with impute=True."
            if np.isnan(value)
            else ""
        )
        raise ValueError(
            f"{self._what} has {value:g} at {where}; {type(self._energy).__name__} wants "
            f"{allowed}.{hint}"
        )


def _is_lazy(data: Any) -> bool:
    """Tell whether data are read piece by piece."""
    inner = getattr(data, "data", data) if type(data).__module__.startswith("xarray") else data
    module = type(inner).__module__.split(".")[0]
    return module in ("dask", "zarr", "h5py")


def _as_array(data: Any, what: str) -> NDArray:
    """Return NumPy values of arrays, lists, frames and labelled arrays; gaps as NaN."""
    try:
        array = as_array(data)
        if np.ma.isMaskedArray(array):
            array = np.ma.filled(array.astype(float), np.nan)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} cannot be read as an array of numbers: {error}.") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        kind = getattr(array, "dtype", type(data).__name__)
        raise TypeError(f"{what} has dtype {kind}; pass numbers.")
    return array


def _select(data: Any, rows: NDArray[np.int64]) -> Any:
    """Read sorted rows of a lazy array."""
    module = type(data).__module__.split(".")[0]
    if module == "xarray":
        return data[{data.dims[0]: rows}].to_numpy()
    if module == "zarr":
        return data.oindex[rows]
    if module == "h5py":
        distinct, place = np.unique(rows, return_inverse=True)
        return data[distinct][place]
    return np.asarray(data[rows])
