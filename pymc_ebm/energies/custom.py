"""Any callable as an energy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

import numpy as np
import pytensor.tensor as pt

from pytensor import config
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.replace import graph_replace, vectorize_graph
from pytensor.graph.traversal import graph_inputs, toposort
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import STATES, Energy, Support


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
        Leading shape of the argument over which the function returns separate energies.
    support : {"real", "spin", "spin-1", "binary", "categorical"}, default "real"
        The values a coordinate may take. The function receives them as floating-point numbers.
    n_states : int, optional
        How many values a categorical coordinate has: 0, …, n_states - 1.

    Raises
    ------
    ValueError
        If the result has the wrong shape, is not real floating point, or does not depend on the
        argument.

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
        self.support = _checked_support(support, n_states)  # type: ignore[misc]
        self.n_states = n_states or 0
        name = getattr(function, "__name__", type(function).__name__)
        self.batch_shape = tuple(batch_shape)
        shape = (*batch_shape, *event_shape)
        self._x = pt.tensor("x", shape=shape, dtype=config.floatX)
        self._output = _checked_output(function(self._x), self._x, batch_shape, name)
        outside = _outside_inputs(self._output, self._x)
        names: list[str] = []
        for k, variable in enumerate(outside):
            taken = variable.name is None or variable.name in names
            names.append(f"parameter_{k}" if taken else str(variable.name))
        self._inputs = dict(zip(names, outside, strict=True))
        super().__init__({}, {}, len(event_shape), tuple(event_shape))
        # not through _parameter: data of any dtype may be captured, and must stay as it is
        self.parameters = dict(self._inputs)
        self.core_ndims = {key: value.ndim for key, value in self._inputs.items()}

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

    Parameters
    ----------
    function : callable
        The energy.
    shape : tuple of int
        Shape of its argument.
    support, n_states
        As for `Custom`.
    """
    values: dict[str, Any] = {"support": support, "n_states": n_states}
    output = pt.as_tensor_variable(function(pt.tensor("x", shape=shape, dtype=config.floatX)))
    if output.ndim > len(shape):
        name = getattr(function, "__name__", type(function).__name__)
        raise ValueError(
            f"Energy {name!r} maps a configuration of shape {shape} to shape {output.type.shape}. "
            "It must return one value a configuration: a scalar, or one value for each entry of "
            "the leading (batch) dimensions. Sum over the rest, e.g. pt.sum(..., axis=-1)."
        )
    split = output.ndim
    whole = Custom(function, shape[split:], batch_shape=shape[:split], **values)
    if split == 0 or whole.parameters:
        return whole
    try:
        single = Custom(function, shape[split:], **values)
        x = np.random.default_rng(0).standard_normal(shape)
        mode = Mode(linker="py", optimizer="fast_compile")
        entries = x.reshape(-1, *shape[split:])
        one_by_one = [single(entry).eval(mode=mode) for entry in entries[:4]]
        agrees = np.allclose(whole(x).eval(mode=mode).reshape(-1)[:4], one_by_one, equal_nan=True)
    except (ValueError, IndexError, TypeError):
        return whole  # the function needs the batch, e.g. to index it
    return single if agrees else whole


def _checked_output(
    output: Any, x: TensorVariable, batch_shape: tuple[int, ...], name: str
) -> TensorVariable:
    """Return the output as a tensor; raise on a wrong shape, dtype or a missing dependence."""
    output = pt.as_tensor_variable(output)
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


def _checked_support(support: str, n_states: int | None) -> Support:
    """Return the support, or say which there are."""
    known = ("real", *STATES, "categorical")
    if support not in known:
        raise ValueError(f"support={support!r} is none of {known}.")
    if support == "categorical" and (n_states is None or not 2 <= n_states <= 127):
        raise ValueError(f"A categorical energy needs n_states from 2 to 127, got {n_states}.")
    if support != "categorical" and n_states is not None:
        raise ValueError(f"n_states={n_states} goes with support='categorical', not {support!r}.")
    return support  # type: ignore[return-value]


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
