"""Block Gibbs sampling of a restricted Boltzmann machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.conditional import Conditions
from pymc_ebm.conditionals.two_layers import TwoLayers, is_rbm
from pymc_ebm.graphs.frustration import find_frustration
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.step_methods.discrete_step import Point
from pymc_ebm.step_methods.pairwise_step import PairwiseStep, new_heat_bath

SWEEPS = 10


class BlockGibbs(PairwiseStep):
    r"""Draw one side of a bipartite graph given the other, then the other given the first.

    In a restricted Boltzmann machine the sides are the hidden and the visible units:
    ``P(h_j = 1 | v) = σ(c_j + (vᵀW)_j)`` and ``P(v_i = 1 | h) = σ(b_i + (Wh)_i + f_i)``, f being
    the log-odds that elementwise children of the visible units contribute. The hidden units live
    inside the step; weights and biases may be random.

    Any other pairwise variable, spins or states, is drawn likewise if its graph has two sides, as
    square and cubic lattices with even lengths have.

    Parameters
    ----------
    vars : variable or list of variables
        The visible units of an `RBM`, or a pairwise variable on a bipartite graph.
    sweeps : int, optional
        Pairs of updates a draw; by default 10 for an RBM, and else chosen while tuning.
    model : Model, optional
        By default the model on the context stack.
    rng : int or Generator, optional
        Source of randomness.
    initial_point : dict, optional
        Not used; PyMC passes it to every step.
    compile_kwargs : dict, optional
        Passed to the compilation of weights and fields.
    blocked : bool, default False
        PyMC's switch between one step for all variables and one for each.

    Raises
    ------
    ValueError
        If the variable is an RBM whose `beta` is not inside it, if the graph has a cycle of odd
        length (it is named), or if a child ties several units together.

    Examples
    --------
    >>> import numpy as np, pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     v = ebm.RBM("v", W=np.ones((4, 2)))
    ...     step = ebm.BlockGibbs([v])
    >>> step.step(model.initial_point(1))[0]["v"].shape
    (4,)
    """

    name = "block_gibbs"

    def _prepare(
        self, rv: TensorVariable, model: pm.Model, initial_point: Any, compile_kwargs: dict | None
    ) -> None:
        self._layers = None
        if not is_rbm(rv):
            super()._prepare(rv, model, initial_point, compile_kwargs)
            return
        self._layers = TwoLayers("BlockGibbs", rv, model, compile_kwargs)
        self._say(f"block updates of {self._layers.describe()}")

    def _check(self, rv: TensorVariable, model: pm.Model) -> None:
        graph = self._conditional.graph
        odd = find_frustration(graph, np.full(graph.n_edges, -1.0)).cycle
        if odd:
            shown = " – ".join(map(str, odd[:12])) + (" – …" if len(odd) > 12 else "")
            raise ValueError(
                f"BlockGibbs: the graph of {rv.name!r} has no two sides: {shown} is a cycle of "
                f"{len(odd)} vertices, an odd number. Use ebm.ChromaticGibbs([{rv.name}])."
            )

    def _new_move(self, conditions: Conditions, entry: int) -> HeatBath:
        return new_heat_bath(self._conditional.graph, conditions, entry)

    def _describe(self) -> str:
        n = self._conditional.graph.n_vertices
        return f"block updates of the two sides of {n} entries in turn"

    def _begin(self, tune: int, draws: int) -> None:
        if self._layers is None:
            super()._begin(tune, draws)
            return
        self._layers.forget()
        self.sweeps = self._fixed_sweeps or SWEEPS
        self._history, self._warm_start = [], False

    def _move(self, value: NDArray, point: Point) -> tuple[NDArray, dict[str, Any]]:
        if self._layers is None:
            return super()._move(value, point)
        visible, energy = self._layers.update(value, point, self.sweeps, self.rng)
        order = float(visible.mean())
        return visible, {"spin_energy": energy, "magnetization": order, "sweeps": self.sweeps}
