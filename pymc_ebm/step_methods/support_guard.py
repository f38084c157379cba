"""Refuse PyMC's own steps where they would be wrong without a word.

`pymc.BinaryGibbsMetropolis` proposes ``1 − s``, `pymc.Metropolis` adds a rounded normal: on
{-1, +1} nearly every proposal is outside the support, the chain stands still, and nothing says so.
A step without gradients would not notice that log Z is unknown, and would sample parameters as if
it were constant. PyMC offers no hook where a step given by hand meets its variable, so the
constructor that all steps share is wrapped once.
"""

from __future__ import annotations

from typing import Any

import pymc as pm

from pymc.step_methods.compound import BlockedStep
from pymc.step_methods.hmc.base_hmc import BaseHMC
from pymc.util import get_value_vars_from_user_vars
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.step_methods.unknown_partition import exchange_variables, parameters_of
from pymc_ebm.variables.boltzmann import is_discrete_boltzmann


def install() -> None:
    """Wrap the constructor of PyMC's steps."""
    original = BlockedStep.__new__

    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        if cls.__module__.startswith("pymc."):
            _refuse(cls, args, kwargs)
        return original(cls, *args, **kwargs)

    BlockedStep.__new__ = staticmethod(__new__)  # type: ignore[method-assign]


def _refuse(step_class: type, args: tuple, kwargs: dict[str, Any]) -> None:
    """Raise if a step of PyMC's does not fit a variable given to it."""
    given = args[0] if args else kwargs.get("vars")
    if given is None and issubclass(step_class, BaseHMC):
        return  # takes the continuous variables only, and gradients find an unknown log Z
    model = pm.modelcontext(kwargs.get("model"))
    value_vars = model.value_vars if given is None else get_value_vars_from_user_vars(given, model)
    rvs = [model.values_to_rvs[v] for v in value_vars]
    for rv in rvs:
        _refuse_spins(step_class, rv)
    for observed in exchange_variables(model):
        for rv in parameters_of(model, observed):
            if rv in rvs:
                raise ValueError(
                    f"pm.{step_class.__name__} does not fit {rv.name!r}: log Z of "
                    f"{observed.name!r} depends on it and was left unknown. Leave step= out, or "
                    f"pass step=ebm.ExchangeMH([{rv.name}])."
                )


def _refuse_spins(step_class: type, rv: TensorVariable) -> None:
    """Raise if a variable given to one of PyMC's steps is a discrete energy it does not fit."""
    if not is_discrete_boltzmann(rv):
        return
    states = rv.owner.op.energy.states
    if states == (0, 1) and "Binary" in step_class.__name__:
        return  # slow, but it does flip 0 and 1
    if not states.two_valued:
        return  # some of the integers that PyMC's steps propose are among these
    raise ValueError(
        f"pm.{step_class.__name__} does not fit {rv.name!r}: its values are "
        f"{{{', '.join(map(str, states))}}}, and the step proposes others, which are never "
        f"accepted. Leave step= out, or pass step=ebm.ChromaticGibbs([{rv.name}])."
    )
