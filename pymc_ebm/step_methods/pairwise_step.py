"""What the samplers that sweep over a discrete variable share."""

from __future__ import annotations

import math

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.conditionals.conditional import Conditional, Conditions
from pymc_ebm.graphs import Graph
from pymc_ebm.moves import one_by_one
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.step_methods.discrete_step import DiscreteStep, Point, checked_count
from pymc_ebm.step_methods.feasible_start import starts_where_told

FIRST_SWEEPS = 4
WARM_START_SWEEPS = 50
TARGET_INEFFICIENCY = (
    1.5  # draws per independent draw; at 1 a draw could never be seen to be too long
)
MOST_UPDATES = 2**20  # spin updates a draw, about 3 ms: PyMC spends 0.2 ms around a draw
FEWEST_MOST_SWEEPS = 32  # so many sweeps are allowed however many spins there are
ADAPTATIONS = 4  # times the number of sweeps is reconsidered while tuning
FEWEST_RECORDS = 20
EVALUATED_COST = 1e4  # of a sweep by compiled log-probabilities, in heat-bath sweeps


class Move(Protocol):
    """Something that updates one configuration in place."""

    def set_coupling(self, coupling: NDArray[np.float64]) -> None:
        """Change the couplings."""

    def set_interaction(self, interaction: NDArray[np.float64]) -> None:
        """Change what couples a pair of states."""

    def sweep(self, x: NDArray, field: NDArray, sweeps: int, state: NDArray) -> None:
        """Update the configuration."""


class PairwiseStep(DiscreteStep):
    """Base of the step methods that sweep over the entries of a discrete variable.

    A sampler says which move it makes (`_new_move`); the couplings and fields at each point, the
    children, warm start, tuning of the number of sweeps, and statistics are handled here. A sampler
    that `evaluates` also takes energies that are not pairwise and children that tie entries
    together, and moves one entry after another by their log-probabilities.
    """

    default_tune_steps = 500
    cost: float = 1.0  # of a sweep, in heat-bath sweeps
    evaluates: ClassVar[bool] = False
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        **DiscreteStep.stats_dtypes_shapes,
        "sweeps": (np.int64, []),
    }
    remembered: ClassVar[tuple[str, ...]] = ("tune", "sweeps", "_history", "_warm_start")

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
        self._fixed_sweeps = checked_count(self.owner or type(self).__name__, "sweeps", sweeps)
        super().__init__(
            vars,
            model=model,
            rng=rng,
            initial_point=initial_point,
            compile_kwargs=compile_kwargs,
            blocked=blocked,
        )

    def _prepare(
        self, rv: TensorVariable, model: pm.Model, initial_point: Any, compile_kwargs: dict | None
    ) -> None:
        owner = self.owner or type(self).__name__
        self._conditional = Conditional(owner, rv, model, compile_kwargs, self.evaluates)
        if self._conditional.ties_entries:
            self.cost = EVALUATED_COST
        self._check(rv, model)
        self._start = initial_point
        if initial_point is None and not self._conditional.children_constant:
            self._start = model.initial_point()
        self._start_from_likelihood = not starts_where_told(model, rv)
        self._moves: Move | None = None
        conditional = self._conditional
        if conditional.ties_entries:
            self._say(
                f"one entry after another, by the log-probability of {', '.join(conditional.tying)}"
            )
        else:
            acting = conditional.children
            self._say(self._describe() + (f", with {', '.join(acting)} as field" if acting else ""))

    @abstractmethod
    def _new_move(self, conditions: Conditions, entry: int) -> Move:
        """Build the move for the couplings of a batch entry."""

    @abstractmethod
    def _describe(self) -> str:
        """Say in a few words what the move does."""

    def _check(self, rv: TensorVariable, model: pm.Model) -> None:
        """Refuse a variable the move does not fit."""

    def _begin(self, tune: int, draws: int) -> None:
        self._warm_start = self.tune and bool(self._conditional.children)
        self.sweeps = self._fixed_sweeps or self._worth(FIRST_SWEEPS)
        self._history: list[tuple[float, float]] = []
        self._window = max(tune // ADAPTATIONS, 1)
        self._moves = None  # couplings may be other data now
        self._conditional.forget()

    def _move(self, value: NDArray, point: Point) -> tuple[NDArray, dict[str, Any]]:
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
        x = conditional.encode(value)
        if warm_start and self._start_from_likelihood:
            x = conditional.draw_from_children(x, self.rng)
        if conditional.ties_entries:
            self._run_evaluated(x, conditions, sweeps, parameters)
        else:
            self._run(x, conditions, sweeps, kernels.xoshiro.seed_state(self.rng))
        energy, order = conditional.energy(x, conditions, parameters), conditional.order(x)
        stats = {
            "spin_energy": energy,
            "magnetization": order,
            "sweeps": sweeps,
            **self._statistics(),
        }
        if self.tune and self._fixed_sweeps is None:
            self._adapt(energy, order)
        return conditional.decode(x, value.dtype), stats

    def _run(self, x: NDArray, conditions: Conditions, sweeps: int, state: NDArray) -> None:
        """Move every batch entry."""
        before = None  # rows that share couplings share the array
        for b, chain in enumerate(x):
            if self._moves is None:
                self._moves = self._new_move(conditions, b)
            elif conditions.coupling[b] is not before and (
                not self._conditional.couplings_constant or len(x) > 1
            ):
                if conditions.interaction is not None and self._conditional.interaction is None:
                    self._moves.set_interaction(conditions.interaction[b])
                self._moves.set_coupling(conditions.coupling[b])
            before = conditions.coupling[b] if conditions.interaction is None else None
            self._moves.sweep(chain, conditions.field[b], sweeps, state)

    def _run_evaluated(
        self, x: NDArray, conditions: Conditions, sweeps: int, point: Mapping[str, NDArray]
    ) -> None:
        """Move one entry after another, by what their values make of all log-probabilities."""
        conditional = self._conditional
        one_by_one.sweep(
            x,
            conditional.states.values,
            conditional.graph,
            conditions,
            lambda values: conditional.tied(values, point),
            conditional.decode(x, np.dtype(np.int64)),
            sweeps,
            self._chooses,
            self.rng,
        )

    _chooses: ClassVar[Any] = staticmethod(one_by_one.heat_bath)

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


def new_heat_bath(graph: Graph, conditions: Conditions, entry: int) -> HeatBath:
    """Build heat-bath sweeps for the couplings of a batch entry."""
    interaction = None if conditions.interaction is None else conditions.interaction[entry]
    return HeatBath(graph, conditions.coupling[entry], interaction)
