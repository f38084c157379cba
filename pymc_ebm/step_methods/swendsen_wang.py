"""Swendsen–Wang cluster updates, mixed with heat-bath sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.conditional import Conditions
from pymc_ebm.moves import clusters as cluster_moves
from pymc_ebm.moves.clusters import ClusterForm
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.step_methods.clusters import require_unfrustrated, required_form, scaled
from pymc_ebm.step_methods.discrete_step import checked_count
from pymc_ebm.step_methods.pairwise_step import PairwiseStep, new_heat_bath

HEAT_BATH_SWEEPS = 2
HEAT_BATH_SWEEPS_WITH_CHILDREN = 16  # a likelihood pins clusters; a try a while costs little
CLUSTER_COST = 6.0  # of a cluster update, in heat-bath sweeps


class SwendsenWang(PairwiseStep):
    r"""Lay bonds, give every cluster a new state, and sweep with heat bath in between.

    On an edge whose ends agree with its coupling a bond is laid with probability
    ``1 − exp(−2β|J_ij|)`` (Potts: ``1 − exp(−βJ_ij)``). Given the bonds, each cluster takes a state
    with the probability that the fields on it give; this is what a ghost spin that carries the
    fields amounts to once it is summed out. Near a critical point, where heat bath slows down as
    ``L^2.17``, clusters hardly slow down at all.

    Fits Ising models, Boltzmann machines and Blume–Capel models without frustration, and Potts
    models with couplings ≥ 0, on any graph. Elementwise children enter as fields. Strong fields
    that differ from site to site (a precise likelihood) hold clusters in place; there the
    heat-bath sweeps do the work.

    Parameters
    ----------
    vars : variable or list of variables
        The discrete variable.
    sweeps : int, optional
        Cluster updates a draw; by default chosen while tuning.
    heat_bath_sweeps : int, optional
        Heat-bath sweeps after each cluster update; by default 2, and 16 where the variable has
        children.
    model, rng, initial_point, compile_kwargs, blocked
        As for `ChromaticGibbs`.

    Raises
    ------
    ValueError
        If the couplings are frustrated (a cycle is named), or Potts couplings negative.

    Notes
    -----
    Statistics: those of `ChromaticGibbs`, and ``clusters``, the number of clusters of the last
    update.

    References
    ----------
    Swendsen, R. H. and Wang, J.-S. (1987). Nonuniversal critical dynamics in Monte Carlo
    simulations. Physical Review Letters 58, 86-88.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=0.44, graph=ebm.Graph.square(8, 8))
    ...     step = ebm.SwendsenWang([s], sweeps=1)
    >>> step.step(model.initial_point(1))[0]["s"].shape
    (8, 8)
    """

    name = "swendsen_wang"
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        **PairwiseStep.stats_dtypes_shapes,
        "clusters": (np.int64, []),
    }

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        sweeps: int | None = None,
        heat_bath_sweeps: int | None = None,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = False,
    ) -> None:
        self._given_sweeps = checked_count(
            "SwendsenWang", "heat_bath_sweeps", heat_bath_sweeps, least=0
        )
        super().__init__(
            vars,
            sweeps=sweeps,
            model=model,
            rng=rng,
            initial_point=initial_point,
            compile_kwargs=compile_kwargs,
            blocked=blocked,
        )

    def _check(self, rv: TensorVariable, model: pm.Model) -> None:
        default = HEAT_BATH_SWEEPS_WITH_CHILDREN if self._conditional.children else HEAT_BATH_SWEEPS
        given = self._given_sweeps
        self._heat_bath_sweeps = default if given is None else given
        self.cost = CLUSTER_COST + self._heat_bath_sweeps
        self._form = required_form("SwendsenWang", self._conditional, rv)
        require_unfrustrated("SwendsenWang", self._conditional, self._form, rv, model)
        if self._form.signs.size > 2 and self._form.q is None and not self._heat_bath_sweeps:
            raise ValueError(
                f"SwendsenWang: turning clusters of {rv.name!r} over leaves most states where they "
                "are: it never makes a spin 0. Set heat_bath_sweeps to 1 or more."
            )

    def _new_move(self, conditions: Conditions, entry: int) -> _ClustersAndHeatBath:
        heat_bath = new_heat_bath(self._conditional.graph, conditions, entry)
        return _ClustersAndHeatBath(
            heat_bath, conditions.coupling[entry], self._form, self._heat_bath_sweeps
        )

    def _describe(self) -> str:
        return (
            f"Swendsen–Wang clusters and {self._heat_bath_sweeps} heat-bath sweeps over "
            f"{self._conditional.graph.n_vertices} entries (couplings unfrustrated)"
        )

    def _statistics(self) -> dict[str, Any]:
        return {"clusters": self._moves.clusters}  # type: ignore[union-attr]


class _ClustersAndHeatBath:
    """One cluster update and some heat-bath sweeps a sweep."""

    def __init__(
        self,
        heat_bath: HeatBath,
        coupling: NDArray[np.float64],
        form: ClusterForm,
        heat_bath_sweeps: int,
    ) -> None:
        self._heat_bath, self._form, self._between = heat_bath, form, heat_bath_sweeps
        felt = scaled(form, coupling)
        self._clusters = cluster_moves.SwendsenWang(heat_bath.graph, felt, form.q)
        self._signed = heat_bath.interaction is not None and form.q is None

    @property
    def clusters(self) -> int:
        """Number of clusters of the last update."""
        return self._clusters.clusters

    def set_coupling(self, coupling: NDArray[np.float64]) -> None:
        """Change the couplings."""
        self._clusters.set_coupling(scaled(self._form, coupling))
        self._heat_bath.set_coupling(coupling)

    def set_interaction(self, interaction: NDArray[np.float64]) -> None:
        """Clusters fit constant interactions only."""
        raise NotImplementedError

    def sweep(self, x: NDArray, field: NDArray, sweeps: int, state: NDArray) -> None:
        """Update one configuration in place."""
        for _ in range(sweeps):
            if self._signed:
                spins, felt = self._form.as_spins(x, field)
                self._clusters.sweep(spins, felt, 1, state)
                x[:] = self._form.turned(x, spins)
            else:
                self._clusters.sweep(x, field, 1, state)
            if self._between:
                self._heat_bath.sweep(x, field, self._between, state)
