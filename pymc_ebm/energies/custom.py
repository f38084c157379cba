"""Any callable as an energy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor import config
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.replace import clone_replace, graph_replace, vectorize_graph
from pytensor.graph.traversal import ancestors, graph_inputs, toposort
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.type import discrete_dtypes
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.dependence import MANY, PY, Dependence
from pymc_ebm.energies.energy import Energy, Support
from pymc_ebm.states import SUPPORTS, States, labels

ROW_TRIALS = 4  # of whether rows mix, where the operations do not tell


class Custom(Energy):
    """Wrap a function that writes an energy as a PyTensor graph.

    The function is called once, on a symbolic configuration. What it uses besides its argument
    (variables of a model, data) becomes the energy's parameters.

    Parameters
    ----------
    function : callable
        Takes a tensor of shape ``(*batch, *event)``, returns real values of shape ``batch``.
    event_shape : tuple of int
        Shape of one configuration.
    batch_shape : tuple of int
        Leading shape of the argument over which the function returns separate energies: they may
        differ from row to row, and each row must depend on its own configuration alone.
    support : {"real", "spin", "spin-1", "binary", "categorical"}, default "real"
        The values a coordinate may take. The function receives them as floating-point numbers, or
        as integers if it indexes with them.
    n_states : int, optional
        How many values a categorical coordinate has: 0, …, n_states - 1.

    Raises
    ------
    ValueError
        If the result has the wrong shape, is not real, does not depend on the argument, or mixes
        rows.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> quartic = ebm.energies.Custom(lambda x: (x**4).sum(), event_shape=(2,))
    >>> quartic([[1.0, 1.0], [0.0, 2.0]]).eval()
    array([ 2., 16.])
    """

    def __init__(
        self,
        function: Callable[[TensorVariable], Any],
        event_shape: tuple[int, ...],
        *,
        batch_shape: tuple[int, ...] = (),
        support: Support = "real",
        n_states: int | None = None,
    ) -> None:
        self._states = _checked_support(support, n_states)
        self.support = support  # type: ignore[misc]
        self.n_states = n_states or 0
        name = getattr(function, "__name__", type(function).__name__)
        self.batch_shape = tuple(batch_shape)
        shape = (*batch_shape, *event_shape)
        self._x, output = _traced(function, shape, self._states)
        self._output = _checked_output(output, self._x, batch_shape, name)
        if batch_shape:
            _require_separate_rows(self._output, self._x, len(batch_shape), self._states, name)
        outside = _outside_inputs(self._output, self._x)
        names: list[str] = []
        for k, variable in enumerate(outside):
            taken = variable.name is None or variable.name in names
            names.append(f"parameter_{k}" if taken else str(variable.name))
        self._inputs = dict(zip(names, outside, strict=True))
        super().__init__({}, {}, len(event_shape), tuple(event_shape))
        # not through as_parameter: data of any dtype may be captured, and must stay as it is
        self.parameters = dict(self._inputs)
        self.core_ndims = {key: value.ndim for key, value in self._inputs.items()}

    @property
    def states(self) -> States | None:
        """The values of a coordinate; None if it is real."""
        return self._states

    @cached_property
    def joined(self) -> Custom:
        """The same energy with the batch taken as one configuration: energies add up."""
        return Custom(
            lambda x: self.evaluate(x, **self.parameters).sum(),
            (*self.batch_shape, *(self.event_shape or ())),
            support=self.support,
            n_states=self.n_states or None,
        )

    def evaluate(self, x: TensorVariable, **parameters: TensorVariable) -> TensorVariable:
        """Substitute the configuration and the parameters into the captured graph."""
        if x.dtype != self._x.dtype:
            x = x.astype(self._x.dtype)
        replacements: dict[Variable, Variable] = {self._x: x}
        batched = x.ndim > self._x.ndim
        for key, value in parameters.items():
            if value is not self._inputs[key]:
                replacements[self._inputs[key]] = value
                batched |= value.ndim > self._inputs[key].ndim
        if batched:
            return cast(TensorVariable, vectorize_graph(self._output, replace=replacements))
        return cast(TensorVariable, graph_replace(self._output, replacements, strict=False))


def custom_energy(
    function: Callable[[TensorVariable], Any],
    shape: tuple[int, ...],
    support: Support = "real",
    n_states: int | None = None,
) -> Custom:
    """Wrap a function of a variable of known shape, and find out what one configuration is.

    A function that returns shape ``shape[:b]`` treats the first `b` dimensions as a batch. Where it
    says the same of one entry of the batch alone, it is captured for one entry.
    """
    values: dict[str, Any] = {"support": support, "n_states": n_states}
    _x, output = _traced(function, shape, _checked_support(support, n_states))
    if output.ndim > len(shape):
        name = getattr(function, "__name__", type(function).__name__)
        raise ValueError(
            f"Energy {name!r} maps a configuration of shape {shape} to shape {output.type.shape}. "
            "It must return one value a configuration: a scalar, or one value for each entry of "
            "the leading (batch) dimensions. Sum over the rest, e.g. pt.sum(..., axis=-1)."
        )
    split = output.ndim
    whole = Custom(function, shape[split:], batch_shape=shape[:split], **values)
    if split == 0:
        return whole
    try:
        single = Custom(function, shape[split:], **values)
    except (ValueError, IndexError, TypeError):
        return whole  # the function needs the batch, e.g. for data that differ from row to row
    return single if _say_the_same(single, whole) else whole


def _say_the_same(single: Custom, whole: Custom) -> bool:
    """Compare two captures of one function at random configurations and parameters."""
    x = _random_values(whole.states, (*whole.batch_shape, *(whole.event_shape or ())), 0)
    together, apart = _at_random_parameters([whole(x), single(x)]) or (0, 1)
    return bool(np.allclose(together, apart, equal_nan=True))


def _random_values(states: States | None, shape: tuple[int, ...], seed: int) -> NDArray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) if states is None else states.random(rng, shape)


def _at_random_parameters(outputs: list[TensorVariable]) -> list[NDArray] | None:
    """Evaluate expressions of random variables at values that fit them; None if that fails."""
    rng = np.random.default_rng(0)
    stand_ins: list[tuple[Variable, Variable]] = []
    try:
        for variable in rvs_of(outputs):
            length = tuple(variable.shape.eval(mode=PY))
            whole = variable.dtype in discrete_dtypes
            drawn = rng.integers(0, 2, length) if whole else rng.random(length)
            stand_ins.append((variable, pt.constant(np.asarray(drawn, variable.dtype))))
        return pytensor.function([], clone_replace(outputs, stand_ins), mode=PY)()
    except Exception:
        return None


def rvs_of(outputs: list[TensorVariable]) -> list[Any]:
    """Return the random variables in a graph."""
    return [
        variable
        for variable in ancestors(outputs)
        if isinstance(variable.type, pt.TensorType)
        and variable.owner is not None
        and isinstance(variable.owner.op, RandomVariable)
    ]


def _traced(
    function: Callable[[TensorVariable], Any], shape: tuple[int, ...], states: States | None
) -> tuple[TensorVariable, TensorVariable]:
    """Call a function on floating-point values; on integers if it indexes with them."""
    x = pt.tensor("x", shape=shape, dtype=config.floatX)
    try:
        return x, pt.as_tensor_variable(function(x))
    except (TypeError, IndexError):
        if states is None:
            raise
    x = pt.tensor("x", shape=shape, dtype="int64")
    output = pt.as_tensor_variable(function(x))
    return x, output if output.dtype.startswith(("float", "complex")) else output.astype("floatX")


def _checked_output(
    output: Any, x: TensorVariable, batch_shape: tuple[int, ...], name: str
) -> TensorVariable:
    """Return the output as a tensor; raise on a wrong shape, dtype or a missing dependence."""
    if output.dtype.startswith("complex"):
        raise ValueError(
            f"Energy {name!r} returns {output.dtype}. An energy is real: take pt.real(...) or "
            "pt.abs(...) of the complex quantity."
        )
    if not output.dtype.startswith("float"):
        raise ValueError(
            f"Energy {name!r} returns {output.dtype}. Whole numbers have no gradient: return a "
            "float (an integer result usually means a comparison or a cast)."
        )
    static = output.type.shape
    fits = len(static) == len(batch_shape) and all(
        got is None or got == want for got, want in zip(static, batch_shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"Energy {name!r} maps a configuration of shape {x.type.shape} to shape {static}; "
            f"expected {batch_shape}. It must return one value a configuration: sum over the "
            "rest, e.g. pt.sum(..., axis=-1)."
        )
    if not any(x in node.inputs for node in toposort([output])):
        raise ValueError(
            f"Energy {name!r} does not depend on its argument, so every configuration would be "
            "equally probable."
        )
    return output


def _require_separate_rows(
    output: TensorVariable, x: TensorVariable, batch_ndim: int, states: States | None, name: str
) -> None:
    """Raise if the energy of a row depends on another row's configuration."""
    batch = x.type.shape[:batch_ndim]
    rows = np.arange(int(np.prod(batch)), dtype=np.int64).reshape(batch)
    padded = rows.reshape(*batch, *(1,) * (x.ndim - batch_ndim))
    found = Dependence(x, padded).of(output)
    mixed = found is None or found.shape != rows.shape or not np.array_equal(found, rows)
    if mixed and found is not None and np.any(found == MANY):  # or an operation is not known
        mixed = any(
            _changes_with_others(output, x, batch_ndim, states, seed) for seed in range(ROW_TRIALS)
        )
    if mixed:
        raise ValueError(
            f"Energy {name!r} returns one value a row, and that of a row depends on another row's "
            "configuration. Return one scalar if all rows are one configuration."
        )


def _changes_with_others(
    output: TensorVariable, x: TensorVariable, batch_ndim: int, states: States | None, seed: int
) -> bool:
    """Tell whether the first row's energy changes where all other rows do."""
    values = states if x.dtype in discrete_dtypes else None  # real numbers rarely coincide
    first, second = (_random_values(values, x.type.shape, 2 * seed + k) for k in (0, 1))
    row = (seed % x.type.shape[0],) + (0,) * (batch_ndim - 1)
    second[row] = first[row]
    both: Any = [
        graph_replace(output, [(x, pt.constant(v, dtype=x.dtype))]) for v in (first, second)
    ]
    found = _at_random_parameters(both)
    return found is None or found[0][row] != found[1][row]


def _checked_support(support: str, n_states: int | None) -> States | None:
    """Return the states of a support, None if it is real, or say which supports there are."""
    known = ("real", *SUPPORTS, "categorical")
    if support not in known:
        raise ValueError(f"support={support!r} is none of {known}.")
    if support == "categorical":
        if n_states is None or not 2 <= n_states <= 127:
            raise ValueError(f"A categorical energy needs n_states from 2 to 127, got {n_states}.")
        return labels(n_states)
    if n_states is not None:
        raise ValueError(f"n_states={n_states} goes with support='categorical', not {support!r}.")
    return SUPPORTS.get(support)


def _outside_inputs(output: TensorVariable, x: TensorVariable) -> list[TensorVariable]:
    """List the largest subgraphs that feed the energy without depending on `x`."""
    depends: set[Variable] = {x}
    outside: dict[Variable, None] = {}
    for node in toposort([output]):
        if depends.intersection(node.inputs):
            depends.update(node.outputs)
    for node in toposort([output]):
        if not depends.intersection(node.outputs):
            continue
        for variable in node.inputs:
            if variable in depends or isinstance(variable, Constant):
                continue
            if isinstance(variable.type, pt.TensorType) and not _is_constant_graph(variable):
                outside[variable] = None
    return list(outside)  # type: ignore[arg-type]


def _is_constant_graph(variable: Variable) -> bool:
    """Tell whether a variable is computed from constants alone."""
    return all(isinstance(leaf, Constant) for leaf in graph_inputs([variable]))
