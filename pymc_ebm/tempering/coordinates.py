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

    `model`: the model.
    """
    inputs, values = _coordinates(model)
    return pm.compile(inputs, pt.concatenate([pt.atleast_1d(v.ravel()) for v in values]))


def compile_coordinates(model: pm.Model) -> Callable | None:
    """Compile values of the free variables → unconstrained ones, a list in the same order.

    `model`: the model. Returns none where no variable is transformed.
    """
    if all(transform is None for transform in model.rvs_to_transforms.values()):
        return None
    inputs, values = _coordinates(model)
    return pm.compile(inputs, values, on_unused_input="ignore")


def _coordinates(model: pm.Model) -> tuple[list[Any], list[Any]]:
    """Write each free variable's coordinates over fresh inputs."""
    given = {v: v.type() for v in model.free_RVs}
    values = []
    for rv in model.free_RVs:
        transform = model.rvs_to_transforms[rv]
        values.append(rv if transform is None else transform.forward(rv, *rv.owner.inputs))
    fresh: Any = clone_replace(values, given)
    return list(given.values()), list(fresh)


def compile_constrained(model: pm.Model) -> Callable:
    """Compile unconstrained coordinates → values of the free variables.

    `model`: the model.
    """
    natural, joined = join_nonshared_inputs(
        model.initial_point(),
        model.replace_rvs_by_values(list(model.free_RVs)),
        list(model.value_vars),
    )
    return pm.compile([joined], natural)
