"""What both cluster samplers must know about a variable."""

from __future__ import annotations

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.compile.mode import Mode
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.frustration import find_frustration
from pymc_ebm.step_methods.conditional import Conditional

PY = Mode(linker="py", optimizer="fast_compile")


def potts_states(conditional: Conditional) -> int | None:
    """Return q of a Potts variable, None for spins (absent ones included).

    Parameters
    ----------
    conditional : Conditional
        The variable.
    """
    is_potts = conditional.interaction is not None and conditional.states[0] == 0
    return len(conditional.states) if is_potts else None


def require_unfrustrated(
    owner: str, conditional: Conditional, rv: TensorVariable, model: pm.Model
) -> None:
    """Raise where constant couplings are frustrated, naming a cycle.

    Parameters
    ----------
    owner : str
        What the error message calls the step.
    conditional : Conditional
        The variable.
    rv : TensorVariable
        The same.
    model : Model
        Its model.
    """
    if not conditional.couplings_constant:
        return
    point = model.initial_point()
    for coupling in conditional.at(point).coupling:
        per_edge = np.broadcast_to(coupling, (conditional.graph.n_edges,))
        if potts_states(conditional) is not None:
            if np.any(per_edge < 0):
                raise ValueError(
                    f"{owner}: couplings of {rv.name!r} go down to {per_edge.min():g}, and "
                    "clusters of Potts states need couplings ≥ 0. "
                    f"Use ebm.ChromaticGibbs([{rv.name}]) or "
                    "ebm.ParallelTempering."
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


def as_signs(
    conditional: Conditional, x: NDArray[np.int8], field: NDArray[np.float64]
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Return spins and the field that turning them over feels; absent spins are 0.

    Parameters
    ----------
    conditional : Conditional
        The variable.
    x : ndarray of int8, shape (n,)
        Spins, or state numbers of spins that may be absent.
    field : ndarray, shape (n,) or (n, 3)
        Field, or log-weights.
    """
    if conditional.interaction is None:
        return x, field
    return (x - 1).astype(np.int8), np.ascontiguousarray(0.5 * (field[:, 2] - field[:, 0]))
