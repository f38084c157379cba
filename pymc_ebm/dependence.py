"""Which entries of a variable each element of an expression depends on.

Operations that move entries move their numbers; those that combine elements combine what these
depend on. An operation that is not known here counts as depending on all that goes in, so the
answer may be too cautious and is never too bold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import ancestors, toposort
from pytensor.raise_op import CheckAndRaise
from pytensor.scalar.basic import Cast, Composite, IntDiv, LogicalComparison, UnaryScalarOp
from pytensor.tensor.basic import Alloc, Join, MakeVector
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.extra_ops import CumOp
from pytensor.tensor.math import Dot
from pytensor.tensor.reshape import JoinDims, SplitDims
from pytensor.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape
from pytensor.tensor.sort import SortOp
from pytensor.tensor.special import LogSoftmax, Softmax
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    unflatten_index_variables,
)
from pytensor.tensor.type import TensorType, discrete_dtypes

Numbers = NDArray[np.int64]
NONE, MANY = -1, -2
PY = Mode(linker="py", optimizer="fast_compile")
MOVING = (
    AdvancedSubtensor, DimShuffle, JoinDims, Reshape, SpecifyShape, SplitDims, Subtensor,
)  # fmt: skip


class NotKnownError(Exception):
    """An index or a shape is not known before sampling."""


class Dependence:
    """Numbers of a variable's entries, carried along a graph.

    `variable`: the variable; `numbers`: A number for each of its entries, of an array that
    broadcasts against it; by default they are counted in C order. `data`: shared data that decided,
    and their values then.
    """

    def __init__(self, variable: Variable, numbers: Numbers | None = None) -> None:
        if numbers is None:
            shape = variable.type.shape  # type: ignore[attr-defined]
            numbers = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
        self._known: dict[Variable, Numbers | None] = {variable: numbers}
        self.data: dict[SharedVariable, NDArray] = {}

    def of(self, result: Variable) -> Numbers | None:
        """Return for each element the one entry it depends on, NONE or MANY.

        None if no element depends on any entry. The array broadcasts against `result`.
        """
        for node in toposort([result], blockers=self._known):
            found = self._through(node)
            for k, out in enumerate(node.outputs):
                self._known.setdefault(out, found if k == 0 else _alike(found, out))
        return self._known.get(result)

    def fresh(self) -> bool:
        """Tell whether the shared data that decided are still what they were."""
        return all(
            np.array_equal(shared.get_value(borrow=True), value)
            for shared, value in self.data.items()
        )

    def _through(self, node: Apply) -> Numbers | None:
        op = node.op
        if isinstance(op, Shape | Shape_i):
            return None  # a shape does not depend on values
        numbers = [self._known.get(i) for i in node.inputs]
        if isinstance(op, CheckAndRaise):
            return numbers[0]  # further inputs are conditions
        dependent = [k for k in numbers if k is not None]
        if not dependent:
            return None
        try:
            return self._rule(node, numbers)
        except NotKnownError:
            return _alike(_joined(dependent), node.outputs[0])

    def _rule(self, node: Apply, numbers: list[Numbers | None]) -> Numbers | None:
        op: Any = node.op
        dependent = [k for k in numbers if k is not None]
        first = numbers[0]
        only_first = first is not None and len(dependent) == 1
        if isinstance(op, Elemwise):
            return _combined(dependent)
        if isinstance(op, CAReduce) and first is not None:
            axes = range(first.ndim) if op.axis is None else op.axis
            return _reduced(first, tuple(axes))
        if isinstance(op, Alloc) and only_first:
            assert first is not None
            return first.reshape((1,) * (node.outputs[0].type.ndim - first.ndim) + first.shape)
        if isinstance(op, MOVING) and only_first:
            return self._moved(node, self._full(node.inputs[0], first))
        if isinstance(op, AdvancedSubtensor) and first is None:
            return self._looked_up(node, numbers)
        if isinstance(op, Join):
            parts = [self._full(v, k) for v, k in zip(node.inputs, numbers, strict=True)]
            return np.concatenate(parts, axis=op.axis)
        if isinstance(op, MakeVector):
            return np.array([NONE if k is None else int(k) for k in numbers], np.int64)
        if isinstance(op, IncSubtensor | AdvancedIncSubtensor) and all(
            k is None for k in numbers[2:]
        ):
            return self._written(node, numbers)
        if isinstance(op, Softmax | LogSoftmax | CumOp | SortOp) and only_first:
            assert first is not None
            along = range(first.ndim) if op.axis is None else np.atleast_1d(op.axis)
            whole = _reduced(first, tuple(int(k) % first.ndim for k in along), keepdims=True)
            same = whole.ndim == node.outputs[0].type.ndim  # type: ignore[attr-defined]
            return whole if same else _alike(whole, node.outputs[0])
        if isinstance(op, Dot):
            left, right = numbers
            rows = None if left is None else _reduced(left, (1,), keepdims=True)
            columns = None if right is None else _reduced(right, (0,), keepdims=True)
            return _combined([k for k in (rows, columns) if k is not None])
        if isinstance(op, Blockwise):
            return self._blockwise(node, numbers)
        if isinstance(op, OpFromGraph):
            inner = Dependence(node.inputs[0])
            inner._known = dict(zip(op.inner_inputs, numbers, strict=True))
            inner.data = self.data
            return inner.of(op.inner_outputs[0])
        return _alike(_joined(dependent), node.outputs[0])

    def _full(self, variable: Variable, numbers: Numbers | None) -> Numbers:
        """Return numbers in the variable's own shape."""
        static = variable.type.shape  # type: ignore[attr-defined]
        have = (1,) * len(static) if numbers is None else numbers.shape
        if any(length is None and n == 1 for length, n in zip(static, have, strict=True)):
            static = tuple(self._value(variable.shape))  # type: ignore[attr-defined]
        shape = tuple(
            n if length is None else int(length) for length, n in zip(static, have, strict=True)
        )
        return np.broadcast_to(NONE if numbers is None else numbers, shape).astype(np.int64)

    def _moved(self, node: Apply, numbers: Numbers) -> Numbers:
        """Apply an operation that rearranges entries to their numbers."""
        inputs = [pt.constant(self._value(v)) if _is_data(v) else v for v in node.inputs[1:]]
        return np.asarray(self._value(node.op(pt.constant(numbers), *inputs)))

    def _looked_up(self, node: Apply, numbers: list[Numbers | None]) -> Numbers:
        """Carry numbers through a table that is indexed by the variable."""
        table, *indices = node.inputs
        if any(i.type.dtype == "bool" for i in indices if isinstance(i.type, TensorType)):
            raise NotKnownError
        op: Any = node.op
        wanted = [
            self._value(i) if k is None else self._full(i, k)
            for i, k in zip(indices, numbers[1:], strict=True)
        ]
        entries: list[Any] = list(unflatten_index_variables(wanted, op.idx_list))
        advanced = [k for k, entry in enumerate(entries) if not isinstance(entry, slice)]
        shape = np.broadcast_shapes(*(np.shape(entries[k]) for k in advanced))
        dependent = [k for k in numbers[1:] if k is not None]
        owner = np.broadcast_to(_combined(dependent), shape).reshape(-1)
        lengths = [int(n) for n in self._full(table, None).shape]
        for k in advanced:
            lengths[k], entries[k] = 1, np.zeros(shape, np.int64)
        # the first index counts the others' entries: the result says where each of them went
        lengths[advanced[0]] = owner.size
        entries[advanced[0]] = np.arange(owner.size).reshape(shape)
        axis = [-1 if k == advanced[0] else 1 for k in range(len(lengths))]
        along = np.broadcast_to(np.arange(owner.size).reshape(axis), lengths)
        return owner[along[tuple(entries)]]

    def _written(self, node: Apply, numbers: list[Numbers | None]) -> Numbers:
        """Carry numbers through ``x[index].set(y)`` and ``x[index].inc(y)``."""
        op: Any = node.op
        base, value = node.inputs[:2]
        index = [pt.constant(self._value(v)) if _is_data(v) else v for v in node.inputs[2:]]
        put = type(op)(**{**op._props_dict(), "set_instead_of_inc": True, "inplace": False})
        full, written = self._full(base, numbers[0]), self._full(value, numbers[1])
        after = np.asarray(self._value(put(pt.constant(full), pt.constant(written), *index)))
        if op.set_instead_of_inc:
            return after
        add = type(op)(**{**op._props_dict(), "set_instead_of_inc": False, "inplace": False})
        ones = pt.constant(np.ones(written.shape, np.int64))
        times = np.asarray(self._value(add(pt.constant(np.zeros_like(full)), ones, *index)))
        both = _combined([full, np.where(times > 0, after, NONE)])
        return np.where(times > 1, MANY, both)

    def _blockwise(self, node: Apply, numbers: list[Numbers | None]) -> Numbers:
        """Let core dimensions depend on all of themselves."""
        op: Any = node.op
        batch_ndim = op.batch_ndim(node)
        batches = [_reduced(k, tuple(range(batch_ndim, k.ndim))) for k in numbers if k is not None]
        batch = _combined(batches)
        return batch.reshape(batch.shape + (1,) * (node.outputs[0].type.ndim - batch_ndim))

    def _value(self, variable: Any) -> Any:
        """Evaluate an index or a shape; remember the shared data it took."""
        if not isinstance(variable, Variable):
            return variable
        if isinstance(variable, Constant):
            return variable.data
        lengths = [
            (node.outputs[0], pt.constant(np.array(node.inputs[0].type.shape, np.int64)))
            for node in toposort([variable])
            if isinstance(node.op, Shape) and None not in node.inputs[0].type.shape  # type: ignore[attr-defined]
        ]
        [variable] = clone_replace([variable], lengths)
        for leaf in ancestors([variable]):
            if leaf.owner is not None or isinstance(leaf, Constant):
                continue
            if not (isinstance(leaf, SharedVariable) and isinstance(leaf.type, TensorType)):
                raise NotKnownError  # a random value, or one that is sampled
            self.data[leaf] = np.array(leaf.get_value(borrow=True))
        try:
            return variable.eval(mode=PY)  # type: ignore[attr-defined]
        except Exception as error:
            raise NotKnownError from error


def _is_data(variable: Variable) -> bool:
    """Tell whether an index is an array, or a number, that has to be evaluated."""
    return variable.owner is not None or isinstance(variable, SharedVariable)


def _combined(numbers: Sequence[Numbers]) -> Numbers:
    """Combine what elements depend on, element by element."""
    first, *others = np.broadcast_arrays(*numbers)
    total = first
    for other in others:
        both = np.where(total == other, total, MANY)
        total = np.where(total == NONE, other, np.where(other == NONE, total, both))
    return np.asarray(total)


def _reduced(numbers: Numbers, axes: tuple[int, ...], keepdims: bool = False) -> Numbers:
    """Combine what elements depend on along axes."""
    if not axes:
        return numbers
    over: Any = {"axis": axes, "keepdims": keepdims}
    if numbers.size == 0:
        return np.asarray(numbers.any(**over) * NONE)
    many = (numbers == MANY).any(**over)
    high = numbers.max(**over)
    low = np.where(numbers < 0, np.iinfo(np.int64).max, numbers).min(**over)
    one = np.where((high < 0) | (high == low), high, MANY)
    return np.asarray(np.where(many, MANY, one))


def _joined(numbers: Sequence[Numbers]) -> Numbers:
    """Combine all that several inputs depend on into one number."""
    return _combined([_reduced(k, tuple(range(k.ndim))) for k in numbers])


def _alike(numbers: Numbers | None, out: Variable) -> Numbers | None:
    """Return numbers for an output whose elements depend on everything that went in."""
    if numbers is None:
        return None
    whole = _reduced(numbers, tuple(range(numbers.ndim)))
    return whole.reshape((1,) * getattr(out.type, "ndim", 0))


def is_smooth(expression: Variable, variable: Variable) -> bool:
    """Tell whether a derivative with respect to a variable says how an expression changes.

    Comparisons, rounding and tables that the variable indexes have none, or one that is zero.
    """
    depends = {variable}
    wanted = _without_conditions(expression)
    for node in toposort([expression]):
        inside = [k for k, i in enumerate(node.inputs) if i in depends]
        if not inside or not wanted.intersection(node.outputs):
            continue
        if isinstance(node.op, Shape | Shape_i) or (
            isinstance(node.op, CheckAndRaise) and 0 not in inside
        ):
            continue
        if isinstance(node.op, AdvancedSubtensor | Subtensor) and inside != [0]:
            return False
        if isinstance(node.op, Elemwise) and _is_step(node.op.scalar_op, node):
            return False
        depends.update(node.outputs)
    return True


def _without_conditions(expression: Variable) -> set[Variable]:
    """Return what goes into an expression's value; what is only checked is left out."""
    found: set[Variable] = set()
    pending = [expression]
    while pending:
        variable = pending.pop()
        if variable in found:
            continue
        found.add(variable)
        if variable.owner is not None:
            checks = isinstance(variable.owner.op, CheckAndRaise)
            pending += variable.owner.inputs[:1] if checks else variable.owner.inputs
    return found


def _is_step(scalar_op: Any, node: Apply) -> bool:
    """Tell whether an elementwise operation is constant between jumps."""
    if isinstance(scalar_op, Composite):
        return True
    if isinstance(scalar_op, Cast):
        into = node.outputs[0].type.dtype in discrete_dtypes  # type: ignore[attr-defined]
        return into and node.inputs[0].type.dtype not in discrete_dtypes  # type: ignore[attr-defined]
    rounding = isinstance(scalar_op, UnaryScalarOp) and type(scalar_op).__name__ in (
        "Floor", "Ceil", "Trunc", "RoundHalfToEven", "RoundHalfAwayFromZero", "Sign",
    )  # fmt: skip
    return isinstance(scalar_op, LogicalComparison | IntDiv) or rounding
