"""What the declaration of a Boltzmann variable must satisfy: the one place that checks it."""

from __future__ import annotations

import difflib
import inspect
import logging
import warnings

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from pymc.pytensorf import rvs_in_graph
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.custom import custom_energy
from pymc_ebm.energies.energy import Energy, Support, as_parameter, constant_value
from pymc_ebm.errors import MissingPartitionError
from pymc_ebm.log_z.exact.log_partition import METHODS, way_out
from pymc_ebm.log_z.exact.log_partition import log_partition as log_partition_of
from pymc_ebm.log_z.unknown import unknown_log_z
from pymc_ebm.variables.confinement import check_real_energy

LogPartition = float | str | TensorVariable | Callable[[Energy], Any] | None

_log = logging.getLogger("pymc.ebm")  # below PyMC's logger, so `quiet=True` holds here too

OF_PYMC = ("rng", "size", "dtype", "return_next_rng")
OF_THE_MODEL = ("shape", "dims", "observed", "initval", "impute", "total_size", "transform",
                "default_transform")  # fmt: skip
_BOUNDS = "a bounded variable in the energy: x = lower + (upper - lower) * pm.math.sigmoid(z)"
MEANT = {
    "temperature": "beta, the inverse temperature 1 / T",
    "T": "beta, the inverse temperature 1 / T",
    "lower": _BOUNDS,
    "upper": _BOUNDS,
    "hidden_bias": "c",
    "visible_bias": "b",
    "field": "h",
    "coupling": "J",
    "couplings": "J",
    "log_z": "log_partition",
    "testval": "initval",
}


class Declaration:
    """Where a variable is registered, and the data that come with it.

    Parameters
    ----------
    owner : str
        What error messages call the variable.
    model : Model, optional
        None for a variable that is not registered.
    dims, observed, impute
        As for `Boltzmann`.
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
        self._observed = _as_array(observed)
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


def refuse_unknown_keywords(owner: str, dists: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise for a keyword that none of some functions takes; name the nearest one that they do."""
    known = {*OF_PYMC, *OF_THE_MODEL}
    for function in dists:
        known |= {
            name
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.kind is not parameter.VAR_KEYWORD
        }
    known -= {"energy", "declared"}
    for keyword in kwargs:
        if keyword in known or keyword == "declared":
            continue
        if keyword in MEANT:
            meant = f" Use {MEANT[keyword]}."
        else:
            near = difflib.get_close_matches(keyword, known, n=1)
            meant = (
                f" Did you mean {near[0]}=?" if near else f" It takes {', '.join(sorted(known))}."
            )
        raise TypeError(f"{owner}: unknown keyword {keyword}={kwargs[keyword]!r}.{meant}")


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
        resolved = tuple(np.shape(_values(observed)))
    elif event is not None:
        resolved = (*_rows_of(energy), *event)
    else:
        raise ValueError(f"{owner}: pass shape= (or dims=, or observed=); this energy fits any.")
    if from_dims is not None and from_dims != resolved:
        raise ValueError(
            f"{owner}: dims {tuple(names)} have lengths {from_dims}, and the shape is {resolved}."
        )
    if observed is not None:
        rows = tuple(np.shape(_values(observed)))
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


def split_missing(owner: str, energy: Energy, observed: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return which entries of data are known, and the data with gaps filled by random states."""
    if energy.states is None or observed is None:
        what = "there are no observed data" if observed is None else "its values are real"
        raise ValueError(f"{owner}: impute=True is for gaps in discrete data, and {what}.")
    values = np.ma.filled(np.ma.asarray(_values(observed), dtype=float), np.nan)
    known = ~np.isnan(values)
    drawn = energy.states.random(np.random.default_rng(0), values.shape)
    filled = np.where(known, values, drawn)
    check_support(owner, energy, filled, "observed")
    return known, filled.astype(np.int64)


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
    dtype = float if energy.states is None else np.int64
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


def _values(observed: Any) -> Any:
    """Return the current numbers behind data, shared data or a table; None if there are none."""
    if isinstance(observed, Variable):
        if hasattr(observed, "get_value"):
            return observed.get_value(borrow=True)
        constant = constant_value(observed)  # type: ignore[arg-type]
        if constant is not None:
            return constant
        return None if rvs_in_graph([observed]) else observed.eval()
    return _as_array(observed)


def _as_array(observed: Any) -> Any:
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
