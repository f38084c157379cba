"""The parameters of an energy that a fit changes, on the whole real line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import graph_inputs
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.dependence import PY
from pymc_ebm.energies.custom import rvs_of
from pymc_ebm.energies.energy import Energy

Values = dict[str, NDArray[Any]]


class Learned:
    """An energy whose parameters are shared variables without constraints.

    Numbers become shared variables; where a parameter is computed from shared variables of floats,
    those are what is learned (`pm.Data` among them, unless named in `fixed`). `energy` is written
    in them; `free` holds them by name, `plain` the names of those made of numbers, and `values`
    their numbers. A parameter named in ``energy.constraints`` is learned through its logarithm
    (``"positive"``), a softmax (``"simplex"``) or a Cholesky factor (``"positive definite"``), or
    left alone (``"fixed"``).
    """

    def __init__(self, energy: Energy, fixed: Iterable[str] = (), dtype: str | None = None) -> None:
        self.template = energy
        self._fixed = _checked_fixed(energy, fixed)
        self.free: dict[str, Any] = {}
        self._rules = dict(energy.constraints)
        self.plain: set[str] = set()  # what was made of numbers, not of shared variables
        bound: dict[str, TensorVariable] = {}
        copies: dict[Any, Any] = {}
        for name, value in energy.parameters.items():
            rule = energy.constraints.get(name, "")
            leaves = [v for v in graph_inputs([value]) if not isinstance(v, Constant)]
            unknown = [v for v in leaves if not isinstance(v, SharedVariable)] + rvs_of([value])
            if unknown:
                raise ValueError(
                    f"fit: {name} of {type(energy).__name__} depends on {unknown[0]}, which has no "
                    "value to start from. Pass numbers or pytensor.shared variables; with a prior "
                    "on it, this is a model for pm.sample."
                )
            shared: list[Any] = [v for v in leaves if _is_float(v)]
            if name in self._fixed or rule == "fixed" or not _is_float(value):
                bound[name] = value
            elif shared:
                for v in shared:
                    if v not in copies:
                        copies[v] = self._take(str(v.name or name), v.get_value(), dtype)
                stand_ins: Any = {v: copies[v].astype(v.dtype) for v in shared}
                bound[name] = cast(TensorVariable, graph_replace(value, stand_ins, strict=False))
            else:
                self.plain.add(name)
                start = _unconstrain(np.asarray(value.eval(mode=PY)), rule)
                copy = self._take(name, start, dtype)
                bound[name] = _constrain(copy.astype(value.dtype), rule)
        if not self.free:
            raise ValueError(
                f"fit: {type(energy).__name__} has nothing to learn; its parameters are "
                f"{list(energy.parameters)}, fixed: {sorted(self._fixed)}."
            )
        self.energy = energy.replace(**bound)
        self._bound = bound

    def _take(self, name: str, value: Any, dtype: str | None) -> Any:
        """Make a shared variable of a number, or find the one made of it before."""
        key, k = name, 1
        while key in self.free:
            key, k = f"{name}_{k}", k + 1
        start = np.array(value, dtype=dtype or pytensor.config.floatX)
        self.free[key] = pytensor.shared(start, name=key, shape=start.shape)
        return self.free[key]

    @property
    def values(self) -> Values:
        """Copies of the numbers, without constraints."""
        return {name: np.array(v.get_value()) for name, v in self.free.items()}

    @values.setter
    def values(self, values: Mapping[str, NDArray]) -> None:
        for name, variable in self.free.items():
            variable.set_value(np.array(values[name], dtype=variable.dtype))

    def number(self, name: str) -> NDArray:
        """Return a parameter of the energy as it is now."""
        if name in self.free and self._rules.get(name) == "positive":
            return np.exp(self.free[name].get_value(borrow=True))
        value: NDArray = np.asarray(self._bound[name].eval(mode=PY))
        return value

    def frozen(self) -> Energy:
        """Return the energy with its parameters as numbers."""
        numbers: dict[str, Any] = {}
        for name, value in self._bound.items():
            numbers[name] = pt.constant(np.asarray(value.eval(mode=PY), dtype=value.dtype))
        return self.template.replace(**numbers)


def _is_float(variable: Variable) -> bool:
    return str(getattr(variable, "dtype", "")).startswith("float")


def _checked_fixed(energy: Energy, fixed: Iterable[str]) -> set[str]:
    if not isinstance(fixed, Iterable):
        raise TypeError(f"fit: fixed={fixed!r}; pass names of parameters.")
    names = {fixed} if isinstance(fixed, str) else set(fixed)
    unknown = names - set(energy.parameters)
    if unknown:
        raise ValueError(
            f"fit: fixed={sorted(unknown)} are no parameters of {type(energy).__name__}, which has "
            f"{list(energy.parameters)}."
        )
    return names


def _unconstrain(value: NDArray, rule: str) -> NDArray:
    if rule in ("positive", "simplex"):
        return np.log(value)
    if rule == "positive definite":
        factor = np.linalg.cholesky(value)
        return np.tril(factor, -1) + np.diag(np.log(np.diag(factor)))
    return value


def _constrain(free: TensorVariable, rule: str) -> TensorVariable:
    if rule == "positive":
        return cast(TensorVariable, pt.exp(free))
    if rule == "simplex":
        return cast(TensorVariable, pt.special.softmax(free, axis=-1))
    if rule == "positive definite":
        factor = pt.tril(free, -1) + pt.diag(pt.exp(pt.diag(free)))
        return cast(TensorVariable, factor @ factor.T)
    return free
