"""What both cluster samplers must know about a variable."""

from __future__ import annotations

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.conditional import Conditional
from pymc_ebm.graphs.frustration import find_frustration
from pymc_ebm.moves.clusters import ClusterForm, cluster_form

SPINS = ClusterForm("spins", 1.0, np.array([-1, 1], np.int8))


def required_form(owner: str, conditional: Conditional, rv: TensorVariable) -> ClusterForm:
    """Ask what couples a pair of states which clusters fit; raise where none do."""
    if conditional.is_spin:
        return SPINS
    K = conditional.interaction
    form = None if K is None else cluster_form(K)
    if form is None:
        raise ValueError(
            f"{owner}: no clusters fit {rv.name!r}: they need states that couple where they agree "
            "(Potts) or by the product of their signs (Ising, Blume–Capel). Use "
            f"ebm.ChromaticGibbs([{rv.name}]) or ebm.ParallelTempering([{rv.name}])."
        )
    return form


def scaled(form: ClusterForm, coupling: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the couplings that clusters feel."""
    return coupling if form.scale == 1.0 else form.scale * coupling


def require_unfrustrated(
    owner: str, conditional: Conditional, form: ClusterForm, rv: TensorVariable, model: pm.Model
) -> None:
    """Raise where constant couplings are frustrated, naming a cycle."""
    if not conditional.couplings_constant:
        return
    for coupling in conditional.at(model.initial_point()).coupling:
        per_edge = np.broadcast_to(scaled(form, coupling), (conditional.graph.n_edges,))
        if form.q is not None:
            if np.any(per_edge < 0):
                raise ValueError(
                    f"{owner}: couplings of {rv.name!r} go down to {per_edge.min():g}, and "
                    "clusters of Potts states need couplings ≥ 0. "
                    f"Use ebm.ChromaticGibbs([{rv.name}]) or "
                    f"ebm.ParallelTempering([{rv.name}])."
                )
            continue
        cycle = find_frustration(conditional.graph, per_edge).cycle
        if cycle:
            shown = " – ".join(map(str, [*cycle[:12], *(["…"] if len(cycle) > 12 else [])]))
            raise ValueError(
                f"{owner}: the couplings of {rv.name!r} are frustrated: around the cycle {shown} "
                "they multiply to a negative number. Clusters would percolate and nothing would "
                f"mix. Use ebm.ParallelTempering([{rv.name}])."
            )
