"""Parallel tempering of discrete variables: a ladder of replicas of each batch entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from numpy.typing import ArrayLike, NDArray
from pytensor.graph.basic import Variable

from pymc_ebm import kernels
from pymc_ebm.conditionals.conditional import Conditions
from pymc_ebm.moves import one_by_one
from pymc_ebm.moves.heat_bath import by_entry, padded_rows
from pymc_ebm.step_methods.ladder import WINDOWS, checked_ladder, equally_rejected
from pymc_ebm.step_methods.pairwise_step import EVALUATED_COST, FIRST_SWEEPS, PairwiseStep

FIRST_RUNGS = 8
EVALUATED_RUNGS = 4  # where every update costs an evaluation


@dataclass
class _Ladder:
    """Replicas of one batch entry."""

    x: NDArray[np.int8]  # (ladders, rungs, n)
    place: NDArray[np.int64]  # (ladders, rungs)
    direction: NDArray[np.int8]  # (ladders, rungs)
    trips: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))


class TemperedStates(PairwiseStep):
    """What `ParallelTempering` is for discrete variables; see there for the parameters."""

    owner = "ParallelTempering"
    name = "parallel_tempering"
    evaluates = True
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        **PairwiseStep.stats_dtypes_shapes,
        "rungs": (np.int64, []),
        "round_trips": (np.int64, []),
        "swap_rejection": (np.float64, []),
        "barrier": (np.float64, []),
    }
    remembered = (
        *PairwiseStep.remembered,
        *("_scales", "_ladders", "_trips", "_last_trips", "_rounds_done", "_rounds", "_rejected"),
        *("_anchor", "_anchor_point", "_arguments", "_draws_in_window", "cost"),
    )

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        ladder: ArrayLike | None = None,
        exchange: bool = True,
        **kwargs: Any,
    ) -> None:
        self._fixed_ladder = None if ladder is None else checked_ladder(ladder, bounded=True)
        self._exchange = exchange
        super().__init__(vars, **kwargs)

    def _begin(self, tune: int, draws: int) -> None:
        super()._begin(tune, draws)
        self._scales = (
            np.linspace(0.0, 1.0, FIRST_RUNGS) if self._fixed_ladder is None else self._fixed_ladder
        )
        conditional = self._conditional
        if conditional.ties_entries and self._fixed_ladder is None:
            self._scales = np.linspace(0.0, 1.0, EVALUATED_RUNGS)
        constant = conditional.couplings_constant and conditional.children_constant
        self._constant = constant
        self._n_ladders = 2 if self._exchange and constant else 1
        unit = EVALUATED_COST if conditional.ties_entries else 1.0
        self.cost = float(unit * self._scales.size * self._n_ladders)
        self.sweeps = self._fixed_sweeps or self._worth(FIRST_SWEEPS)
        self._anchor_point: dict[str, NDArray] = {}
        self._ladders: list[_Ladder] = []
        self._trips: int = 0
        self._rounds_done = 0
        self._anchor: Conditions | None = None
        self._arguments: dict[int, tuple] = {}
        self._reset_counts()
        self._ladder_window = max(tune // WINDOWS, 1)
        self._draws_in_window = 0
        graph = conditional.graph
        indptr, indices, self._edge_numbers = graph.neighbors
        first, second = np.ascontiguousarray(graph.edges.T, dtype=np.int32)
        self._arrays = (indptr, indices, first, second)
        self._neighbor_table: NDArray[np.uint32] | None = None
        self._sites = np.argsort(graph.coloring(), kind="stable").astype(np.uint32)

    def _new_move(self, conditions: Conditions, entry: int) -> Any:
        raise NotImplementedError("whole ladders are moved, see _run")

    def _describe(self) -> str:
        fixed = self._fixed_ladder
        rungs = "a tuned number of" if fixed is None else str(fixed.size)
        return (
            f"parallel tempering of {self._conditional.graph.n_vertices} entries over {rungs} rungs"
        )

    def _run(self, x: NDArray, conditions: Conditions, sweeps: int, state: NDArray) -> None:
        if self._anchor is None or self.tune:
            self._anchor = conditions
        if not self._ladders:
            self._ladders = [self._new_ladder(self._scales.size) for _ in x]
        for b, chain in enumerate(x):
            ladder = self._ladders[b]
            ladder.x[0, ladder.place[0, -1]] = chain
            before = int(ladder.trips[0])
            if not self._constant or b not in self._arguments:
                self._arguments[b] = self._model_arguments(self._anchor, conditions, b)
            kernels.tempering.tempered_rounds(
                ladder.x,
                ladder.place,
                *self._arguments[b],
                self._scales,
                self._rounds_done,
                sweeps,
                1,
                self._n_ladders > 1,
                ladder.direction,
                self._rejected,
                ladder.trips,
                state,
            )
            chain[:] = ladder.x[0, ladder.place[0, -1]]
            self._trips += int(ladder.trips[0]) - before
        self._rounds += sweeps * len(x)
        self._rounds_done += sweeps
        self._last_trips = self._trips
        self._trips = 0
        if self.tune and self._fixed_ladder is None:
            self._draws_in_window += 1
            if self._draws_in_window == self._ladder_window:
                self._retune()

    def _run_evaluated(
        self, x: NDArray, conditions: Conditions, sweeps: int, point: Mapping[str, NDArray]
    ) -> None:
        """Move one ladder of whole configurations, entry after entry."""
        conditional = self._conditional
        if self._anchor is None or self.tune:
            self._anchor, self._anchor_point = conditions, dict(point)
        rungs = self._scales.size
        if not self._ladders:
            start = conditional.states.random(self.rng, (rungs, *conditional.shape))
            codes = conditional.states.encode(start).reshape(1, rungs, x.size)
            place, direction = np.arange(rungs)[None], np.zeros((1, rungs), np.int8)
            self._ladders = [_Ladder(codes, place, direction)]
        ladder = self._ladders[0]
        replicas, place = ladder.x[0], ladder.place[0]
        replicas[place[-1]] = x.reshape(-1)
        state = kernels.xoshiro.seed_state(self.rng)
        assert self._anchor is not None
        for _ in range(sweeps):
            for k, scale in enumerate(self._scales):
                last = k == rungs - 1
                here = conditions if last else _scaled(self._anchor, scale)
                at = point if last else self._anchor_point
                code = replicas[place[k]].reshape(x.shape)
                one_by_one.sweep(
                    code,
                    conditional.states.values,
                    conditional.graph,
                    here,
                    partial(self._tied, scale=scale, point=at),
                    conditional.decode(code, np.dtype(np.int64)),
                    1,
                    one_by_one.heat_bath,
                    self.rng,
                )
            codes = replicas.reshape(rungs, *x.shape)
            logw = np.array([self._log_weight(c, self._anchor, self._anchor_point) for c in codes])
            logw_last = np.array([self._log_weight(c, conditions, point) for c in codes])
            before = int(ladder.trips[0])
            kernels.tempering.swap(
                place, logw, logw_last, self._scales, self._rounds_done & 1,
                ladder.direction[0], self._rejected, ladder.trips, state,
            )  # fmt: skip
            self._trips += int(ladder.trips[0]) - before
            self._rounds_done += 1
            self._rounds += 1
        x[:] = replicas[place[-1]].reshape(x.shape)
        self._last_trips, self._trips = self._trips, 0

    def _tied(
        self, values: NDArray, scale: float, point: Mapping[str, NDArray]
    ) -> NDArray[np.float64]:
        """Return what ties entries together, at a rung of the ladder."""
        return scale * self._conditional.tied(values, point)

    def _log_weight(
        self, code: NDArray[np.int8], conditions: Conditions, point: Mapping[str, NDArray]
    ) -> float:
        """Return log p of a configuration up to a constant."""
        conditional = self._conditional
        total = float(
            conditional.tied(conditional.decode(code, np.dtype(np.int64))[None], point)[0]
        )
        first, second = np.ascontiguousarray(conditional.graph.edges.T, dtype=np.int32)
        for b, chain in enumerate(code):
            per_edge = np.ascontiguousarray(self._per_edge(conditions.coupling[b]))
            if conditions.interaction is None:
                total += kernels.log_weight.spin_log_weight(
                    chain, first, second, per_edge, conditions.field[b]
                )
            else:
                total += kernels.log_weight.states_log_weight(
                    chain, first, second, per_edge, conditions.interaction[b], conditions.field[b]
                )
        return total

    def _model_arguments(self, anchor: Conditions, conditions: Conditions, b: int) -> tuple:
        """Return what the kernel must know of one batch entry's couplings and fields."""
        graph = self._conditional.graph
        interaction = None
        if conditions.interaction is not None:
            interaction = conditions.interaction[b]
        couplings = np.stack([self._per_edge(c.coupling[b]) for c in (anchor, conditions)])
        fields = [np.atleast_2d(c.field[b].T).T for c in (anchor, conditions)]
        weights = couplings[:, self._edge_numbers]
        return (
            interaction is None,
            self._arrays,
            weights[0],
            weights[1],
            np.eye(2) if interaction is None else interaction,
            np.eye(2) if interaction is None else by_entry(graph, interaction),
            self._sites,
            *self._signed_neighbors(couplings, fields),
            np.ascontiguousarray(fields[0]),
            np.ascontiguousarray(fields[1]),
            couplings,
            anchor is not conditions and not self._constant,
        )

    def _signed_neighbors(
        self, couplings: NDArray[np.float64], fields: list[NDArray[np.float64]]
    ) -> tuple[NDArray[np.uint32], NDArray[np.int8]]:
        """Return neighbours and signs where all couplings have one strength, else empty tables."""
        graph = self._conditional.graph
        strengths = np.abs(couplings)
        one_strength = strengths.size > 0 and bool(np.all(strengths == strengths[0, 0]))
        if not self._conditional.is_spin or not one_strength or np.any(fields):
            return np.empty((0, 1), np.uint32), np.empty((0, 1), np.int8)
        if self._neighbor_table is None:
            table = padded_rows(graph, graph.neighbors[1], graph.n_vertices, np.uint32)
            self._neighbor_table = table[self._sites]
        signs = np.sign(couplings[0]).astype(np.int8)[self._edge_numbers]
        return self._neighbor_table, padded_rows(graph, signs, 0, np.int8)[self._sites]

    def _statistics(self) -> dict[str, Any]:
        rejection = self._rejection()
        return {
            "rungs": self._scales.size,
            "round_trips": self._last_trips,
            "swap_rejection": float(rejection.mean()),
            "barrier": float(rejection.sum()),
        }

    def _reset_counts(self) -> None:
        self._rejected = np.zeros(self._scales.size - 1)
        self._rounds = 0
        self._trips = self._last_trips = 0

    def _rejection(self) -> NDArray[np.float64]:
        """Return the rejection rate of each pair of rungs: proposed in every other round."""
        return self._rejected / max(0.5 * self._rounds * self._n_ladders, 0.5)

    def _retune(self) -> None:
        """Space the rungs so that all swaps are rejected equally often."""
        self._draws_in_window = 0
        old = self._scales
        scales = equally_rejected(old, self._rejection())
        wanted = scales.size
        self._scales = scales
        nearest = np.abs(scales[:, None] - old).argmin(axis=1)
        for b, ladder in enumerate(self._ladders):
            new = self._new_ladder(wanted)
            for c in range(self._n_ladders):
                new.x[c] = ladder.x[c, ladder.place[c, nearest]]
            self._ladders[b] = new
        self.cost = float(wanted * self._n_ladders)
        self._reset_counts()

    def _new_ladder(self, rungs: int) -> _Ladder:
        n, q = self._conditional.graph.n_vertices, len(self._conditional.states)
        shape = (self._n_ladders, rungs, n)
        x = self.rng.integers(0, q, shape, dtype=np.int8)
        if self._conditional.is_spin:
            x = 2 * x - 1
        place = np.tile(np.arange(rungs), (self._n_ladders, 1))
        return _Ladder(x, place, np.zeros((self._n_ladders, rungs), np.int8))

    def _per_edge(self, coupling: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.broadcast_to(coupling, (self._conditional.graph.n_edges,))


def _scaled(conditions: Conditions, scale: float) -> Conditions:
    """Return couplings and fields at a rung of the ladder."""
    coupling = [scale * J for J in conditions.coupling]
    return replace(conditions, coupling=coupling, field=scale * conditions.field)
