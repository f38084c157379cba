"""log Z of strips and cylinders of the square lattice, row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph
from pymc_ebm.log_z.exact.moments_op import MomentsOp, log_z_of
from pymc_ebm.log_z.exact.problem import Method, Problem

MOST_COLUMNS = 16


class StripMoments(MomentsOp):
    """Couplings and fields on a strip; see `pymc_ebm.kernels.transfer_matrix.strip_moments`."""

    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""
        return kernels.transfer_matrix.strip_moments


def _length_axis(graph: Graph) -> int | None:
    """Return the axis that the matrix steps along: open, and the longer one if both are."""
    if graph.lattice != "square" or all(graph.periodic):
        return None
    if graph.periodic[0] != graph.periodic[1]:
        return graph.periodic.index(False)
    return int(np.argmax(graph.shape))


def _obstacle(problem: Problem) -> str | None:
    if not problem.is_spin:
        return "it is written for spins with pairwise couplings"
    graph = problem.graph
    if graph.lattice != "square":
        return "the graph is no Graph.square"
    axis = _length_axis(graph)
    if axis is None:
        return "both axes of the lattice are periodic; one must be open"
    width = graph.shape[1 - axis]
    if width > MOST_COLUMNS:
        around = "the periodic axis" if graph.periodic[1 - axis] else "the shorter axis"
        return (
            f"{around} has {width} sites: 2^{width} states a row; the limit is {MOST_COLUMNS} sites"
        )
    known = problem.known_J
    limit = kernels.transfer_matrix.LOG_RANGE if known is not None else 0.0
    if known is not None and 4 * width * np.abs(known).max(initial=0.0) > limit:
        return f"couplings as strong as {np.abs(known).max():g} could underflow along a row"
    return None


def _seconds(problem: Problem) -> float:
    axis = _length_axis(problem.graph)
    width = problem.graph.shape[1 - (axis or 0)]
    return 1e-8 * problem.n * 2.0**width + 1e-5


def _build(problem: Problem) -> TensorVariable:
    description = strip_description(problem.graph)
    log_z = log_z_of(StripMoments(), problem.coupling(), problem.field(), *description)
    return log_z + problem.offset()


def strip_description(graph: Graph) -> tuple[NDArray[np.int64], ...]:
    """Return sites and edges by their place on the strip, as the kernel wants them."""
    axis = _length_axis(graph)
    site = np.arange(graph.n_vertices).reshape(graph.shape)
    if axis == 1:
        site = site.T
    number = {(i, j): k for k, (i, j) in enumerate(graph.edges.tolist())}

    def edges(a: NDArray, b: NDArray) -> NDArray[np.int64]:
        low, high = np.minimum(a, b), np.maximum(a, b)
        found = [number[pair] for pair in zip(low.flat, high.flat, strict=True)]
        return np.array(found, np.int64).reshape(a.shape)

    rows, width = site.shape
    vertical, horizontal = np.full(site.shape, -1), np.full(site.shape, -1)
    vertical[1:] = edges(site[1:], site[:-1])
    horizontal[:, 1:] = edges(site[:, 1:], site[:, :-1])
    wrap = np.full(rows, -1)
    if graph.periodic[1 - (axis or 0)]:
        wrap = edges(site[:, 0], site[:, width - 1])
    return tuple(np.ascontiguousarray(a, np.int64) for a in (site, vertical, horizontal, wrap))


def _describe(problem: Problem) -> str:
    axis = _length_axis(problem.graph) or 0
    rows, width = problem.graph.shape[axis], problem.graph.shape[1 - axis]
    return f"a transfer matrix of 2^{width} states along {rows} rows"


TRANSFER_MATRIX = Method("transfer_matrix", _obstacle, _seconds, _build, _describe)
