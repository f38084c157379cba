"""What the declaration of a Boltzmann variable must satisfy: the one place that checks it."""

from __future__ import annotations

import warnings

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from pymc.pytensorf import rvs_in_graph
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.custom import custom_energy
from pymc_ebm.energies.energy import Energy, Support, as_parameter, constant_value
from pymc_ebm.errors import MissingPartitionError
from pymc_ebm.partition.log_partition import METHODS, choose, out_of_reach
from pymc_ebm.partition.log_partition import log_partition as log_partition_of
from pymc_ebm.partition.problem import Problem, one_set
from pymc_ebm.partition.unknown import UnknownLogZ

LogPartition = float | str | TensorVariable | Callable[[Energy], Any] | None


def resolve_shape(
    owner: str, model: pm.Model, energy: Any, shape: Any, dims: Any, observed: Any
) -> tuple[int, ...]:
    """Find the variable's shape in shape, dims, observed or the energy, and hold it to them."""
    event = energy.event_shape if isinstance(energy, Energy) else None
    names = (dims,) if isinstance(dims, str) else dims
    from_dims = None
    if names is not None and None not in names and Ellipsis not in names:
        unknown = [dim for dim in names if dim not in model.dim_lengths]
        if not unknown:
            from_dims = tuple(int(model.dim_lengths[dim].eval()) for dim in names)
        elif shape is None and observed is None and event is None:
            raise ValueError(f"{owner}: no coords are known for dims {unknown}.")
    if shape is not None:
        resolved = tuple(int(length) for length in np.atleast_1d(shape))
    elif from_dims is not None:
        resolved = from_dims
    elif observed is not None:
        resolved = tuple(np.shape(_values(observed)))
    elif event is not None:
        resolved = event
    else:
        raise ValueError(f"{owner}: pass shape= (or dims=, or observed=); this energy fits any.")
    if from_dims is not None and from_dims != resolved:
        raise ValueError(
            f"{owner}: dims {tuple(names)} have lengths {from_dims}, and the shape is {resolved}."
        )
    if event is not None and resolved[len(resolved) - len(event) :] != event:
        source = f"dims {tuple(names)} have lengths" if from_dims is not None else "the shape is"
        fits = getattr(energy, "graph", None)
        what = (
            f"the graph has shape {event}" if fits is not None else f"one event has shape {event}"
        )
        raise ValueError(
            f"{owner}: {source} {resolved}, and {what}. The last {len(event)} dimension(s) must "
            "match it; leading ones are independent copies."
        )
    return resolved


def as_energy(
    energy: Any,
    shape: tuple[int, ...] | None,
    owner: str,
    support: Support | None = None,
    n_states: int | None = None,
) -> Energy:
    """Return an energy: as given, or a function wrapped for a variable of this shape."""
    if isinstance(energy, Energy):
        if (support or energy.support) != energy.support:
            raise ValueError(
                f"{owner}: support={support!r}, and the energy is one on {energy.support} values. "
                "support= is for functions; leave it out."
            )
        return energy
    if not callable(energy):
        raise TypeError(
            f"{owner}: energy is a {type(energy).__name__}; pass an Energy or a function of x. "
            "For an expression over variables that exist already, use ebm.energy_potential."
        )
    if shape is None:
        raise ValueError(f"{owner}: a function as energy needs shape=, e.g. shape=3.")
    try:
        return custom_energy(energy, shape, support or "real", n_states)
    except ValueError as error:
        raise ValueError(f"{owner}: {error}") from None


def as_log_partition(
    log_partition: LogPartition, energy: Energy, beta: TensorVariable, owner: str
) -> TensorVariable:
    """Return log Z as a scalar tensor; 0 where it was not given."""
    if log_partition is None:
        return pt.as_tensor_variable(np.asarray(0.0))
    if isinstance(log_partition, str):
        return _named_log_partition(log_partition, energy, beta, owner)
    if callable(log_partition):
        constant = constant_value(beta)
        unit = constant is not None and np.all(constant == 1.0)
        log_partition = log_partition(energy if unit else beta * energy)
    log_z = as_parameter(log_partition, f"{owner}: log_partition")
    if log_z.ndim:
        raise ValueError(
            f"{owner}: log_partition has shape {log_z.type.shape}; it is the scalar log Z of one "
            "configuration."
        )
    return log_z


def _named_log_partition(
    method: str, energy: Energy, beta: TensorVariable, owner: str
) -> TensorVariable:
    """Build log Z by the name of a method; "pseudo" and "exchange" do without."""
    if method == "pseudo":
        return pt.as_tensor_variable(np.asarray(0.0))
    if method == "exchange":
        if energy.states is None:
            raise ValueError(
                f"{owner}: log_partition='exchange' draws auxiliary data, and can for discrete "
                f"energies only; {type(energy).__name__} is one over real values."
            )
        return UnknownLogZ()(*energy.parameters.values(), beta)  # type: ignore[return-value]
    if method not in ("auto", *METHODS):
        raise ValueError(
            f"{owner}: log_partition={method!r} is none of auto, {', '.join(METHODS)}, pseudo, "
            "exchange."
        )
    try:
        return log_partition_of(energy, beta=beta, method=method)
    except ValueError as error:
        raise ValueError(str(error).replace("log_partition:", f"{owner}:", 1)) from None


def require_observed_for(owner: str, method: Any, observed: Any) -> None:
    """Raise if a treatment of log Z that only data allow is asked for a latent variable."""
    if method in ("pseudo", "exchange") and observed is None:
        raise ValueError(
            f"{owner}: log_partition={method!r} is for observed data, and this variable is latent. "
            "Use an exact method, ebm.LogPartitionTable, or a tensor."
        )


def require_constant_partition(owner: str, rv: TensorVariable, model: pm.Model) -> None:
    """Raise if an unobserved random variable enters the energy's parameters or beta."""
    _rng, _size, *params = rv.owner.inputs
    random = rvs_in_graph(params) - set(model.observed_RVs)
    if not random:
        return
    names = ", ".join(sorted(repr(v.name) if v.name else "an unnamed variable" for v in random))
    energy, beta, _log_z = rv.owner.op.bind(params)
    if energy.states is None:
        choice = (
            "Pass log_partition= as a tensor or a function of the energy (a Gaussian of scale σ in "
            "d dimensions has d log σ), or fix the parameters."
        )
    else:
        problem = Problem(energy, beta)
        method = choose(problem) if one_set(problem) is None else None
        choice = (
            out_of_reach(problem).capitalize()
            if method is None
            else f"Pass log_partition='auto': {method.describe(problem)}."
        )
    raise MissingPartitionError(
        f"{owner}: the energy depends on {names}, so log Z varies with it and cannot be left out "
        f"of the log-probability. {choice}"
    )


def split_missing(owner: str, energy: Energy, observed: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return which entries of data are known, and the data with gaps filled by random states."""
    if energy.states is None or observed is None:
        what = "there are no observed data" if observed is None else "its values are real"
        raise ValueError(f"{owner}: impute=True is for gaps in discrete data, and {what}.")
    values = np.ma.filled(np.ma.asarray(_values(observed), dtype=float), np.nan)
    known = ~np.isnan(values)
    drawn = np.random.default_rng(0).choice(energy.states, values.shape)
    filled = np.where(known, values, drawn)
    check_support(owner, energy, filled, "observed")
    return known, filled.astype(np.int8)


def warn_of_constant_entries(owner: str, energy: Energy, given: Any, random: bool) -> None:
    """Warn of entries that are the same in every observation: their fields have no maximum."""
    values = _values(given)
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
    dtype = float if energy.states is None else np.int8
    return np.broadcast_to(np.asarray(initval, dtype=dtype), shape)


def check_support(owner: str, energy: Energy, given: Any, what: str) -> None:
    """Hold data to the support, and say so when spins come as 0/1."""
    values = _values(given)
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
    wrong = ~np.isin(values, allowed)
    if not wrong.any():
        return
    value = np.asarray(values)[wrong].flat[0]
    seen = set(np.unique(values).tolist())
    hint = ""
    if energy.support == "spin" and seen <= {0, 1}:
        hint = f" They look like {{0, 1}}: pass 2 * {what} - 1, or use energies.BoltzmannMachine."
    elif energy.support == "binary" and seen <= {-1, 1}:
        hint = f" They look like {{-1, +1}}: pass ({what} + 1) // 2, or use energies.Ising."
    listed = ", ".join(map(str, allowed))
    if len(allowed) > 5:
        listed = f"{allowed[0]}, …, {allowed[-1]}"
    raise ValueError(
        f"{owner}: {what} contains {value}, and the support is {{{listed}}} "
        f"({int(wrong.sum())} of {wrong.size} values outside).{hint}"
    )


def _values(observed: Any) -> Any:
    """Return the current numbers behind data, shared data or a table; None if there are none."""
    if isinstance(observed, Variable):
        if hasattr(observed, "get_value"):
            return observed.get_value(borrow=True)
        constant = constant_value(observed)  # type: ignore[arg-type]
        if constant is not None:
            return constant
        return None if rvs_in_graph([observed]) else observed.eval()
    return observed if np.ma.isMaskedArray(observed) else np.asarray(observed)
