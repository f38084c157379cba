"""Parallel tempering of real variables, with Hamiltonian Monte Carlo on every rung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pymc as pm
import pytensor

from numpy.typing import ArrayLike, NDArray
from pymc.blocking import DictToArrayBijection
from pymc.pytensorf import join_nonshared_inputs
from pymc.step_methods.compound import BlockedStep, StepMethodState
from pymc.step_methods.state import dataclass_state
from pymc.util import get_random_generator, get_value_vars_from_user_vars
from pytensor.graph.basic import Variable
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.traversal import explicit_graph_inputs

from pymc_ebm import kernels
from pymc_ebm.children.fields import children_of
from pymc_ebm.moves.hamiltonian import hamiltonian_move
from pymc_ebm.step_methods.ladder import WINDOWS, checked_ladder, equally_rejected

LOWEST = 0.02  # first rung of a tuned ladder
FIRST_RUNGS = 8
SWEEPS = 4
LEAPFROGS = 8
TARGET_ACCEPTANCE = {True: 0.574, False: 0.8}  # optimal for MALA; usual for longer trajectories
GAIN = 0.5  # of the adaptation of step sizes


@dataclass_state
class RealParallelTemperingState(StepMethodState):
    """Everything that a chain needs to go on where it was."""

    tune: bool
    sweeps: int
    leapfrogs: int
    _scales: NDArray
    _log_step: NDArray
    _x: NDArray | None
    _anchor: list[NDArray] | None
    _place: NDArray
    _direction: NDArray
    _trips: NDArray
    _rejected: NDArray
    _rounds: int
    _rounds_done: int
    _moves: int
    _window: int
    _draws_in_window: int


class RealParallelTempering(BlockedStep):
    """One ladder for one or more real variables; see `ParallelTempering` for the parameters."""

    name = "parallel_tempering"
    default_blocked = False
    default_tune_steps = 1000
    _state_class = RealParallelTemperingState
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        "potential": (np.float64, []),
        "acceptance": (np.float64, []),
        "step_size": (np.float64, []),
        "rungs": (np.int64, []),
        "round_trips": (np.int64, []),
        "swap_rejection": (np.float64, []),
        "barrier": (np.float64, []),
    }

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        sweeps: int | None = None,
        ladder: ArrayLike | None = None,
        exchange: bool = False,
        leapfrogs: int = LEAPFROGS,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = False,
    ) -> None:
        for what, count in (("sweeps", sweeps), ("leapfrogs", leapfrogs)):
            if count is not None and (count != int(count) or count < 1):
                raise ValueError(
                    f"ParallelTempering: {what} must be a positive integer, got {count}."
                )
        if exchange:
            raise ValueError(
                "ParallelTempering: exchange=True exchanges clusters of discrete entries; a real "
                "variable has none. Leave it out."
            )
        self._fixed_ladder = None if ladder is None else checked_ladder(ladder, bounded=False)
        model = pm.modelcontext(model)
        self.vars = get_value_vars_from_user_vars(vars, model)
        discrete = [str(v.name) for v in self.vars if not v.dtype.startswith("float")]
        if discrete:
            raise ValueError(
                f"ParallelTempering: {discrete} are discrete, and share no ladder with real "
                "variables. Give each kind a step of its own."
            )
        self.rng = get_random_generator(rng)
        self.sweeps = int(sweeps or SWEEPS)
        self.leapfrogs = int(leapfrogs)
        self._names = [str(v.name) for v in self.vars]
        self._compile(model, initial_point or model.initial_point(), compile_kwargs)
        self.setup_chain(self.rng, 0, 0)

    def _compile(self, model: pm.Model, point: Mapping, compile_kwargs: dict | None) -> None:
        """Compile log-probability and gradient of all rungs at once, over joined variables."""
        own = [model.values_to_rvs[v] for v in self.vars]
        terms = dict.fromkeys([*own, *(child for rv in own for child in children_of(model, rv))])
        [logp], joined = join_nonshared_inputs(
            {name: point[name] for name in self._names},
            [model.logp(vars=list(terms), sum=True)],
            list(self.vars),
        )
        rungs = joined.type.clone(shape=(None, *joined.type.shape))("rungs")
        outputs = vectorize_graph([logp, pytensor.grad(logp, joined)], {joined: rungs})  # type: ignore[list-item]
        found = set(explicit_graph_inputs(outputs))
        self._inputs = [v for v in model.value_vars if v in found]
        self._function = pm.compile([rungs, *self._inputs], list(outputs), **(compile_kwargs or {}))
        self._function.trust_input = True

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Forget the previous chain."""
        super().setup_chain(rng, tune, draws)
        self.tune = tune > 0
        fixed = self._fixed_ladder
        self._scales = np.geomspace(LOWEST, 1.0, FIRST_RUNGS) if fixed is None else fixed
        self._log_step = np.log(0.1 / np.sqrt(self._scales))
        self._x: NDArray[np.float64] | None = None
        self._anchor: list[NDArray] | None = None
        self._rounds_done = 0
        self._window = max(tune // WINDOWS, 1)
        self._draws_in_window = 0
        self._place_anew(self._scales.size)

    def _place_anew(self, rungs: int) -> None:
        """Put replica k on rung k and count from zero."""
        self._place = np.arange(rungs)
        self._direction = np.zeros(rungs, np.int8)
        self._trips = np.zeros(1, np.int64)
        self._rejected = np.zeros(rungs - 1)
        self._rounds = 0
        self._moves = 0

    def step(self, point: dict[str, NDArray]) -> tuple[dict[str, NDArray], list[dict[str, Any]]]:
        """Move all replicas and propose swaps, `sweeps` times."""
        joined = DictToArrayBijection.map({name: point[name] for name in self._names})
        current = [np.asarray(point[v.name]) for v in self._inputs]
        if self._anchor is None or self.tune:
            self._anchor = current
        anchored = any(np.any(a != b) for a, b in zip(self._anchor, current, strict=True))
        if self._x is None:
            self._x = np.repeat(joined.data[None], self._scales.size, axis=0)
        self._x[self._place[-1]] = joined.data
        before, accepted = int(self._trips[0]), 0.0
        state = kernels.xoshiro.seed_state(self.rng)
        for _ in range(self.sweeps):
            accepted += float(self._move(current, anchored).mean())
            logw = self._function(self._x, *self._anchor)[0]
            logw_last = self._function(self._x, *current)[0] if anchored else logw
            logw, logw_last = (np.nan_to_num(w, nan=-np.inf) for w in (logw, logw_last))
            kernels.tempering.swap(
                self._place, logw, logw_last, self._scales, self._rounds_done & 1,
                self._direction, self._rejected, self._trips, state,
            )  # fmt: skip
            self._rounds_done += 1
            self._rounds += 1
        target = self._place[-1]
        rejection = self._rejected / max(0.5 * self._rounds, 0.5)
        stats = {
            "potential": -float(logw_last[target]),
            "acceptance": accepted / self.sweeps,
            "step_size": float(np.exp(self._log_step[-1])),
            "rungs": self._scales.size,
            "round_trips": int(self._trips[0]) - before,
            "swap_rejection": float(rejection.mean()),
            "barrier": float(rejection.sum()),
        }
        new = DictToArrayBijection.rmap(joined._replace(data=self._x[target].copy()), point)
        if self.tune and self._fixed_ladder is None:
            self._draws_in_window += 1
            if self._draws_in_window == self._window:
                self._retune(rejection)
        return new, [stats]

    def _move(self, current: list[NDArray], anchored: bool) -> NDArray[np.float64]:
        """Follow a Hamiltonian trajectory on every rung; return acceptance probabilities."""
        assert self._x is not None
        assert self._anchor is not None
        anchor, scales = self._anchor, self._scales

        def evaluate(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
            if anchored:  # the last rung follows the other variables, those below do not
                below, last = self._function(x[:-1], *anchor), self._function(x[-1:], *current)
                logp, gradient = (np.concatenate(parts) for parts in zip(below, last, strict=True))
            else:
                logp, gradient = self._function(x, *current)
            return -scales * logp, -scales[:, None] * gradient

        start = self._x[self._place]
        leapfrogs = int(self.rng.integers(1, self.leapfrogs + 1))
        step = np.exp(self._log_step)[:, None]
        x, _, chance = hamiltonian_move(start, evaluate(start), step, leapfrogs, evaluate, self.rng)
        self._x[self._place] = x
        if self.tune:
            self._moves += 1
            wanted = TARGET_ACCEPTANCE[self.leapfrogs == 1]
            self._log_step += GAIN * (chance - wanted) / np.sqrt(self._moves)
        return chance

    def stop_tuning(self) -> None:
        """Keep ladder and step sizes from here on, and count afresh."""
        super().stop_tuning()
        self.tune = False
        self._rejected[:] = 0.0
        self._rounds = 0

    def _retune(self, rejection: NDArray[np.float64]) -> None:
        """Space the rungs so that all swaps are rejected equally often."""
        assert self._x is not None
        self._draws_in_window = 0
        old, ordered = self._scales, self._x[self._place]
        self._scales = equally_rejected(old, rejection)
        nearest = np.abs(self._scales[:, None] - old).argmin(axis=1)
        nearest[-1] = old.size - 1
        self._x = ordered[nearest]
        self._log_step = np.interp(np.log(self._scales), np.log(old), self._log_step)
        self._place_anew(self._scales.size)
