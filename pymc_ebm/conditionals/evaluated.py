"""Expressions of a model as a function of a sampler's point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable


class Evaluated:
    """Compile expressions over value variables; computed once if nothing that varies enters.

    `outputs`: the expressions; `model`: whose value variables they use; `compile_kwargs`: passed to
    the compilation; `extra`: further inputs, which are given with each call.
    """

    def __init__(
        self,
        outputs: Sequence[TensorVariable],
        model: pm.Model,
        compile_kwargs: dict | None = None,
        extra: Sequence[TensorVariable] = (),
    ) -> None:
        found = set(ancestors(outputs))
        self._inputs = [v for v in model.value_vars if v in found]
        self._function: Callable[..., list[NDArray]] = pm.compile(
            [*self._inputs, *extra], list(outputs), **(compile_kwargs or {})
        )
        self._function.trust_input = True
        self._cached: list[NDArray] | None = None

    @property
    def constant(self) -> bool:
        """Whether no free variable enters."""
        return not self._inputs

    def forget(self) -> None:
        """Compute again at the next call: data may have changed between runs."""
        self._cached = None

    def __call__(self, point: Mapping[str, NDArray], *extra: Any) -> list[NDArray]:
        """Return the values at a point."""
        if self._cached is not None:
            return self._cached
        arguments = (np.asarray(point[v.name]) for v in self._inputs)
        values = [np.asarray(value) for value in self._function(*arguments, *extra)]
        if self.constant and not extra:
            self._cached = values
        return values
