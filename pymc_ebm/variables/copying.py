"""Copies of models, starting values included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pymc as pm

from pymc.model.transform.conditioning import remove_value_transforms


@contextmanager
def without_starting_values(model: pm.Model) -> Iterator[None]:
    """Set a model's own starting values aside: PyMC's transformations of models refuse them.

    `model`: the model; as it was afterwards.
    """
    kept = dict(model.rvs_to_initial_values)
    model.rvs_to_initial_values.update(dict.fromkeys(kept))
    try:
        yield
    finally:
        model.rvs_to_initial_values.update(kept)


def untransformed(model: pm.Model) -> pm.Model:
    """Return a copy whose value variables are the variables' own values.

    `model`: the model.
    """
    with without_starting_values(model):
        return remove_value_transforms(model)


def copy_starting_values(model: pm.Model, new: pm.Model) -> None:
    """Give variables of the same name the starting values they had.

    `model`, `new`: where they are, and where they go.
    """
    for rv, start in model.rvs_to_initial_values.items():
        if start is not None and rv.name in {v.name for v in new.free_RVs}:
            new.set_initval(new[rv.name], start)
