"""Block updates of a variable on a bipartite graph."""

from __future__ import annotations

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.frustration import find_frustration
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.step_methods.pairwise_step import PairwiseStep


class BipartiteBlockGibbs(PairwiseStep):
    """What `BlockGibbs` is for a pairwise variable on a bipartite graph; see there."""

    name = "block_gibbs"

    def _check(self, rv: TensorVariable, model: pm.Model) -> None:
        graph = self._conditional.graph
        odd = find_frustration(graph, np.full(graph.n_edges, -1.0)).cycle
        if odd:
            shown = " – ".join(map(str, odd[:12])) + (" – …" if len(odd) > 12 else "")
            raise ValueError(
                f"BlockGibbs: the graph of {rv.name!r} has no two sides: {shown} is a cycle of "
                f"{len(odd)} vertices, an odd number. Use ebm.ChromaticGibbs([{rv.name}])."
            )

    def _new_move(self, coupling: NDArray[np.float64]) -> HeatBath:
        return HeatBath(self._conditional.graph, coupling, self._conditional.interaction)

    def _describe(self) -> str:
        n = self._conditional.graph.n_vertices
        return f"block updates of the two sides of {n} entries in turn"
