"""Data of a discrete or real variable: read, held to the support, gaps told apart."""

from __future__ import annotations

import warnings

from typing import Any

import numpy as np

from pymc.pytensorf import rvs_in_graph
from pytensor.graph.basic import Variable

from pymc_ebm.energies.energy import Energy, constant_value


def split_missing(owner: str, energy: Energy, observed: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return which entries of data are known, and the data with gaps filled by random states."""
    if energy.states is None or observed is None:
        what = "there are no observed data" if observed is None else "its values are real"
        raise ValueError(f"{owner}: impute=True is for gaps in discrete data, and {what}.")
    values = np.ma.filled(np.ma.asarray(values_of(observed), dtype=float), np.nan)
    known = ~np.isnan(values)
    drawn = energy.states.random(np.random.default_rng(0), values.shape)
    filled = np.where(known, values, drawn)
    check_support(owner, energy, filled, "observed")
    return known, filled.astype(np.int64)


def warn_of_constant_entries(owner: str, energy: Energy, given: Any, random: bool) -> None:
    """Warn of entries that are the same in every observation: their fields have no maximum."""
    values = values_of(given)
    if values is None or not random or energy.states is None:
        return
    rows = np.asarray(values)
    rows = rows.reshape(-1, *rows.shape[rows.ndim - energy.event_ndim :])
    if len(rows) < 2:
        return
    constant = np.argwhere(np.all(rows == rows[0], axis=0))
    if len(constant):
        places = [tuple(map(int, c)) if len(c) > 1 else int(c[0]) for c in constant[:5]]
        more = ", …" if len(constant) > 5 else ""
        warnings.warn(
            f"{owner}: in all {len(rows)} observations the same value stands at entry "
            f"{', '.join(map(str, places))}{more}. Data cannot bound its field, the prior alone "
            "does. Leave it out, or mind its prior.",
            UserWarning,
            stacklevel=4,
        )


def checked_initval(owner: str, energy: Energy, initval: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return a starting point of the right shape, support and dtype."""
    if np.shape(initval) not in ((), shape):
        raise ValueError(
            f"{owner}: initval has shape {np.shape(initval)}, and the variable {shape}."
        )
    check_support(owner, energy, initval, "initval")
    dtype = float if energy.states is None else np.int64
    return np.broadcast_to(np.asarray(initval, dtype=dtype), shape)


def check_support(owner: str, energy: Energy, given: Any, what: str) -> None:
    """Hold data to the support, and say so when spins come as 0/1."""
    values = values_of(given)
    if values is None:
        return
    if np.ma.isMaskedArray(values) or not np.all(np.isfinite(np.asarray(values, dtype=float))):
        raise ValueError(
            f"{owner}: {what} has missing or infinite values. Pass impute=True to sample gaps in "
            "discrete data along, or make the variable latent (no observed=) and observe the known "
            "entries through a likelihood on them."
        )
    allowed = energy.states
    if allowed is None:
        return
    wrong = ~allowed.allowed(values)
    if not wrong.any():
        return
    value = np.asarray(values)[wrong].flat[0]
    seen = set(np.unique(values).tolist())
    hint = ""
    if allowed == (-1, 1) and seen <= {0, 1}:
        hint = f" They look like {{0, 1}}: pass 2 * {what} - 1, or use energies.BoltzmannMachine."
    elif allowed == (0, 1) and seen <= {-1, 1}:
        hint = f" They look like {{-1, +1}}: pass ({what} + 1) // 2, or use energies.Ising."
    listed = ", ".join(map(str, allowed))
    if len(allowed) > 5:
        listed = f"{allowed[0]}, …, {allowed[-1]}"
    raise ValueError(
        f"{owner}: {what} contains {value}, and the support is {{{listed}}} "
        f"({int(wrong.sum())} of {wrong.size} values outside).{hint}"
    )


def values_of(observed: Any) -> Any:
    """Return the current numbers behind data, shared data or a table; None if there are none."""
    if isinstance(observed, Variable):
        if hasattr(observed, "get_value"):
            return observed.get_value(borrow=True)
        constant = constant_value(observed)  # type: ignore[arg-type]
        if constant is not None:
            return constant
        return None if rvs_in_graph([observed]) else observed.eval()
    return as_array(observed)


def as_array(observed: Any) -> Any:
    """Return data as an array; pandas' missing values as NaN."""
    if observed is None or isinstance(observed, Variable) or np.ma.isMaskedArray(observed):
        return observed
    if not isinstance(observed, np.ndarray) and hasattr(observed, "to_numpy"):
        try:
            return observed.to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            pass  # no numbers, or a table that knows no na_value
    values = np.asarray(observed)
    if values.dtype == object:
        import pandas as pd

        values = np.where(pd.isna(values), np.nan, values).astype(float)
    return values
