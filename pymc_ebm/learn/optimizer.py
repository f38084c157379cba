"""One step downhill: PyMC's update rules, compiled once for gradients that come as arrays."""

from __future__ import annotations

import inspect

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from pymc_ebm.learn.learned import Values
from pymc_ebm.learn.optax_rule import OptaxRule, is_transformation


def optimizer_of(rule: Any, free: dict[str, Any]) -> Optimizer | OptaxRule:
    """Return what moves shared variables by a rule of PyMC or of optax."""
    return OptaxRule(rule, free) if is_transformation(rule) else Optimizer(rule, free)


def name_of(rule: Any) -> str:
    """Return what tells rules apart that are of other names or settings, as far as they say."""
    if is_transformation(rule):
        return "optax"
    keywords = sorted(getattr(rule, "keywords", {}).items())
    return f"{getattr(getattr(rule, 'func', rule), '__name__', 'adam')}({dict(keywords)})"


class Optimizer:
    """Shared variables and the rule that moves them.

    `rule` is one of PyMC's, such as ``pm.adam(learning_rate=0.01)``: called with gradients and
    variables it returns updates. Its learning rate becomes a variable, so that schedules can change
    it.
    """

    def __init__(self, rule: Any, free: dict[str, Any]) -> None:
        self._free = free
        self.base_rate, rule = _with_rate(rule)
        dtype = next(iter(free.values())).dtype
        self._rate = pytensor.shared(np.asarray(self.base_rate, dtype), name="learning_rate")
        gradients = [v.type(name=f"gradient_of_{name}") for name, v in free.items()]
        updates = rule(list(gradients), list(free.values()), self._rate)
        # rules mix in float64 constants; what is stored keeps its type
        updates = {key: pt.cast(value, key.dtype) for key, value in updates.items()}
        self._memory = [v for v in updates if v not in free.values()]
        self._step = pytensor.function(gradients, [], updates=list(updates.items()))
        self._step.trust_input = True

    def step(self, gradient: Values, factor: float) -> None:
        """Move by one gradient, the learning rate times `factor`."""
        self._rate.set_value(np.asarray(self.base_rate * factor, self._rate.dtype))
        self._step(*(np.asarray(gradient[n], v.dtype) for n, v in self._free.items()))

    def arrays(self) -> Values:
        """Return what the rule remembers."""
        return {str(k): np.asarray(v.get_value()) for k, v in enumerate(self._memory)}

    def restore(self, arrays: Values) -> None:
        """Take it back."""
        for k, variable in enumerate(self._memory):
            variable.set_value(np.asarray(arrays[str(k)], variable.dtype))


def _with_rate(rule: Any) -> tuple[float, Callable]:
    """Split a rule into its learning rate and a function of gradients, variables and rate."""
    if rule is None:
        rule = pm.adam(learning_rate=0.01)
    if not callable(rule):
        raise TypeError(
            f"fit: optimizer is a {type(rule).__name__}; pass one of PyMC's update rules, such as "
            "pm.adam(learning_rate=0.01) or pm.sgd(learning_rate=0.1), or one of optax's."
        )
    if not isinstance(rule, partial):
        rule = partial(rule)
    defaults = inspect.signature(rule.func).parameters
    rate: Any = rule.keywords.get("learning_rate")
    if rate is None and "learning_rate" in defaults:
        rate = defaults["learning_rate"].default
    if not isinstance(rate, int | float | np.number) or not 0 < rate < np.inf:
        raise ValueError(
            f"fit: the optimizer's learning_rate must be a positive number, got {rate}."
        )
    others = {k: v for k, v in rule.keywords.items() if k != "learning_rate"}

    def updates(gradients: Any, variables: Any, learning_rate: Any) -> Any:
        return rule.func(gradients, variables, learning_rate=learning_rate, **others)

    return float(rate), updates
