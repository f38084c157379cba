"""What the declaration of a Boltzmann variable must satisfy: the one place that checks it."""

from __future__ import annotations

import logging

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from pymc.pytensorf import rvs_in_graph
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.custom import custom_energy
from pymc_ebm.energies.energy import Energy, Support
from pymc_ebm.variables.confinement import check_real_energy
from pymc_ebm.variables.normaliser import require_constant_partition
from pymc_ebm.variables.observed import (
    as_array,
    check_support,
    checked_initval,
    split_missing,
    values_of,
    warn_of_constant_entries,
)

_log = logging.getLogger("pymc.ebm")  # below PyMC's logger, so `quiet=True` holds here too


class Declaration:
    """Where a variable is registered, and the data that come with it.

    `owner`: what error messages call the variable; `model`: none for a variable that is not
    registered; `dims`, `observed`, `impute`: as for `Boltzmann`.
    """

    def __init__(
        self,
        owner: str,
        model: pm.Model | None = None,
        dims: Any = None,
        observed: Any = None,
        impute: bool = False,
    ) -> None:
        self.owner, self._model, self._dims = owner, model, dims
        self._observed = as_array(observed)
        self._impute = impute
        self._known: np.ndarray | None = None
        self._filled: np.ndarray | None = None

    def resolve(
        self,
        energy: Any,
        shape: Any,
        support: Support | None,
        n_states: int | None,
    ) -> tuple[Energy, tuple[int, ...] | None]:
        """Return the energy and the variable's shape, held to the data and to each other."""
        owner = self.owner
        if self._model is not None:
            shape = resolve_shape(owner, self._model, energy, shape, self._dims, self._observed)
        elif shape is not None:
            shape = _whole_shape(owner, shape)
        energy = as_energy(energy, shape, owner, support, n_states)
        if energy.event_shape is None and shape is None:
            raise ValueError(f"{owner}: this energy needs shape=, e.g. shape=2.")
        if self._impute:
            self._known, self._filled = split_missing(owner, energy, self._observed)
        elif self._observed is not None:
            check_support(owner, energy, self._observed, "observed")
            if not isinstance(self._observed, Variable) and energy.states is not None:
                self._observed = np.asarray(self._observed).astype(np.int64)
            if isinstance(self._observed, Variable) and shape is not None:
                # as many rows as there are when draws are made: data may change
                event = shape[len(shape) - energy.event_ndim :]
                rows = [self._observed.shape[k] for k in range(len(shape) - energy.event_ndim)]  # type: ignore[attr-defined]
                shape = (*rows, *event)  # type: ignore[assignment]
        return energy, shape

    def require_observed_for(self, method: Any) -> None:
        """Raise if a treatment of log Z that only data allow is asked for a latent variable."""
        without_z = isinstance(method, str) and method in ("pseudo", "exchange")
        if self._model is None or not without_z:
            return
        if self._observed is None or self._impute:
            raise ValueError(
                f"{self.owner}: log_partition={method!r} is for observed data, and this variable "
                "is latent. Use an exact method, ebm.LogPartitionTable, or a tensor."
            )

    @property
    def registered(self) -> Any:
        """The data the model gets: none if gaps are to be sampled."""
        return None if self._impute else self._observed

    def check(self, rv: TensorVariable, initval: Any) -> Any:
        """Check the variable against the model and the data; return where it starts."""
        assert self._model is not None
        op: Any = rv.owner.op
        energy, owner = op.energy, self.owner
        if self._impute:
            known, filled = pt.constant(self._known), pt.constant(self._filled)
            op.start = lambda start: pt.switch(known, filled, start)
        start = np.zeros(tuple(length or 1 for length in rv.type.shape))
        if initval is not None and not isinstance(initval, str | Variable):
            initval = start = checked_initval(owner, energy, initval, rv.type.shape)
        if self.registered is not None:
            free = bool(rvs_in_graph(rv.owner.inputs[2:]))
            warn_of_constant_entries(owner, energy, self.registered, free)
        if op.pseudo:
            _log.info(
                f"{owner}: pseudo-likelihood in place of the likelihood. Its posterior is biased "
                "and of the wrong width: ebm.sandwich corrects the width"
            )
        if not op.normalised:
            require_constant_partition(owner, rv, self._model)
        if energy.states is None and self._observed is None:
            check_real_energy(owner, energy, rv, start)
        return initval

    def constrain(self, rv: TensorVariable) -> None:
        """Hold the known entries of data with gaps fast."""
        if self._known is None:
            return
        agrees = pt.switch(pt.eq(rv, self._filled), 0.0, -np.inf)
        constraint = pt.switch(self._known, agrees, 0.0)
        constraint = pm.Potential(f"{rv.name}_observed", constraint, dims=self._dims)
        constraint.tag.constraint = True  # it holds values fast, and is no energy to judge


@contextmanager
def naming(kwargs: Mapping[str, Any], family: str) -> Iterator[None]:
    """Let an energy's error messages name the variable that is declared."""
    try:
        yield
    except ValueError as error:
        declared = kwargs.get("declared")
        owner = family if declared is None else declared.owner
        raise ValueError(str(error).replace(f"{family}:", f"{owner}:", 1)) from None


def _whole_shape(owner: str, shape: Any) -> tuple[int, ...]:
    """Return a shape of whole numbers."""
    lengths = np.atleast_1d(shape).tolist()
    for length in lengths:
        if length != int(length) or length < 0:
            raise ValueError(
                f"{owner}: shape={shape!r} has the length {length}; lengths are whole."
            )
    return tuple(int(length) for length in lengths)


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
        resolved = _whole_shape(owner, shape)
    elif from_dims is not None:
        resolved = from_dims
    elif observed is not None:
        resolved = tuple(np.shape(values_of(observed)))
    elif event is not None:
        resolved = (*_rows_of(energy), *event)
    else:
        raise ValueError(f"{owner}: pass shape= (or dims=, or observed=); this energy fits any.")
    if from_dims is not None and from_dims != resolved:
        raise ValueError(
            f"{owner}: dims {tuple(names)} have lengths {from_dims}, and the shape is {resolved}."
        )
    if observed is not None:
        rows = tuple(np.shape(values_of(observed)))
        if len(rows) != len(resolved) or any(
            a not in (b, 1) for a, b in zip(rows, resolved, strict=True)
        ):
            raise ValueError(
                f"{owner}: observed has shape {rows}, and the variable has shape {resolved}. Leave "
                "shape= out, or pass data of that shape."
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


def _rows_of(energy: Any) -> tuple[int, ...]:
    """Return the batch shape of an energy's parameters, as far as it is known."""
    shapes = [
        v.type.shape[: v.ndim - energy.core_ndims[name]] for name, v in energy.parameters.items()
    ]
    if any(None in shape for shape in shapes):
        return ()
    return tuple(int(n) for n in np.broadcast_shapes(*shapes))


def require_rows_that_fit(
    owner: str, energy: Energy, beta: TensorVariable, shape: tuple[int, ...] | None
) -> None:
    """Raise if parameters have rows that do not align with the variable's."""
    if shape is None:
        return
    batch = shape[: len(shape) - energy.event_ndim]
    if any(isinstance(length, Variable) for length in batch):
        return  # rows of data that may change are aligned when they are read
    given = [(n, v, v.ndim - energy.core_ndims[n]) for n, v in energy.parameters.items()]
    for name, value, ndim in [*given, ("beta", beta, beta.ndim)]:
        rows = value.type.shape[: max(ndim, 0)]
        fits = len(rows) <= len(batch) and all(
            n in (None, 1) or n == want
            for n, want in zip(rows, batch[len(batch) - len(rows) :], strict=True)
        )
        if not fits:
            raise ValueError(
                f"{owner}: {name} has shape {value.type.shape}, so it has rows of shape "
                f"{rows}; the variable has shape {shape}, which is {batch or 'one row'} of events "
                f"of shape {energy.event_shape}."
            )
