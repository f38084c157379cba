"""What the samplers of pairwise discrete variables share."""

from __future__ import annotations

import logging
import math

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pymc.step_methods.compound import BlockedStep, Competence, StepMethodState
from pymc.step_methods.state import dataclass_state
from pymc.util import get_random_generator, get_value_vars_from_user_vars
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.step_methods.conditional import Conditional, Conditions
from pymc_ebm.step_methods.recommendation import recommended_step

_log = logging.getLogger("pymc.ebm")  # below PyMC's logger, so `quiet=True` holds here too

FIRST_SWEEPS = 4
WARM_START_SWEEPS = 50
TARGET_INEFFICIENCY = (
    1.5  # draws per independent draw; at 1 a draw could never be seen to be too long
)
MOST_UPDATES = 2**20  # spin updates a draw, about 3 ms: PyMC spends 0.2 ms around a draw
FEWEST_MOST_SWEEPS = 32  # so many sweeps are allowed however many spins there are
ADAPTATIONS = 4  # times the number of sweeps is reconsidered while tuning
FEWEST_RECORDS = 20


class Move(Protocol):
    """Something that updates one configuration in place."""

    def set_coupling(self, coupling: NDArray[np.float64]) -> None:
        """Change the couplings."""

    def sweep(self, x: NDArray, field: NDArray, sweeps: int, state: NDArray) -> None:
        """Update the configuration."""


@dataclass_state
class PairwiseStepState(StepMethodState):
    """What a trace backend stores to resume."""

    sweeps: int
    tune: bool


class PairwiseStep(BlockedStep):
    """Base of the step methods for pairwise discrete variables.

    A sampler says which move it makes (`_new_move`); the couplings and fields at each point, the
    children, warm start, tuning of the number of sweeps, and statistics are handled here.

    Parameters
    ----------
    vars : variable or list of variables
        The discrete variable. With several, each gets a step of its own.
    sweeps : int, optional
        Sweeps a draw; by default chosen while tuning.
    model : Model, optional
        By default the model on the context stack.
    rng : int or Generator, optional
        Source of randomness.
    initial_point : dict, optional
        Values of the other variables for a chain's first sweeps; by default the model's initial
        point.
    compile_kwargs : dict, optional
        Passed to the compilation of the fields.
    blocked : bool, default False
        PyMC's switch between one step for all variables and one for each.
    """

    default_blocked = False
    default_tune_steps = 500
    cost: float = 1.0  # of a sweep, in heat-bath sweeps
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        "spin_energy": (np.float64, []),
        "magnetization": (np.float64, []),
        "sweeps": (np.int64, []),
    }
    _state_class = PairwiseStepState

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        sweeps: int | None = None,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = False,
    ) -> None:
        owner = type(self).__name__
        if sweeps is not None and (sweeps != int(sweeps) or sweeps < 1):
            raise ValueError(f"{owner}: sweeps must be a positive integer, got {sweeps}.")
        model = pm.modelcontext(model)
        (self._value_var,) = self.vars = get_value_vars_from_user_vars(vars, model)
        self.rng = get_random_generator(rng)
        self._fixed_sweeps = sweeps
        self.sweeps = sweeps or FIRST_SWEEPS
        self.tune = True
        rv = model.values_to_rvs[self._value_var]
        self._name = str(self._value_var.name)
        self._conditional = self._condition(rv, model, compile_kwargs)
        self._check(rv, model)
        self._start = initial_point
        if initial_point is None and not self._conditional.children_constant:
            self._start = model.initial_point()
        self._start_from_likelihood = model.rvs_to_initial_values.get(rv) is None
        self._moves: Move | None = None
        self.setup_chain(self.rng, 0, 0)
        self._announce(rv, model)

    @abstractmethod
    def _new_move(self, coupling: NDArray[np.float64]) -> Move:
        """Build the move for couplings ``βJ``."""

    @abstractmethod
    def _describe(self) -> str:
        """Say in a few words what the move does."""

    def _condition(
        self, rv: TensorVariable, model: pm.Model, compile_kwargs: dict | None
    ) -> Conditional:
        """Describe the variable given all others."""
        return Conditional(type(self).__name__, rv, model, compile_kwargs)

    def _check(self, rv: TensorVariable, model: pm.Model) -> None:
        """Refuse a variable the move does not fit."""

    @classmethod
    def competence(cls, var: TensorVariable, has_grad: bool) -> int:
        """Claim the variables that this step is recommended for."""
        if recommended_step(var) == cls.__name__:
            return Competence.IDEAL + 1
        return Competence.INCOMPATIBLE

    def _announce(self, rv: TensorVariable, model: pm.Model) -> None:
        children = self._conditional.children
        _log.info(
            f"{self._name}: {self._describe()}"
            + (f", with {', '.join(children)} as field" if children else "")
        )

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Forget the previous chain."""
        super().setup_chain(rng, tune, draws)
        self.tune = tune > 0
        self._warm_start = self.tune and bool(self._conditional.children)
        self.sweeps = self._fixed_sweeps or self._worth(FIRST_SWEEPS)
        self._history: list[tuple[float, float]] = []
        self._window = max(tune // ADAPTATIONS, 1)
        self._conditional.forget()

    def step(self, point: dict[str, NDArray]) -> tuple[dict[str, NDArray], list[dict[str, Any]]]:
        """Move the variable, `sweeps` times.

        Parameters
        ----------
        point : dict of str to ndarray
            Values of all variables; not modified.

        Returns
        -------
        point : dict
            With the variable replaced.
        stats : list of one dict
            The sampler's statistics.
        """
        warm_start, self._warm_start = self._warm_start, False
        sweeps = self.sweeps
        parameters: Mapping[str, NDArray] = point
        if warm_start:
            sweeps, parameters = (
                max(sweeps, self._worth(WARM_START_SWEEPS)),
                {**point, **(self._start or {})},
            )
        conditional = self._conditional
        conditions = conditional.at(parameters)
        x = conditional.encode(point[self._name])
        if warm_start and self._start_from_likelihood:
            x = conditional.draw_from_children(x, self.rng)
        self._run(x, conditions, sweeps, kernels.xoshiro.seed_state(self.rng))
        energy, order = conditional.energy(x, conditions), conditional.order(x)
        stats = {
            "spin_energy": energy,
            "magnetization": order,
            "sweeps": sweeps,
            **self._statistics(),
        }
        if self.tune and self._fixed_sweeps is None:
            self._adapt(energy, order)
        return {**point, self._name: conditional.decode(x, point[self._name].dtype)}, [stats]

    def _run(self, x: NDArray, conditions: Conditions, sweeps: int, state: NDArray) -> None:
        """Move every batch entry."""
        for b, chain in enumerate(x):
            if self._moves is None:
                self._moves = self._new_move(conditions.coupling[b])
            elif not self._conditional.couplings_constant or len(x) > 1:
                self._moves.set_coupling(conditions.coupling[b])
            self._moves.sweep(chain, conditions.field[b], sweeps, state)

    def _statistics(self) -> dict[str, Any]:
        """Return what the sampler records besides energy, magnetisation and sweeps."""
        return {}

    def _adapt(self, energy: float, order: float) -> None:
        """Choose the sweeps so that draws are nearly independent in energy and order."""
        self._history.append((energy, order))
        if len(self._history) < self._window:
            return
        from arviz_stats.base import array_stats

        recent = np.asarray(self._history[len(self._history) // 2 :]).T
        self._history = []
        moving = [trace for trace in (*recent, np.abs(recent[1])) if np.ptp(trace) > 0]
        if len(recent[0]) < FEWEST_RECORDS or not moving:
            return
        ess = min(
            float(array_stats.ess(trace[None], chain_axis=0, draw_axis=1)) for trace in moving
        )
        draws_per_independent_draw = len(recent[0]) / max(ess, 1.0)
        wanted = self.sweeps * draws_per_independent_draw / TARGET_INEFFICIENCY
        self.sweeps = min(max(round(wanted), 1), self._most_sweeps())

    def _most_sweeps(self) -> int:
        """Bound the time of a draw."""
        entries = int(np.prod(self._conditional.shape))
        return max(self._worth(FEWEST_MOST_SWEEPS), int(MOST_UPDATES / (entries * self.cost)))

    def _worth(self, heat_bath_sweeps: int) -> int:
        """Return how many sweeps cost as much as so many heat-bath sweeps."""
        return math.ceil(heat_bath_sweeps / self.cost)
