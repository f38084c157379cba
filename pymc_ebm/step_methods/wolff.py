"""Wolff's single-cluster updates."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.conditional import Conditions
from pymc_ebm.graphs import Graph
from pymc_ebm.moves import clusters as cluster_moves
from pymc_ebm.moves.clusters import ClusterForm
from pymc_ebm.step_methods.clusters import require_unfrustrated, required_form, scaled
from pymc_ebm.step_methods.pairwise_step import PairwiseStep


class Wolff(PairwiseStep):
    r"""Grow one cluster from a random seed and move it as a whole, many times a draw.

    Bonds are laid as in `SwendsenWang`, but only around a seed, so large clusters are moved more
    often than small ones. A move that the fields speak against is accepted with probability
    ``exp(−ΔE_field)``; where fields are strong, large clusters are hardly ever accepted and
    `SwendsenWang`, which mixes in heat-bath sweeps, is the better choice.

    Parameters
    ----------
    vars : variable or list of variables
        The discrete variable: Ising, Boltzmann machine or Potts.
    sweeps : int, optional
        Clusters a draw (sometimes one more); by default chosen while tuning.
    model, rng, initial_point, compile_kwargs, blocked
        As for `ChromaticGibbs`.

    Raises
    ------
    ValueError
        If the couplings are frustrated (a cycle is named), Potts couplings negative, or spins may
        be absent (Blume–Capel).

    Notes
    -----
    Statistics: those of `ChromaticGibbs`, and ``cluster_size``, the mean size in a draw.

    References
    ----------
    Wolff, U. (1989). Collective Monte Carlo updating for spin systems. Physical Review Letters
    62, 361-364.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=0.44, graph=ebm.Graph.square(8, 8))
    ...     step = ebm.Wolff([s], sweeps=10)
    >>> step.step(model.initial_point(1))[0]["s"].shape
    (8, 8)
    """

    name = "wolff"
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        **PairwiseStep.stats_dtypes_shapes,
        "cluster_size": (np.float64, []),
    }

    def _check(self, rv: TensorVariable, model: pm.Model) -> None:
        self._form = required_form("Wolff", self._conditional, rv)
        if self._form.signs.size > 2 and self._form.q is None:
            raise ValueError(
                f"Wolff: turning clusters of {rv.name!r} over never makes a spin 0. Use "
                f"ebm.SwendsenWang([{rv.name}]), which sweeps in between."
            )
        require_unfrustrated("Wolff", self._conditional, self._form, rv, model)

    def _new_move(self, conditions: Conditions, entry: int) -> _Wolff:
        return _Wolff(self._conditional.graph, conditions.coupling[entry], self._form)

    def _describe(self) -> str:
        return f"Wolff clusters over {self._conditional.graph.n_vertices} entries"

    def _most_sweeps(self) -> int:
        # a cluster may be a single spin or all of them
        return max(super()._most_sweeps(), 4 * self._conditional.graph.n_vertices)

    def _statistics(self) -> dict[str, Any]:
        return {"cluster_size": self._moves.size}  # type: ignore[union-attr]


class _Wolff(cluster_moves.Wolff):
    """Single clusters that feel couplings as their form scales them."""

    def __init__(self, graph: Graph, coupling: NDArray[np.float64], form: ClusterForm) -> None:
        self._form = form
        super().__init__(graph, coupling, form.q)

    def set_coupling(self, coupling: NDArray[np.float64]) -> None:
        """Change the couplings."""
        super().set_coupling(scaled(self._form, coupling))

    def set_interaction(self, interaction: NDArray[np.float64]) -> None:
        """Clusters fit constant interactions only."""
        raise NotImplementedError
