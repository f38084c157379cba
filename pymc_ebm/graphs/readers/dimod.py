"""Binary quadratic models of dimod, and files in its COO format."""

from __future__ import annotations

import re

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.graphs.parts import number_names

if TYPE_CHECKING:
    import dimod

    from pymc_ebm.graphs.graph import Graph

SUPPORTS: dict[str, Literal["spin", "binary"]] = {"SPIN": "spin", "BINARY": "binary"}
_HEADER = re.compile(r"#.*?vartype[:=]\s*(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class QuadraticModel:
    """``E(x) = offset − Σ_{(i,j)∈edges} J_ij x_i x_j − Σ_i h_i x_i``, the file's energy.

    Couplings `J` (m,) follow ``graph.edges`` and fields `h` (n,) ``graph.names``; `support` says
    whether x is −1, +1 ("spin") or 0, 1 ("binary"). Signs are those of this library: minus the
    biases of dimod.
    """

    graph: Graph
    J: NDArray[np.float64]
    h: NDArray[np.float64]
    offset: float
    support: Literal["spin", "binary"]


def from_dimod(cls: type[Graph], bqm: dimod.BinaryQuadraticModel) -> Graph:
    """Build from the interactions of a binary quadratic model, biases left out.

    Parameters
    ----------
    bqm : dimod.BinaryQuadraticModel
        Its variables become `names`, its quadratic biases `weights`, whose sign is opposite to
        that of couplings J.
    """
    if not hasattr(bqm, "quadratic"):
        raise TypeError(
            f"Graph.from_dimod: got a {type(bqm).__name__}; pass a dimod.BinaryQuadraticModel."
        )
    names = tuple(bqm.variables)
    if not names:
        raise ValueError("Graph.from_dimod: the model has no variables.")
    pairs = number_names(list(bqm.quadratic), names)
    return cls(pairs, (len(names),), names, [float(bias) for bias in bqm.quadratic.values()])


def read_bqm(bqm: dimod.BinaryQuadraticModel) -> QuadraticModel:
    """Read couplings, fields, offset and coding off a model of dimod."""
    from pymc_ebm.graphs.graph import Graph  # which takes from_dimod from here

    graph = Graph.from_dimod(bqm)
    assert graph.weights is not None
    h = np.array([-float(bqm.linear[name]) for name in bqm.variables])
    return QuadraticModel(graph, -graph.weights, h, float(bqm.offset), SUPPORTS[bqm.vartype.name])


def read_coo(
    path: str | Path, *, vartype: Literal["SPIN", "BINARY"] | None = None
) -> QuadraticModel:
    """Read a file with lines ``i j bias`` (i = j: linear), as ``dimod.serialization.coo`` writes.

    Repeated lines add up. The format has no offset; the coding is in its first line
    (``# vartype=SPIN``) or in `vartype`.
    """
    from pymc_ebm.graphs.graph import Graph  # which takes from_dimod from here

    biases: dict[tuple[int, int], float] = {}
    stated = vartype
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        header = _HEADER.search(line)
        if header is not None:
            found: Any = header.group(1).upper()
            if stated is not None and found != stated:
                raise ValueError(f"{path}, line {number}: vartype={found}, not {stated} as stated.")
            stated = found
        content = line.split("#")[0].split()
        if not content:
            continue
        try:
            i, j, bias = int(content[0]), int(content[1]), float(content[2])
            if len(content) != 3 or min(i, j) < 0:
                raise ValueError
        except (ValueError, IndexError):
            raise ValueError(
                f"{path}, line {number}: {line.strip()!r} is not of the form 'i j bias'."
            ) from None
        pair = (min(i, j), max(i, j))
        biases[pair] = biases.get(pair, 0.0) + bias
    if stated not in SUPPORTS:
        raise ValueError(
            f'{path}: vartype is {stated!r}. Pass vartype="SPIN" for −1 and +1 or '
            'vartype="BINARY" for 0 and 1.'
        )
    names = sorted({vertex for pair in biases for vertex in pair})
    if not names:
        raise ValueError(f"{path}: no line of the form 'i j bias'.")
    couplings = {pair: bias for pair, bias in biases.items() if pair[0] != pair[1]}
    graph = Graph(number_names(list(couplings), names), (len(names),), names)
    J = -np.array(list(couplings.values()))
    h = np.array([-biases.get((name, name), 0.0) for name in names])
    return QuadraticModel(graph, J, h, 0.0, SUPPORTS[stated])
