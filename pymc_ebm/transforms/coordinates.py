"""Between a model's free variables and the unconstrained coordinates that samplers see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pymc as pm
import pytensor.tensor as pt

from pymc.pytensorf import join_nonshared_inputs
from pytensor.graph.replace import clone_replace


def compile_unconstrained(model: pm.Model) -> Callable:
    """Compile values of the free variables → unconstrained coordinates, shape (d,).

    Parameters
    ----------
    model : Model
        The model.
    """
    given = {v: v.type() for v in model.free_RVs}
    values = []
    for rv in model.free_RVs:
        transform = model.rvs_to_transforms[rv]
        values.append(rv if transform is None else transform.forward(rv, *rv.owner.inputs))
    fresh: Any = clone_replace(values, given)
    return pm.compile(
        list(given.values()), pt.concatenate([pt.atleast_1d(v.ravel()) for v in fresh])
    )


def compile_constrained(model: pm.Model) -> Callable:
    """Compile unconstrained coordinates → values of the free variables.

    Parameters
    ----------
    model : Model
        The model.
    """
    natural, joined = join_nonshared_inputs(
        model.initial_point(),
        model.replace_rvs_by_values(list(model.free_RVs)),
        list(model.value_vars),
    )
    return pm.compile([joined], natural)
