"""Parallel tempering: replicas at a ladder of temperatures that exchange their configurations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pymc as pm

from numpy.typing import ArrayLike, NDArray
from pymc.util import get_value_vars_from_user_vars
from pytensor.graph.basic import Variable

from pymc_ebm import kernels
from pymc_ebm.moves.heat_bath import HeatBath, padded_rows
from pymc_ebm.step_methods.conditional import Conditions
from pymc_ebm.step_methods.ladder import WINDOWS, checked_ladder, equally_rejected
from pymc_ebm.step_methods.pairwise_step import PairwiseStep
from pymc_ebm.step_methods.tempered_reals import RealParallelTempering

FIRST_RUNGS = 8


@dataclass
class _Ladder:
    """Replicas of one batch entry."""

    x: NDArray[np.int8]  # (ladders, rungs, n)
    place: NDArray[np.int64]  # (ladders, rungs)
    direction: NDArray[np.int8]  # (ladders, rungs)
    trips: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))


class ParallelTempering(PairwiseStep):
    r"""Replicas at inverse temperatures from 0 to the target's, which swap configurations.

    Rung k has the density ``exp(t_k log p(x))``: couplings, fields and children are all scaled by
    ``t_k``, from ``t = 0``, where every draw is independent, to ``t = 1``. Even and odd pairs of
    rungs propose swaps in turn (non-reversible, Syed et al. 2021), between heat-bath sweeps.
    While tuning, the rungs are moved until all swaps are rejected equally often, and their number
    is set so that this is about two in five.

    A real variable (any energy, or any other continuous variable of a model) has Hamiltonian
    trajectories on every rung instead of sweeps, and a ladder that starts above 0.

    Of discrete variables it fits every pairwise family, and is made for frustrated couplings (spin
    glasses), where heat bath stays in one basin. With constant parameters two ladders run side by
    side and exchange clusters of sites in which they differ (Houdayer 2001).

    Parameters
    ----------
    vars : variable or list of variables
        The discrete variable.
    sweeps : int, optional
        Rounds a draw, each one sweep of all replicas and a set of swaps; by default chosen while
        tuning.
    ladder : array_like, optional
        ``t``: at least two increasing values, the first 0 or more (for a real variable above 0),
        the last 1. By default tuned, for a real variable from 0.02.
    exchange : bool, default True
        Whether to run a second ladder of a discrete variable and exchange clusters with it.
    leapfrogs : int, default 8
        Only for a real variable: most leapfrog steps of a trajectory, which takes a random number
        of them. 1 is the Metropolis-adjusted Langevin algorithm (MALA). Step sizes are tuned for
        each rung.
    model, rng, initial_point, compile_kwargs, blocked
        As for `ChromaticGibbs`.

    Raises
    ------
    ValueError
        For a ladder of one rung, one that does not increase, that starts below 0 or does not end
        at 1; for one that starts at 0 where the variable is unbounded.

    Notes
    -----
    Statistics: those of `ChromaticGibbs`; ``rungs``; ``round_trips`` between the ends of the ladder
    in a draw (of both ladders, where there are two); ``swap_rejection``, the mean over the pairs;
    and ``barrier``, the sum of the rejections, which estimates the communication barrier Λ. A
    ladder cannot make more than ``1 / (2 + 2Λ)`` round trips a round.

    For a real variable they are ``potential``, −log p(x) up to a constant, ``acceptance`` and
    ``step_size`` of the trajectories, and the four on the ladder.

    Where parameters are random, the rungs below the last keep the parameters that the chain had at
    the end of tuning. If they followed along, their densities' unknown normalising constants would
    have to enter the update of the parameters; frozen, they do not, and the swap with the last rung
    accounts for the difference exactly.

    References
    ----------
    Syed, S., Bouchard-Côté, A., Deligiannidis, G. and Doucet, A. (2021). Non-reversible parallel
    tempering: a scalable highly parallel MCMC scheme. JRSS B 84, 321-350.
    Houdayer, J. (2001). A cluster Monte Carlo algorithm for 2-dimensional spin glasses. European
    Physical Journal B 22, 479-484.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=-1.0, graph=ebm.Graph.triangular(6, 6))
    ...     step = ebm.ParallelTempering([s], sweeps=1, ladder=[0, 0.5, 1])
    >>> step.step(model.initial_point(1))[0]["s"].shape
    (6, 6)
    """

    name = "parallel_tempering"
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        **PairwiseStep.stats_dtypes_shapes,
        "rungs": (np.int64, []),
        "round_trips": (np.int64, []),
        "swap_rejection": (np.float64, []),
        "barrier": (np.float64, []),
    }

    def __new__(cls, vars: Sequence[Variable] | Variable, **kwargs: Any) -> Any:
        """Build the sampler of a discrete or of a real variable."""
        model = pm.modelcontext(kwargs.get("model"))
        if all(v.dtype.startswith("float") for v in get_value_vars_from_user_vars(vars, model)):
            return RealParallelTempering(vars, **kwargs)
        return super().__new__(cls, vars, **kwargs)

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        sweeps: int | None = None,
        ladder: ArrayLike | None = None,
        exchange: bool = True,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = False,
    ) -> None:
        self._fixed_ladder = None if ladder is None else checked_ladder(ladder, bounded=True)
        self._exchange = exchange
        super().__init__(
            vars,
            sweeps=sweeps,
            model=model,
            rng=rng,
            initial_point=initial_point,
            compile_kwargs=compile_kwargs,
            blocked=blocked,
        )

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Forget the previous chain."""
        super().setup_chain(rng, tune, draws)
        self._scales = (
            np.linspace(0.0, 1.0, FIRST_RUNGS) if self._fixed_ladder is None else self._fixed_ladder
        )
        conditional = self._conditional
        constant = conditional.couplings_constant and conditional.children_constant
        self._constant = constant
        self._n_ladders = 2 if self._exchange and constant else 1
        self.cost = float(self._scales.size * self._n_ladders)
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

    def _new_move(self, coupling: NDArray[np.float64]) -> HeatBath:
        raise NotImplementedError("ParallelTempering moves whole ladders, see _run")

    def _describe(self) -> str:
        rungs = "a tuned number of" if self._fixed_ladder is None else str(self._scales.size)
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

    def _model_arguments(self, anchor: Conditions, conditions: Conditions, b: int) -> tuple:
        """Return what the kernel must know of one batch entry's couplings and fields."""
        interaction = self._conditional.interaction
        couplings = np.stack([self._per_edge(c.coupling[b]) for c in (anchor, conditions)])
        fields = [np.atleast_2d(c.field[b].T).T for c in (anchor, conditions)]
        weights = couplings[:, self._edge_numbers]
        return (
            interaction is None,
            self._arrays,
            weights[0],
            weights[1],
            np.eye(2) if interaction is None else interaction,
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
        if self._conditional.interaction is not None or not one_strength or np.any(fields):
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
        if self._conditional.interaction is None:
            x = 2 * x - 1
        place = np.tile(np.arange(rungs), (self._n_ladders, 1))
        return _Ladder(x, place, np.zeros((self._n_ladders, rungs), np.int8))

    def _per_edge(self, coupling: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.broadcast_to(coupling, (self._conditional.graph.n_edges,))
