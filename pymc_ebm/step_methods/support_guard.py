"""Refuse PyMC's own discrete steps for spins.

`pymc.BinaryGibbsMetropolis` proposes ``1 − s``, `pymc.Metropolis` adds a rounded normal: on
{-1, +1} nearly every proposal is outside the support, the chain stands still, and nothing says so.
PyMC offers no hook where a step given by hand meets its variable, so the constructor that all steps
share is wrapped once.
"""

from __future__ import annotations

from typing import Any

import pymc as pm

from pymc.step_methods.compound import BlockedStep
from pymc.step_methods.hmc.base_hmc import BaseHMC
from pymc.util import get_value_vars_from_user_vars

from pymc_ebm.boltzmann import BoltzmannRV


def install() -> None:
    """Wrap the constructor of PyMC's steps."""
    original = BlockedStep.__new__

    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        if cls.__module__.startswith("pymc."):
            _refuse_spins(cls, args, kwargs)
        return original(cls, *args, **kwargs)

    BlockedStep.__new__ = staticmethod(__new__)  # type: ignore[method-assign]


def _refuse_spins(step_class: type, args: tuple, kwargs: dict[str, Any]) -> None:
    """Raise if a variable given to one of PyMC's steps is a spin variable."""
    given = args[0] if args else kwargs.get("vars")
    if given is None and issubclass(step_class, BaseHMC):
        return  # takes the continuous variables only
    model = pm.modelcontext(kwargs.get("model"))
    value_vars = model.value_vars if given is None else get_value_vars_from_user_vars(given, model)
    for value_var in value_vars:
        rv = model.values_to_rvs[value_var]
        op = getattr(rv.owner, "op", None)
        if not isinstance(op, BoltzmannRV) or op.energy.support not in ("spin", "binary"):
            continue
        if op.energy.support == "binary" and "Binary" in step_class.__name__:
            continue  # slow, but it does flip 0 and 1
        allowed = "{-1, +1}" if op.energy.support == "spin" else "{0, 1}"
        raise ValueError(
            f"pm.{step_class.__name__} does not fit {rv.name!r}: its values are {allowed}, and "
            "the step proposes others, which are never accepted. Leave step= out, or pass "
            f"step=ebm.ChromaticGibbs([{rv.name}])."
        )
