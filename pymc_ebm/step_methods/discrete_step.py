"""What all samplers of discrete variables share: construction, several variables, stored state."""

from __future__ import annotations

import copy
import logging

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pymc.step_methods.compound import BlockedStep, Competence, StepMethodState
from pymc.step_methods.state import dataclass_state
from pymc.util import get_random_generator, get_value_vars_from_user_vars
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.step_methods.feasible_start import start_feasible
from pymc_ebm.step_methods.recommendation import recommended_step
from pymc_ebm.variables.boltzmann import BoltzmannRV, is_discrete_boltzmann

_log = logging.getLogger("pymc.ebm")  # below PyMC's logger, so `quiet=True` holds here too

Point = dict[str, NDArray]


@dataclass_state
class DiscreteState(StepMethodState):
    """What a trace backend stores to resume."""

    memory: dict[str, Any]


class DiscreteStep(BlockedStep):
    """Base of the step methods for discrete variables.

    A sampler prepares itself for one variable (`_prepare`) and moves it (`_move`). With several
    variables and ``blocked=True``, one step moves them in turn.

    `vars`: the discrete variables; `model`: by default the model on the context stack; `rng`:
    source of randomness; `initial_point`: values of the other variables where chains start; by
    default the model's initial point; `compile_kwargs`: passed to PyTensor; `blocked`: pyMC's
    switch between one step for all variables and one for each.
    """

    default_blocked = False
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        "spin_energy": (np.float64, []),
        "magnetization": (np.float64, []),
    }
    remembered: ClassVar[tuple[str, ...]] = ("tune",)  # attributes that change while sampling
    owner: ClassVar[str | None] = None  # what error messages call the step, if not by its class
    _state_class = DiscreteState

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = False,
    ) -> None:
        model = pm.modelcontext(model)
        self.vars = get_value_vars_from_user_vars(vars, model)
        self.rng = get_random_generator(rng)
        self.tune = True
        self._parts: list[Self] = []
        if len(self.vars) > 1:
            (_, *arguments), keywords = self.__getnewargs_ex__()
            keywords = {**keywords, "blocked": False, "rng": self.rng}
            self._parts = [type(self)([v], *arguments, **keywords) for v in self.vars]
            return
        (self._value_var,) = self.vars
        rv = model.values_to_rvs[self._value_var]
        self._name = str(rv.name)
        owner = self.owner or type(self).__name__
        if not is_discrete_boltzmann(rv):
            op = getattr(rv.owner, "op", None)
            kind = "a real-valued energy" if isinstance(op, BoltzmannRV) else f"a {op}"
            raise ValueError(
                f"{owner} cannot sample {rv.name!r}, {kind}: it moves discrete energies. Leave the "
                "step out and PyMC chooses one (NUTS for real variables)."
            )
        if None in rv.type.shape:
            raise ValueError(f"{owner} needs the shape of {rv.name!r} fixed, got {rv.type.shape}.")
        start_feasible(model, rv)
        self._prepare(rv, model, initial_point, compile_kwargs)
        self.setup_chain(self.rng, 0, 0)

    @abstractmethod
    def _prepare(
        self, rv: TensorVariable, model: pm.Model, initial_point: Any, compile_kwargs: dict | None
    ) -> None:
        """Compile what is needed to move a variable."""

    @abstractmethod
    def _move(self, value: NDArray, point: Point) -> tuple[NDArray, dict[str, Any]]:
        """Return the variable's next value and the sampler's statistics."""

    def _begin(self, tune: int, draws: int) -> None:
        """Forget the previous chain."""

    @classmethod
    def competence(cls, var: TensorVariable, has_grad: bool) -> int:
        """Claim the variables that this step is recommended for."""
        if recommended_step(var) == cls.__name__:
            return Competence.IDEAL + 1
        return Competence.INCOMPATIBLE

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Forget the previous chain."""
        super().setup_chain(rng, tune, draws)
        self.tune = tune > 0
        for part in self._parts:
            part.setup_chain(self.rng, tune, draws)
        if not self._parts:
            self._begin(tune, draws)

    def stop_tuning(self) -> None:
        """Fix what is tuned."""
        self.tune = False
        for part in self._parts:
            part.stop_tuning()

    def step(self, point: Point) -> tuple[Point, list[dict[str, Any]]]:
        """Move the variable, or each of several in turn.

        `point`: values of all variables; not modified. Returns `point`: with the variable replaced;
        `stats`: the sampler's statistics; of several variables energies are summed and others
        averaged.
        """
        if not self._parts:
            value, stats = self._move(point[self._name], point)
            return {**point, self._name: value.astype(point[self._name].dtype)}, [stats]
        found = []
        for part in self._parts:
            point, [stats] = part.step(point)
            found.append(stats)
        return point, [{name: _pooled(name, [s[name] for s in found]) for name in found[0]}]

    @property
    def memory(self) -> dict[str, Any]:
        """What changes while sampling: a run goes on as if it had never stopped."""
        names = ("tune",) if self._parts else self.remembered
        own = {name: copy.deepcopy(getattr(self, name)) for name in names}
        return {**own, "parts": [part.memory for part in self._parts]}

    @memory.setter
    def memory(self, memory: dict[str, Any]) -> None:
        for name in ("tune",) if self._parts else self.remembered:
            setattr(self, name, copy.deepcopy(memory[name]))
        for part, its in zip(self._parts, memory["parts"], strict=True):
            part.memory, part.rng = its, self.rng

    def _say(self, what: str) -> None:
        """Log one line about the variable."""
        _log.info(f"{self._name}: {what}")


def _pooled(name: str, values: list[Any]) -> Any:
    if name == "spin_energy":
        return float(np.sum(values))
    whole = isinstance(values[0], int | np.integer | bool)
    return type(values[0])(np.max(values)) if whole else float(np.mean(values))


def checked_count(owner: str, name: str, value: Any, least: int = 1) -> int | None:
    """Return a number of things to do as an integer, or say what it must be."""
    if value is None:
        return None
    try:
        whole = value == int(value) and value >= least
    except (TypeError, ValueError):
        whole = False
    if not whole:
        wanted = "a positive integer" if least == 1 else f"{least} or more"
        raise ValueError(f"{owner}: {name} must be {wanted}, got {value}.")
    return int(value)
