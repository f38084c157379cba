"""Starting a discrete variable where its likelihood does not forbid it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from pytensor.graph.replace import clone_replace
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.children import Children
from pymc_ebm.dependence import PY
from pymc_ebm.states import States


def starts_where_told(model: pm.Model, rv: TensorVariable) -> bool:
    """Tell whether the user, or data with gaps, said where a variable starts."""
    known = getattr(rv.owner.op, "start", None)
    told = known is not None and not isinstance(known, _Allowed)
    return told or model.rvs_to_initial_values.get(rv) is not None


@dataclass(frozen=True)
class _Allowed:
    """From a random start to one where the children's log-probability is finite."""

    said: TensorVariable  # (*shape, q)
    states: States

    def __call__(self, start: TensorVariable) -> TensorVariable:
        """Replace entries in impossible states by the state their children like best."""
        best = pt.constant(self.states.values)[pt.argmax(self.said, axis=-1)]
        number = pt.shape_padright(self.states.numbers(start))
        here = pt.take_along_axis(self.said, number, axis=-1)[..., 0]
        return pt.switch(pt.isneginf(here), best, start)


def start_feasible(model: pm.Model, rv: TensorVariable) -> None:
    """Let chains start at states that the children allow, unless an `initval` was given.

    A detection proves presence: at a state of likelihood zero no other step could begin. Each
    entry that would start in such a state takes the one its children like best instead. The
    expression holds the data as they are when a run starts.
    """
    if starts_where_told(model, rv):
        return
    op = rv.owner.op
    op.start = None
    children, states = Children.of(model, rv), op.energy.states
    columns = children.terms.columns(states)
    if columns is None:
        return
    point = model.initial_point()
    others = [
        (value, pt.constant(np.asarray(point[value.name], value.dtype)))
        for value in model.value_vars
        if value is not children.terms.variable
    ]
    [said] = cast(list[TensorVariable], clone_replace([pt.stack(columns, axis=-1)], others))
    if not np.isneginf(said.eval(mode=PY)).any():
        return
    op.start = _Allowed(said, states)
