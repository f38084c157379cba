"""Which matrix square root fits a variable's couplings."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Constant
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.hopfield import Hopfield
from pymc_ebm.graphs import Graph
from pymc_ebm.relaxation.factors import Edges, Factor, Fourier, Modes, Patterns, SmoothEdges

KINDS = ("auto", "edges", "modes", "fourier", "patterns")
DENSE_SPINS = 1024  # the eigenbasis of so many spins takes half a second and 8 MB
DENSE_FROM = 0.2  # fraction of all pairs
FOURIER_SPINS = 1024  # beyond, matrix products cost more than they gain over an edge each
FEW_SPINS = 32  # the eigenbasis of so few is never dear
PY = Mode(linker="py", optimizer="fast_compile")


def choose_factor(
    energy: Energy,
    graph: Graph,
    sign: float,
    J: TensorVariable,
    beta: TensorVariable,
    kind: str,
    name: str,
    owner: str,
) -> Factor:
    """Choose a factor by structure, or build the one that was asked for.

    `energy`: the energy; `graph`: which entries interact; `sign`: of the feature that the couplings
    multiply; `J` () or (m,): couplings; `beta` (): inverse temperature; `kind`: one of `KINDS`;
    `name`, `owner`: what error messages call the variable and the caller.

    Raises
    ------
    ValueError
        If the factor does not fit.
    """
    if kind not in KINDS:
        raise ValueError(f"{owner}: factor={kind!r} for {name!r} is none of {', '.join(KINDS)}.")
    known = _known(J)
    periodic = (
        graph.lattice in ("square", "cubic")
        and all(graph.periodic)
        and known is not None
        and (known.ndim == 0 or bool(np.all(known == known.flat[0])))
    )
    if kind == "auto":
        n = graph.n_vertices
        dense = n <= DENSE_SPINS and 2 * graph.n_edges > DENSE_FROM * n * (n - 1)
        if isinstance(energy, Hopfield) and energy.columns is not None:
            kind = "patterns"
        elif known is None:
            kind = "edges"
        elif periodic and n <= FOURIER_SPINS:
            kind = "fourier"
        else:
            kind = "modes" if dense or n <= FEW_SPINS else "edges"
    if kind == "patterns":
        columns = energy.columns if isinstance(energy, Hopfield) else None
        if columns is None:
            raise ValueError(
                f"{owner}: factor='patterns' needs a Hopfield network with Hebb's rule or the "
                f"pseudo-inverse, and {name!r} is {type(energy).__name__}. Use factor='modes'."
            )
        return Patterns(columns, beta)
    if kind == "edges":
        if known is not None:
            return Edges(graph, sign * known, beta)
        return SmoothEdges(graph, pt.zeros(graph.n_edges) + sign * beta * J)
    if known is None:
        raise ValueError(
            f"{owner}: factor={kind!r} needs known couplings, and those of {name!r} depend on "
            "other variables. Use factor='edges'."
        )
    if kind == "modes":
        return Modes(graph, sign * known, beta)
    if not periodic:
        raise ValueError(
            f"{owner}: factor='fourier' needs a periodic square or cubic lattice with one "
            f"coupling, and {name!r} lives on {graph!r}. Use factor='edges' or 'modes'."
        )
    return Fourier(graph, float(sign * known.flat[0]), beta)


def _known(J: TensorVariable) -> NDArray[np.float64] | None:
    """Return couplings that depend on nothing, else None."""
    inputs = [v for v in ancestors([J]) if v.owner is None]
    if not all(isinstance(v, Constant) for v in inputs):
        return None
    return np.asarray(J.eval(mode=PY), dtype=float)
