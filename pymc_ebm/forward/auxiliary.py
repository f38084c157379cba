"""Draws at ever new parameters, exact where possible: what the exchange algorithm needs."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.forward.coupling_from_the_past import (
    NotCoalescedError,
    coalescence_sweeps,
    draw_ferromagnet,
)
from pymc_ebm.forward.elimination import draw_by_elimination, has_low_tree_width
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.frustration import find_frustration
from pymc_ebm.moves.clusters import SwendsenWang, cluster_form
from pymc_ebm.moves.heat_bath import HeatBath

SPIN = np.array([[1.0, -1.0], [-1.0, 1.0]])
ELIMINATED_ENTRIES = 2**17  # of tables: some milliseconds a draw
TRIAL_BUDGET = 2**23  # spin updates of a perfect draw: about thirty milliseconds
PATIENCE = 64  # times that, once chosen: to give up on slow draws would favour quick ones
TRIALS = 3
STEP = 1.02  # between strengths that are tried


class AuxiliaryDraws:
    """Draws configurations of a pairwise model whose parameters change from call to call.

    Low tree-width: exact, by elimination. Unfrustrated spins: exact, by coupling from the past, up
    to the mean strength of couplings at which trial draws took too long. The strength alone
    decides, not the time a draw takes, which would bias the draws. Else the end of a run that
    starts at given data, of cluster and heat-bath updates where states attract.

    `graph`: which variables interact; `interaction` (q, q): what couples a pair of states; None for
    spins; `sweeps`: sweeps of a run that is not exact.
    """

    def __init__(self, graph: Graph, interaction: NDArray[np.float64] | None, sweeps: int) -> None:
        self.graph, self.interaction, self.sweeps = graph, interaction, sweeps
        self._q = 2 if interaction is None else interaction.shape[-1]
        self._eliminates = has_low_tree_width(graph, self._q, ELIMINATED_ENTRIES)
        self._heat_bath: HeatBath | None = None
        self._clusters = None if interaction is None else cluster_form(interaction)
        self._strongest = 0.0  # mean |βJ| up to which coupling from the past is used
        self._unfrustrated = False

    def set_interaction(self, interaction: NDArray[np.float64]) -> None:
        """Change what couples a pair of states."""
        self.interaction = interaction
        if self._heat_bath is not None:
            self._heat_bath.set_interaction(interaction)

    def prepare(self, coupling: NDArray[np.float64]) -> None:
        """Find up to which strength of couplings like these perfect draws are quick.

        `coupling` (m,): ``βJ`` somewhere in the posterior; its pattern is scaled.
        """
        pattern = np.where(coupling == 0, 1.0, coupling)
        pattern = pattern / np.abs(pattern).mean() if pattern.size else pattern
        self._unfrustrated = find_frustration(self.graph, pattern).gauge is not None
        if self._eliminates or self.interaction is not None or not self._unfrustrated:
            return
        rng, field = np.random.default_rng(20250101), np.zeros(self.graph.n_vertices)
        self._strongest, trial = 0.0, 0.05
        while trial < 5.0 and coalescence_sweeps(
            self.graph, trial * pattern, field, rng, TRIALS, TRIAL_BUDGET
        ):
            self._strongest = trial
            trial *= STEP

    def describe(self) -> str:
        """Say how draws are made."""
        if self._eliminates:
            return "exact, by elimination"
        run = f"the ends of runs of {self.sweeps} sweeps from the data, which are not exact"
        if self.interaction is None and self._unfrustrated:
            return (
                "exact, by coupling from the past, for couplings of mean strength up to "
                f"{self._strongest:.3g}; beyond, {run}"
            )
        return run

    def draw(
        self,
        coupling: NDArray[np.float64],
        field: NDArray[np.float64],
        start: NDArray[np.int8],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.int8], bool]:
        """Draw one configuration a row of `start`.

        `coupling` (m,): ``βJ``; `field` (n,) or (n, q): ``βh``, or log-weights; `start` (count, n):
        spins or state numbers, where runs begin that are not exact; `rng`: source of randomness.
        Returns `draws` (count, n); `exact`.
        """
        if self._eliminates:
            table = np.column_stack([-field, field]) if self.interaction is None else field
            interaction = SPIN if self.interaction is None else self.interaction
            x = draw_by_elimination(self.graph, coupling, interaction, table, rng, len(start))
            return (2 * x - 1).astype(np.int8) if self.interaction is None else x, True
        if self.interaction is None and np.abs(coupling).mean() <= self._strongest:
            budget = PATIENCE * TRIAL_BUDGET
            try:
                spins = draw_ferromagnet(self.graph, coupling, field, rng, len(start), budget)
            except NotCoalescedError:
                spins = None
            if spins is not None:
                return spins, True
        return self._run(coupling, field, start.copy(), rng), False

    def _run(
        self,
        coupling: NDArray[np.float64],
        field: NDArray[np.float64],
        x: NDArray[np.int8],
        rng: np.random.Generator,
    ) -> NDArray[np.int8]:
        """Sweep by heat bath, with clusters in between where states attract."""
        if self._heat_bath is None:
            self._heat_bath = HeatBath(self.graph, coupling, self.interaction)
        self._heat_bath.set_coupling(coupling)
        clusters = None
        if self.interaction is None:
            if find_frustration(self.graph, coupling).gauge is not None:
                clusters = SwendsenWang(self.graph, coupling)
        elif self._clusters is not None and self._clusters.q is not None:
            felt = self._clusters.scale * coupling
            if felt.min(initial=0.0) >= 0:
                clusters = SwendsenWang(self.graph, felt, self._clusters.q)
        state = kernels.xoshiro.seed_state(rng)
        for row in x:
            if clusters is None:
                self._heat_bath.sweep(row, field, self.sweeps, state)
                continue
            for _ in range(self.sweeps):
                clusters.sweep(row, field, 1, state)
                self._heat_bath.sweep(row, field, 1, state)
        return x
