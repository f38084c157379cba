"""Multi-spin coding: 64 replicas of an Ising model in the bits of one word a site."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph

REPLICAS = 64
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


def fits(graph: Graph, coupling: NDArray[np.float64]) -> bool:
    """Tell whether a model can be coded so: one strength, four or six neighbours everywhere."""
    strengths = np.abs(np.asarray(coupling)).reshape(-1)
    if strengths.size == 0 or np.any(strengths != strengths[0]):
        return False
    if _even_square(graph) and np.ndim(coupling) == 0:
        return True
    degrees = graph.degrees()
    return bool(np.all(degrees == degrees[0])) and int(degrees[0]) in (4, 6)


class MultiSpin:
    """64 replicas at one temperature, without a field, started at random.

    Every vertex has four or six neighbours; `coupling` () or (m,) has one strength, any signs.
    """

    def __init__(
        self, graph: Graph, coupling: NDArray[np.float64], rng: np.random.Generator
    ) -> None:
        self.graph = graph
        coupling = np.asarray(coupling, dtype=float)
        self.set_strength(float(np.abs(coupling.reshape(-1)[0])))
        block = kernels.multi_spin.BLOCK
        self._state = rng.integers(1, 2**64, (4, block), dtype=np.uint64)
        self._implicit = _even_square(graph) and coupling.ndim == 0
        self._satisfied = np.zeros(REPLICAS, np.int64)
        self._ups = np.zeros(REPLICAS, np.int64)
        n = graph.n_vertices
        self._words = np.zeros(n + 1, np.uint64)
        self.start(rng)
        if self._implicit:
            self._flip = ALL if coupling < 0 else np.uint64(0)
        else:
            self._lay_out(np.broadcast_to(coupling, (graph.n_edges,)), block)

    def set_strength(self, strength: float) -> None:
        """Change ``|βJ|`` of all edges; signs stay."""
        self._digits = _digits(strength)

    def start(self, rng: np.random.Generator, spins: NDArray[np.int8] | None = None) -> None:
        """Take spins (64, n), or draw them, each replica at a magnetisation of its own."""
        n = self.graph.n_vertices
        self._words[:] = 0
        level = rng.random(REPLICAS)
        for r in range(REPLICAS):
            up = rng.random(n, dtype=np.float32) < level[r] if spins is None else spins[r] > 0
            self._words[:n] |= up.astype(np.uint64) << np.uint64(r)

    def _lay_out(self, coupling: NDArray[np.float64], block: int) -> None:
        """Write neighbours in the order of the updates, colour by colour, in full blocks."""
        graph, n = self.graph, self.graph.n_vertices
        _indptr, indices, edge_numbers = graph.neighbors
        degree = int(graph.degrees()[0])
        color = graph.coloring()
        parts = []
        for c in range(int(color.max()) + 1):
            sites = np.flatnonzero(color == c)
            parts.append(np.append(sites, np.full(-len(sites) % block, n)))
        sites = np.concatenate(parts)
        real = sites < n
        rows = np.where(real, sites, 0)
        self._sites = sites.astype(np.uint32)
        neighbors = indices.reshape(n, degree)[rows]
        neighbors[~real] = n
        self._neighbors = neighbors.astype(np.uint32)
        negative = (coupling < 0)[edge_numbers].reshape(n, degree)[rows]
        signed = bool(np.any(coupling < 0))
        self._flips = np.where(negative if signed else negative[:1], ALL, np.uint64(0))
        if not signed:
            self._flips[:] = 0
        self._first, self._second = np.ascontiguousarray(graph.edges.T, dtype=np.uint32)
        edge_flips = np.where(coupling < 0, ALL, np.uint64(0))
        self._edge_flips = edge_flips if signed else edge_flips[:1]
        self._sweep = (
            kernels.multi_spin.four_neighbor_sweeps
            if degree == 4
            else kernels.multi_spin.six_neighbor_sweeps
        )

    def sweep(self, sweeps: int) -> None:
        """Update all spins of all replicas `sweeps` times."""
        if self._implicit:
            kernels.multi_spin.square_lattice_sweeps(
                self._grid, self._flip, self._digits, sweeps, self._state
            )
        else:
            self._sweep(
                self._words,
                self._neighbors,
                self._flips,
                self._sites,
                self._digits,
                sweeps,
                self._state,
            )

    def measure(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ``Σ sign(J_ij) s_i s_j`` over the edges and ``Σ s_i``, shape (64,) each."""
        n = self.graph.n_vertices
        if self._implicit:
            edges = 2 * n
            kernels.multi_spin.measure_square_lattice(
                self._grid, self._flip, self._satisfied, self._ups
            )
        else:
            edges = self.graph.n_edges
            kernels.multi_spin.measure(
                self._words[:n],
                self._first,
                self._second,
                self._edge_flips,
                self._satisfied,
                self._ups,
            )
        satisfied, ups = self._satisfied.astype(np.float64), self._ups.astype(np.float64)
        return 2.0 * satisfied - edges, 2.0 * ups - n

    def spins(self) -> NDArray[np.int8]:
        """Unpack the replicas, shape (64, n)."""
        words = self._words[: self.graph.n_vertices]
        bits = (words >> np.arange(REPLICAS, dtype=np.uint64)[:, None]) & np.uint64(1)
        return (2 * bits.astype(np.int8) - 1).astype(np.int8)

    @property
    def _grid(self) -> NDArray[np.uint64]:
        return self._words[:-1].reshape(self.graph.shape)


def _even_square(graph: Graph) -> bool:
    return (
        graph.lattice == "square"
        and all(graph.periodic)
        and all(length % 2 == 0 for length in graph.shape)
    )


def _digits(strength: float) -> NDArray[np.uint64]:
    """Write the probabilities of going against the majority in binary, shape (64, 4)."""
    table = np.zeros((64, 4), np.uint64)
    for level in range(4):
        q = Fraction(1.0 / (1.0 + np.exp(min(4.0 * strength * level, 700.0))))
        number = int(q * 2**64)
        for b in range(64):
            table[b, level] = ALL if (number >> (63 - b)) & 1 else np.uint64(0)
    return table
