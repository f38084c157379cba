"""The log-probability of a discrete variable and its gradient, for informed proposals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.gradient import DisconnectedInputError, NullTypeGradError
from pytensor.graph.basic import Variable
from pytensor.graph.traversal import toposort
from pytensor.tensor.math import Prod, Sum
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.children import children_of


class InformedTarget:
    """Log-probability of a discrete variable and of its children, as if its values were real.

    `owner`: what error messages call the step; `rv`: the variable; `model`: its model;
    `compile_kwargs`: passed to the compilation. `states`: the values an entry may take.

    Raises
    ------
    ValueError
        If the variable is no discrete energy, or its energy has no gradient.
    """

    def __init__(
        self, owner: str, rv: TensorVariable, model: pm.Model, compile_kwargs: dict | None
    ) -> None:
        op: Any = rv.owner.op
        self.name = str(rv.name)
        self._states = op.energy.states
        self.states = self._states.values
        self.shape = tuple(rv.type.shape)
        batch = self.shape[: len(self.shape) - op.energy.event_ndim]
        self._flat = (int(np.prod(batch)), -1)
        others = children_of(model, rv)
        terms = model.logp(vars=others, sum=True) if others else pt.zeros(())
        value_var = model.rvs_to_values[rv]
        real = pt.tensor(f"{self.name}_real", shape=self.shape, dtype="float64")
        _rng, _size, *params = rv.owner.inputs
        energy, beta, _log_z = op.bind(model.replace_rvs_by_values(params))
        value = energy(real)
        logp = -(beta * value).sum() + _with_real_values(terms, value_var, real)
        if self._states.counts is not None:
            logp = pt.switch(pt.all(self._states.contains(real)), logp, -np.inf)
        try:
            gradient = pytensor.grad(logp, real)
        except (DisconnectedInputError, NullTypeGradError, NotImplementedError) as error:
            raise _no_gradient(owner, self.name, f" ({error})") from None
        found = [v for v in model.value_vars if v is not value_var]
        self._inputs = found
        self._function = pm.compile(
            [real, *found],
            [logp, gradient, value.sum()],
            on_unused_input="ignore",
            **(compile_kwargs or {}),
        )
        self._function.trust_input = True
        rng = np.random.default_rng(0)
        start = model.initial_point()
        # weights that begin at zero leave no gradient there
        moved = {
            key: value + rng.normal(size=np.shape(value)) if value.dtype.kind == "f" else value
            for key, value in start.items()
        }
        tried = [
            self.at(self._states.random(rng, self.shape).astype(float), point)
            for point in (start, start, start, moved, moved)
        ]
        if not any(np.any(gradient) for _, gradient, _ in tried):
            raise _no_gradient(owner, self.name, ": it is zero everywhere")

    def order(self, x: NDArray[np.float64]) -> float:
        """Return the order parameter of a configuration."""
        return self._states.order(x.reshape(self._flat))

    def at(self, values: NDArray[np.float64], point: Mapping[str, NDArray]) -> tuple:
        """Return log-probability, gradient and energy of a configuration."""
        logp, gradient, energy = self._function(
            values, *(np.asarray(point[v.name]) for v in self._inputs)
        )
        return float(logp), np.asarray(gradient), float(energy)


def _no_gradient(owner: str, name: str, why: str) -> ValueError:
    return ValueError(
        f"{owner}: the energy of {name!r} has no gradient{why}. Write it with "
        "arithmetic instead of comparisons and indexing by its values, or pass "
        f"step=ebm.ChromaticGibbs([{name}]), which needs no gradient."
    )


def _with_real_values(
    expression: TensorVariable, value_var: TensorVariable, real: TensorVariable
) -> TensorVariable:
    """Rebuild an expression on real values; reductions lose the integer type they had fixed."""
    rebuilt: dict[Variable, Variable] = {value_var: real}
    for node in toposort([expression]):
        if not any(i in rebuilt for i in node.inputs):
            continue
        inputs = [rebuilt.get(i, i) for i in node.inputs]
        op = node.op
        if isinstance(op, Sum | Prod):
            op = type(op)(axis=op.axis)
        rebuilt.update(zip(node.outputs, op.make_node(*inputs).outputs, strict=True))
    return rebuilt.get(expression, expression)  # type: ignore[return-value]
