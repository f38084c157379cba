"""One step downhill by a gradient transformation of optax."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pymc_ebm.learn.learned import Values


class OptaxRule:
    """Shared variables, moved by what has ``init`` and ``update``.

    optax keeps the learning rate inside; a schedule of `fit` scales its updates.
    """

    base_rate = 1.0

    def __init__(self, rule: Any, free: dict[str, Any]) -> None:
        self._rule, self._free = rule, free
        self._memory = rule.init(self._values())

    def _values(self) -> Values:
        return {name: np.asarray(v.get_value()) for name, v in self._free.items()}

    def step(self, gradient: Values, factor: float) -> None:
        """Move by one gradient, updates times `factor`."""
        cast = {n: np.asarray(gradient[n], v.dtype) for n, v in self._free.items()}
        updates, self._memory = self._rule.update(cast, self._memory, self._values())
        for name, variable in self._free.items():
            moved = variable.get_value() + factor * np.asarray(updates[name])
            variable.set_value(np.asarray(moved, variable.dtype))

    def arrays(self) -> Values:
        """Return what the rule remembers."""
        return {str(k): np.asarray(leaf) for k, leaf in enumerate(_leaves(self._memory))}

    def restore(self, arrays: Values) -> None:
        """Take it back."""
        leaves = iter([arrays[str(k)] for k in range(len(arrays))])
        self._memory = _refilled(self._memory, leaves)


def is_transformation(rule: Any) -> bool:
    """Tell whether a rule is one of optax's."""
    return callable(getattr(rule, "init", None)) and callable(getattr(rule, "update", None))


def _leaves(tree: Any) -> Iterator[Any]:
    """Give the arrays in nested tuples, lists and mappings, in one order."""
    if tree is None:
        return
    if isinstance(tree, dict):
        for key in sorted(tree):
            yield from _leaves(tree[key])
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from _leaves(part)
    else:
        yield tree


def _refilled(tree: Any, leaves: Iterator[Any]) -> Any:
    """Return the same nest with other arrays."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {key: _refilled(tree[key], leaves) for key in sorted(tree)}
    if isinstance(tree, tuple | list):
        parts = [_refilled(part, leaves) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return np.asarray(next(leaves), np.asarray(tree).dtype)
