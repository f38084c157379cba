"""log Z of a declared variable: given, named, or left out where that is safe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from pymc.pytensorf import rvs_in_graph
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy, as_parameter, constant_value
from pymc_ebm.errors import MissingPartitionError
from pymc_ebm.log_z.exact.log_partition import METHODS, way_out
from pymc_ebm.log_z.exact.log_partition import log_partition as log_partition_of
from pymc_ebm.log_z.unknown import unknown_log_z

LogPartition = float | str | TensorVariable | Callable[[Energy], Any] | None


def as_log_partition(
    log_partition: LogPartition, energy: Energy, beta: TensorVariable, owner: str
) -> TensorVariable:
    """Return log Z, a scalar or one a row; 0 where it was not given."""
    if log_partition is None:
        return pt.as_tensor_variable(np.asarray(0.0))
    if isinstance(log_partition, str):
        return _named_log_partition(log_partition, energy, beta, owner)
    if callable(log_partition):
        constant = constant_value(beta)
        unit = constant is not None and np.all(constant == 1.0)
        log_partition = log_partition(energy if unit else beta * energy)
    log_z = as_parameter(log_partition, f"{owner}: log_partition")
    if log_z.ndim > max(batch_ndim(energy), beta.ndim):
        raise ValueError(
            f"{owner}: log_partition has shape {log_z.type.shape}; it is the scalar log Z of one "
            "configuration (one a row only where parameters differ from row to row)."
        )
    return log_z


def _named_log_partition(
    method: str, energy: Energy, beta: TensorVariable, owner: str
) -> TensorVariable:
    """Build log Z by the name of a method; "pseudo" and "exchange" do without."""
    if method in ("pseudo", "exchange") and energy.states is None:
        raise ValueError(
            f"{owner}: log_partition={method!r} is for discrete energies; "
            f"{type(energy).__name__} is one over real values."
        )
    if method == "pseudo":
        return pt.as_tensor_variable(np.asarray(0.0))
    if method == "exchange":
        if Coded.of(energy) is None:
            raise ValueError(
                f"{owner}: log_partition='exchange' draws auxiliary data, and has no sampler for "
                f"{type(energy).__name__}, which is not pairwise. Use an exact method or 'pseudo'."
            )
        return unknown_log_z(*energy.parameters.values(), beta)  # type: ignore[return-value]
    if method not in ("auto", *METHODS):
        raise ValueError(
            f"{owner}: log_partition={method!r} is none of auto, {', '.join(METHODS)}, pseudo, "
            "exchange."
        )
    try:
        return log_partition_of(energy, beta=beta, method=method)
    except ValueError as error:
        raise ValueError(str(error).replace("log_partition:", f"{owner}:", 1)) from None


def batch_ndim(energy: Energy) -> int:
    """Return how many leading dimensions the parameters have beyond those of one event."""
    return max(
        (v.ndim - energy.core_ndims[name] for name, v in energy.parameters.items()), default=0
    )


def require_constant_partition(owner: str, rv: TensorVariable, model: pm.Model) -> None:
    """Raise if an unobserved random variable enters the energy's parameters or beta."""
    _rng, _size, *params = rv.owner.inputs
    random = rvs_in_graph(params) - set(model.observed_RVs)
    if not random:
        return
    names = ", ".join(sorted(repr(v.name) if v.name else "an unnamed variable" for v in random))
    energy, beta, _log_z = rv.owner.op.bind(params)
    raise MissingPartitionError(
        f"{owner}: the energy depends on {names}, so log Z varies with it and cannot be left out "
        f"of the log-probability. {way_out(energy, beta)}"
    )
