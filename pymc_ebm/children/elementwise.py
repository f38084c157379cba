"""Likelihoods of discrete variables as external fields.

For two values, a log-probability ``ℓ`` that depends on one spin is linear in it,
``ℓ(s) = ½(ℓ(+1) + ℓ(−1)) + ½ s (ℓ(+1) − ℓ(−1))``, so an elementwise child adds
``½(ℓ(+1) − ℓ(−1))`` to the field, exactly. Which spin an entry of the log-probability belongs to is
found by carrying the spins' index numbers along the graph: operations that move entries move the
numbers, elementwise operations keep them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import numpy as np
import pytensor.tensor as pt

from pytensor.compile.mode import Mode
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import ancestors
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.basic import Alloc
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Sum
from pytensor.tensor.reshape import JoinDims, SplitDims
from pytensor.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape
from pytensor.tensor.subtensor import AdvancedSubtensor, Subtensor
from pytensor.tensor.variable import TensorVariable

MOVING_OPS = (
    AdvancedSubtensor,
    DimShuffle,
    JoinDims,
    Reshape,
    SpecifyShape,
    SplitDims,
    Subtensor,
)


class NotElementwiseError(ValueError):
    """A log-probability ties several spins together, so it is no field."""


def field_from_terms(
    terms: Sequence[TensorVariable], variable: TensorVariable, low: int, high: int
) -> TensorVariable | None:
    """Write the field that log-probability terms exert on a two-valued variable.

    Parameters
    ----------
    terms : sequence of TensorVariable
        Log-probabilities, elementwise in the variable up to a final sum.
    variable : TensorVariable
        The value variable; its static shape must be known.
    low, high : int
        Its two values: -1 and +1, or 0 and 1.

    Returns
    -------
    TensorVariable or None
        ``½ (ℓ(high) − ℓ(low))`` in the variable's shape, summed over the terms; None if no term
        depends on the variable.

    Raises
    ------
    NotElementwiseError
        If an entry of a term depends on more than one entry of the variable.
    """

    def half_log_odds(summand: TensorVariable) -> TensorVariable:
        return 0.5 * pt.sub(_at(summand, variable, high), _at(summand, variable, low))

    return _gather(terms, variable, half_log_odds)


def columns_from_terms(
    terms: Sequence[TensorVariable], variable: TensorVariable, states: Sequence[int]
) -> list[TensorVariable] | None:
    """Write what log-probability terms say about each state of each entry of a variable.

    Parameters
    ----------
    terms, variable
        As for `field_from_terms`.
    states : sequence of int
        The q values an entry may take.

    Returns
    -------
    list of TensorVariable or None
        ``ℓ_i(state)`` for each state, in the variable's shape, summed over the terms; None if no
        term depends on the variable.
    """
    columns = []
    for state in states:
        column = _gather(terms, variable, partial(_at, variable=variable, state=state))
        if column is None:
            return None
        columns.append(column)
    return columns


def _at(summand: TensorVariable, variable: TensorVariable, state: int) -> TensorVariable:
    """Evaluate an expression where every entry of the variable has the same value."""
    everywhere = pt.full(variable.type.shape, state, dtype=variable.dtype)
    [value] = clone_replace([summand], [(variable, everywhere)])
    return cast(TensorVariable, value)


def _gather(
    terms: Sequence[TensorVariable],
    variable: TensorVariable,
    read: Callable[[TensorVariable], TensorVariable],
) -> TensorVariable | None:
    """Add up what is read off each entry of the terms at the entry of the variable it is about."""
    n = int(np.prod(variable.type.shape))
    total = None
    for term in terms:
        for summand in _summands(term, variable):
            numbers = _Numbering(variable).of(summand)
            if numbers is None:
                continue
            strength = read(summand)
            total = pt.zeros(n) if total is None else total
            if np.array_equal(numbers.reshape(-1), np.arange(n)) and summand.ndim == numbers.ndim:
                same_size = all(
                    length == known
                    for length, known in zip(summand.type.shape, numbers.shape, strict=True)
                )
                if same_size:
                    total = total + strength.reshape((n,))
                    continue
            owner = pt.broadcast_to(pt.constant(numbers), strength.shape)
            total = total[owner.reshape((-1,))].inc(strength.reshape((-1,)))
    return None if total is None else total.reshape(variable.type.shape)


def rest_of_terms(terms: Sequence[TensorVariable], variable: TensorVariable) -> TensorVariable:
    """Write the part of log-probability terms that `columns_from_terms` leaves out, a scalar.

    Parameters
    ----------
    terms, variable
        As for `field_from_terms`.
    """
    parts = [rest.sum() for term in terms for rest in _split(term, variable)[1]]
    return _at(pt.add(pt.zeros(()), *parts), variable, 0)  # only shapes depend on the variable


def _summands(term: TensorVariable, variable: TensorVariable) -> list[TensorVariable]:
    """Return the parts of a term that depend on the variable."""
    return _split(term, variable)[0]


def _split(
    term: TensorVariable, variable: TensorVariable
) -> tuple[list[TensorVariable], list[TensorVariable]]:
    """Split a term by undoing outer sums and additions: parts with the variable, and without."""
    if variable not in ancestors([term]):
        return [], [term]
    node = term.owner
    if node is not None and isinstance(node.op, Sum):
        return _split(node.inputs[0], variable)
    if node is not None and node.op == pt.add:
        parts = [part for part in node.inputs if variable in ancestors([part])]
        if all(part.type.broadcastable == term.type.broadcastable for part in parts):
            inner = [_split(part, variable) for part in parts]
            rest = [pt.broadcast_to(part, term.shape) for part in node.inputs if part not in parts]
            return (
                [summand for dependent, _ in inner for summand in dependent],
                [*rest, *(part for _, others in inner for part in others)],
            )
    return [term], []


class _Numbering:
    """Flat index numbers of a variable's entries, carried along a graph."""

    def __init__(self, variable: TensorVariable) -> None:
        shape = variable.type.shape
        start = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
        self._known: dict[Variable, np.ndarray | None] = {variable: start}

    def of(self, result: Variable) -> np.ndarray | None:
        """Return the entry each element of `result` depends on, None if on none of them.

        The array broadcasts against `result`.
        """
        if result not in self._known:
            self._known[result] = self._through(result.owner) if result.owner else None
        return self._known[result]

    def _through(self, node: Apply) -> np.ndarray | None:
        op = node.op
        if isinstance(op, Shape | Shape_i):
            return None  # a shape does not depend on values
        if isinstance(op, CheckAndRaise | Alloc):
            return self.of(node.inputs[0])  # further inputs are conditions, or a shape
        numbers = [self.of(i) for i in node.inputs]
        dependent = [k for k in numbers if k is not None]
        if not dependent:
            return None
        if isinstance(op, Elemwise):
            first, *others = np.broadcast_arrays(*dependent)
            if any(not np.array_equal(first, other) for other in others):
                raise NotElementwiseError("it combines different spins in one entry")
            return first
        if isinstance(op, MOVING_OPS) and numbers[0] is not None and len(dependent) == 1:
            shape = [
                length if have == 1 and length is not None else have
                for length, have in zip(node.inputs[0].type.shape, numbers[0].shape, strict=True)
            ]
            return _move(node, np.broadcast_to(numbers[0], shape))
        if isinstance(op, AdvancedSubtensor) and op.idx_list == (0,) and numbers[1] is not None:
            # a table indexed by the variable, `mu[s]`: entries keep their places, the table's
            # other axes come behind
            behind = (1,) * (node.inputs[0].type.ndim - 1)
            return numbers[1].reshape(numbers[1].shape + behind)
        raise NotElementwiseError(f"it passes them through {op}")


def _move(node: Apply, numbers: np.ndarray) -> np.ndarray:
    """Apply an operation that rearranges entries to the index numbers."""
    moved = node.op(pt.constant(numbers), *node.inputs[1:])
    try:
        return moved.eval(mode=Mode(linker="py", optimizer="fast_compile"))
    except Exception as error:
        raise NotElementwiseError(f"which spins {node.op} selects is itself random") from error
