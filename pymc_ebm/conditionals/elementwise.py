"""Log-probabilities of children, read entry by entry of a discrete variable.

Where each element of a log-probability depends on one entry of the variable, it says something
about each state of that entry: an external field. Elements that depend on several entries tie them
together, and are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import numpy as np
import pytensor.tensor as pt

from pytensor.graph.replace import clone_replace
from pytensor.raise_op import Assert
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import Dot, Sum
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.dependence import MANY, Dependence, Numbers
from pymc_ebm.states import States

_STALE = Assert(
    "The data that say which entry of a discrete variable each observation is about have changed "
    "since this was compiled. Build it again (ebm.relax(model), a new step) after pm.set_data."
)


@dataclass
class Terms:
    """Log-probability terms, sorted by what they depend on.

    `variable`: the value variable; its static shape must be known; `single`: summands whose
    elements depend on one entry each, with its number (or none); `tied`: summands with elements
    that depend on several entries; `rest`: summands that do not depend on the variable;
    `dependence`: what told them apart.
    """

    variable: TensorVariable
    single: list[tuple[TensorVariable, Numbers]] = field(default_factory=list)
    tied: list[TensorVariable] = field(default_factory=list)
    rest: list[TensorVariable] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin to number the variable's entries."""
        self.dependence = Dependence(self.variable)

    def add(self, term: TensorVariable) -> None:
        """Sort the summands of one more log-probability."""
        for summand in self._summands(term):
            numbers = self.dependence.of(summand)
            if numbers is None:
                self.rest.append(summand)
            elif np.any(numbers == MANY):
                self.tied.append(summand)
            else:
                self.single.append((summand, numbers))

    def columns(self, states: States) -> list[TensorVariable] | None:
        """Write ``ℓ_i(state)`` for each state, in the variable's shape; None if nothing is said."""
        if not self.single:
            return None
        return [self._gather(partial(self._at, state=state)) for state in states]

    def half_log_odds(self, states: States) -> TensorVariable | None:
        """Write ``½ (ℓ_i(high) − ℓ_i(low))`` of two states; None if nothing is said."""
        if not self.single:
            return None
        low, high = states
        return self._gather(lambda part: 0.5 * (self._at(part, high) - self._at(part, low)))

    def tied_sum(self) -> TensorVariable | None:
        """Write the sum of what ties entries together, a scalar; None if nothing does."""
        if not self.tied:
            return None
        return pt.add(pt.zeros(()), *(summand.sum() for summand in self.tied))

    def rest_sum(self) -> TensorVariable:
        """Write the sum of what does not depend on the variable, a scalar."""
        total = pt.add(pt.zeros(()), *(part.sum() for part in self.rest))
        for summand, numbers in self.single:
            if np.any(numbers < 0):  # elements that depend on no entry
                free = pt.broadcast_to(pt.constant(numbers < 0), summand.shape)
                total = total + pt.switch(free, summand, 0.0).sum()
        return self._at(total, 0)  # nothing but shapes depends on the variable

    def _at(self, expression: TensorVariable, state: int) -> TensorVariable:
        """Evaluate an expression where every entry of the variable has the same value."""
        same = pt.full(self.variable.type.shape, state, dtype=self.variable.dtype)
        [value] = clone_replace([expression], [(self.variable, same)])
        return cast(TensorVariable, value)

    def _gather(self, read: Callable[[TensorVariable], TensorVariable]) -> TensorVariable:
        """Add up what is read off each element at the entry of the variable it is about."""
        shape = self.variable.type.shape
        n = int(np.prod(shape))
        total = pt.zeros(n)
        for summand, numbers in self.single:
            value = read(summand)
            if np.array_equal(numbers.reshape(-1), np.arange(n)) and (
                summand.type.shape == numbers.shape
            ):
                total = total + value.reshape((n,))
                continue
            owner = pt.broadcast_to(pt.constant(numbers), value.shape).reshape((-1,))
            value = value.reshape((-1,))
            if np.any(numbers < 0):  # elements that depend on no entry go to a place of their own
                place = pt.switch(owner < 0, n, owner)
                total = total + pt.zeros(n + 1)[place].inc(value)[:n]
            else:
                total = total[owner].inc(value)
        return self._held_to_its_data(total).reshape(shape)

    def _held_to_its_data(self, total: TensorVariable) -> TensorVariable:
        """Let the result fail where indices in shared data are no longer what they were."""
        for shared, value in self.dependence.data.items():
            same = pt.eq(shared.shape, value.shape).all()  # type: ignore[attr-defined]
            flat = shared.flatten()[: value.size]  # type: ignore[attr-defined]
            padded = pt.zeros(value.size, dtype=value.dtype)[: flat.size].set(flat)
            total = _STALE(total, same & pt.eq(padded, value.reshape(-1)).all())  # type: ignore[assignment]
        return total

    def _summands(self, term: TensorVariable) -> list[TensorVariable]:
        """Split a term by undoing outer sums, additions and constant factors."""
        if term.owner is None or not self._depends(term):
            return [term]
        op, inputs = term.owner.op, term.owner.inputs
        if isinstance(op, Sum | DimShuffle):
            return self._summands(inputs[0])  # the sum of all elements is what counts
        if isinstance(op, Dot) and term.type.broadcastable == (True, True):
            return self._summands(inputs[0].T * inputs[1])
        if op in (pt.add, pt.sub) and all(
            part.type.broadcastable == term.type.broadcastable
            for part in inputs
            if self._depends(part)
        ):
            signs = [1.0, -1.0] if op == pt.sub else [1.0] * len(inputs)
            found: list[TensorVariable] = []
            for part, sign in zip(inputs, signs, strict=True):
                full = part if self._depends(part) else pt.broadcast_to(part, term.shape)
                split = self._summands(full)
                found += split if sign > 0 else [-summand for summand in split]
            return found
        if op == pt.neg:
            return [-summand for summand in self._summands(inputs[0])]
        if op in (pt.mul, pt.true_div) and all(term.type.broadcastable):
            dependent = [k for k, part in enumerate(inputs) if self._depends(part)]
            if len(dependent) == 1 and (op == pt.mul or dependent == [0]):
                others = [part for k, part in enumerate(inputs) if k != dependent[0]]
                return [op(summand, *others) for summand in self._summands(inputs[dependent[0]])]
        return [term]

    def _depends(self, part: TensorVariable) -> bool:
        """Tell whether an expression depends on the variable, its shape aside."""
        return self.dependence.of(part) is not None
