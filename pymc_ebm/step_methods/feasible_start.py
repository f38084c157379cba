"""Starting a discrete variable where its likelihood does not forbid it."""

from __future__ import annotations

from typing import cast
from weakref import WeakSet

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from pymc.distributions.distribution import support_point
from pytensor.graph.replace import clone_replace
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.children import Children
from pymc_ebm.dependence import PY

_ours: WeakSet[TensorVariable] = WeakSet()


def starts_where_told(model: pm.Model, rv: TensorVariable) -> bool:
    """Tell whether the user said where a variable starts."""
    return model.rvs_to_initial_values.get(rv) is not None and rv not in _ours


def start_feasible(model: pm.Model, rv: TensorVariable) -> None:
    """Let chains start at states that the children allow, unless an `initval` was given.

    A detection proves presence: at a state of likelihood zero no other step could begin. Each
    entry that would start in such a state takes the one its children like best instead. The
    expression holds the data as they are when a run starts.
    """
    if model.rvs_to_initial_values.get(rv) is not None:
        return
    children, states = Children.of(model, rv), rv.owner.op.energy.states
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
    start = support_point(rv)
    best = pt.constant(states.values)[pt.argmax(said, axis=-1)]
    here = pt.take_along_axis(said, pt.shape_padright(states.numbers(start)), axis=-1)[..., 0]
    model.set_initval(rv, pt.switch(pt.isneginf(here), best, start))
    _ours.add(rv)
