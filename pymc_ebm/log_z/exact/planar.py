"""log Z of planar spins without a field, by the Kac–Ward determinant."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph
from pymc_ebm.log_z.exact.moments_op import MomentsOp, log_z_of
from pymc_ebm.log_z.exact.problem import Method, Problem, known_value

MOST_EDGES = 1500  # a complex matrix of 3000 × 3000 takes 144 MB and some seconds


class PlanarMoments(MomentsOp):
    """Couplings of a planar graph; see `pymc_ebm.kernels.kac_ward.kac_ward`."""

    n_parameters = 1

    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""
        return kernels.kac_ward.kac_ward


@lru_cache(maxsize=32)
def planar_positions(graph: Graph) -> NDArray[np.float64] | str:
    """Return points joined by straight edges that do not cross, shape (n, 2), or why none are."""
    n = graph.n_vertices
    if graph.lattice in ("square", "triangular") and not any(graph.periodic):
        return np.column_stack(np.unravel_index(np.arange(n), graph.shape)).astype(float)
    if n >= 3 and graph.n_edges > 3 * n - 6:
        return f"{graph.n_edges} edges on {n} vertices are more than the 3n − 6 of a planar graph"
    try:
        import networkx
    except ImportError:
        return "finding a planar drawing needs networkx: pip install networkx"
    net = networkx.Graph()
    net.add_nodes_from(range(n))
    net.add_edges_from(graph.edges.tolist())
    planar, certificate = networkx.check_planarity(net, counterexample=True)
    if not planar:
        corners = sorted(v for v, degree in certificate.degree if degree > 2)
        kind = "K5" if len(corners) == 5 else "K3,3"
        return f"the graph is not planar: vertices {corners} are joined as in {kind}"
    place = networkx.combinatorial_embedding_to_pos(certificate)
    return np.array([place[v] for v in range(n)], dtype=float)


def _obstacle(problem: Problem) -> str | None:
    if not problem.is_spin:
        return "it is written for spins with pairwise couplings"
    if problem.has_field:
        return "there is a field, and the determinant has none"
    if problem.graph.n_edges > MOST_EDGES:
        return f"{problem.graph.n_edges} edges; the limit is {MOST_EDGES}"
    positions = planar_positions(problem.graph)
    if isinstance(positions, str):
        return positions
    known = known_value(problem.coupling())
    if known is not None and np.isnan(_known_log_z(problem.graph, known.tobytes())):
        return (
            f"with couplings as strong as {np.abs(known).max():g} and frustrated, the determinant "
            "is a small remainder of larger terms, and too few digits are left"
        )
    return None


@lru_cache(maxsize=32)
def _known_log_z(graph: Graph, coupling: bytes) -> float:
    """Return ``log (Z / 2ⁿ)``; NaN if digits are lost."""
    return float(kernels.kac_ward.kac_ward(np.frombuffer(coupling), *turning(graph))[0])


def turning(graph: Graph) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return which directed edges follow each other and ``exp(i angle / 2)`` of the turns."""
    positions = planar_positions(graph)
    assert not isinstance(positions, str)
    m = graph.n_edges
    tail = np.concatenate([graph.edges[:, 0], graph.edges[:, 1]])
    head = np.concatenate([graph.edges[:, 1], graph.edges[:, 0]])
    step = positions[head] - positions[tail]
    direction = np.arctan2(step[:, 1], step[:, 0])
    leaving: list[list[int]] = [[] for _ in range(graph.n_vertices)]
    for e, v in enumerate(tail):
        leaving[v].append(e)
    begin, follower, angles = [0], [], []
    for e in range(2 * m):
        for f in leaving[head[e]]:
            if f != (e + m) % (2 * m):
                follower.append(f)
                angles.append((direction[f] - direction[e] + np.pi) % (2 * np.pi) - np.pi)
        begin.append(len(follower))
    turn = np.exp(0.5j * np.array(angles, float))
    return (
        np.array(begin, np.int64),
        np.array(follower, np.int64),
        np.ascontiguousarray(turn.real),
        np.ascontiguousarray(turn.imag),
    )


def _build(problem: Problem) -> TensorVariable:
    log_z = log_z_of(PlanarMoments(), problem.coupling(), *turning(problem.graph))
    return log_z + problem.n * np.log(2.0) + problem.offset()


PLANAR = Method(
    "planar",
    _obstacle,
    lambda p: 4e-9 * (2.0 * p.graph.n_edges) ** 3 + 1e-4,
    _build,
    lambda p: f"the Kac–Ward determinant of {2 * p.graph.n_edges} directed edges",
)
