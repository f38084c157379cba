"""Cluster moves over a graph: Swendsen–Wang and Wolff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph


@dataclass(frozen=True)
class ClusterForm:
    """How clusters see states: as Potts states, or as spins that may be absent.

    `kind`: potts: ``K = const + scale [a = b]``. Spins: ``K = const + scale σ_a σ_b``, and state a
    turned over is state q − 1 − a; `scale`: what multiplies the coupling: clusters feel ``scale ·
    βJ``; `signs` (q,): σ in {-1, 0, 1}; zeros for Potts.
    """

    kind: Literal["potts", "spins"]
    scale: float
    signs: NDArray[np.int8]

    @property
    def q(self) -> int | None:
        """What cluster moves take: the number of Potts states, None for spins."""
        return self.signs.size if self.kind == "potts" else None

    def as_spins(
        self, x: NDArray[np.int8], field: NDArray[np.float64]
    ) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        """Return the spins of states (n,), and the field that turning them over feels."""
        rows, spins = np.arange(x.size), self.signs[x]
        here, there = field[rows, x], field[rows, self.signs.size - 1 - x]
        felt = np.zeros(x.size)
        np.subtract(here, there, out=felt, where=here != there)  # ∞ − ∞: neither can be
        return spins, 0.5 * spins * felt

    def turned(self, x: NDArray[np.int8], spins: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the states (n,) after their spins became others."""
        return np.where(self.signs[x] == spins, x, self.signs.size - 1 - x).astype(np.int8)


def cluster_form(interaction: NDArray[np.float64]) -> ClusterForm | None:
    """Read off a matrix (q, q) which clusters fit it; None if none do, or for tables (m, q, q)."""
    if interaction.ndim != 2:
        return None
    q = len(interaction)
    rest = interaction - interaction.mean()  # antisymmetric signs sum to zero
    tolerance = 1e-12 * np.abs(interaction).max(initial=0.0)
    filled = np.flatnonzero(np.diag(rest) ** 2 > tolerance**2)
    if filled.size:
        row = rest[filled[0]] / rest[filled[0], filled[0]]
        signs, scale = np.rint(row), float(rest[filled[0], filled[0]])
        fits = np.all(np.abs(signs) <= 1) and np.array_equal(signs, -signs[::-1])
        if fits and np.all(np.abs(rest - scale * np.outer(signs, signs)) <= tolerance):
            return ClusterForm("spins", scale, signs.astype(np.int8))
    own, other = interaction[0, 0], interaction[0, q - 1]
    if np.all(np.abs(interaction - other - (own - other) * np.eye(q)) <= tolerance):
        return ClusterForm("potts", float(own - other), np.zeros(q, np.int8))
    return None


class SwendsenWang:
    """Lay bonds, and give every cluster a new state.

    Parameters
    ----------
    graph : Graph
        The graph.
    coupling : ndarray, shape () or (m,)
        ``βJ`` of each edge. Spins may have couplings of both signs; Potts states must attract.
    q : int, optional
        Number of Potts states; None for spins in {-1, +1}.

    Attributes
    ----------
    clusters : int
        Number of clusters of the last update.
    """

    def __init__(self, graph: Graph, coupling: NDArray[np.float64], q: int | None = None) -> None:
        self.graph = graph
        self.q = q
        n = graph.n_vertices
        order = np.argsort(graph.edges[:, 1], kind="stable")
        self._order = order
        self._lower = graph.edges[order, 0].astype(np.uint32)
        counts = np.bincount(graph.edges[:, 1], minlength=n)
        self._lower_ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._parent = np.empty(n, np.uint32)
        self._flip = np.empty(n, np.int8)
        self.clusters = n
        self.set_coupling(coupling)

    def set_coupling(self, coupling: NDArray[np.float64]) -> None:
        """Change ``βJ``, shape () or (m,)."""
        flat = np.asarray(coupling, dtype=np.float64).reshape(-1)
        if flat.size > 1 and np.all(flat == flat[0]):
            flat = flat[:1]
        if flat.size > 1:
            flat = flat[self._order]
        if flat.size == 0:
            flat = np.zeros(1)
        _require_attraction(flat, self.q)
        exponent = 2.0 * np.abs(flat) if self.q is None else flat
        self._thresholds = _binary_digits(exponent)
        self._signs = np.where(flat < 0, -1, 1).astype(np.int8)

    def sweep(
        self,
        x: NDArray[np.int8],
        field: NDArray[np.float64],
        sweeps: int,
        state: NDArray[np.uint64],
    ) -> None:
        """Update all clusters `sweeps` times, in place; arguments as for `HeatBath`."""
        kernel = kernels.swendsen_wang
        with_field = bool(np.any(field)) if self.q is None else bool(np.any(np.ptp(field, axis=1)))
        if not with_field:
            field = field[:0]
        space = np.empty_like(field)
        for _ in range(sweeps):
            kernel.lay_bonds(
                x, self._signs, self._parent, self._lower_ptr, self._lower, self._thresholds, state
            )
            if self.q is None:
                self.clusters = kernel.flip_spin_clusters(
                    x, self._parent, self._flip, field, space, state
                )
            else:
                self.clusters = kernel.draw_cluster_states(
                    x, self._parent, self.q, field, space, state
                )


class Wolff:
    """Grow single clusters; one "sweep" is about as many as there are clusters of a typical size.

    Parameters as for `SwendsenWang`; ``size`` is the mean cluster size of the last call.
    """

    def __init__(self, graph: Graph, coupling: NDArray[np.float64], q: int | None = None) -> None:
        self.graph = graph
        self.q = q
        n = graph.n_vertices
        self._indptr, self._indices, self._edge_numbers = graph.neighbors
        self._stack, self._visited = np.empty(n, np.int64), np.zeros(n, np.bool_)
        self.size = 1.0
        self.set_coupling(coupling)

    def set_coupling(self, coupling: NDArray[np.float64]) -> None:
        """Change ``βJ``, shape () or (m,)."""
        per_edge = np.broadcast_to(np.asarray(coupling, float), (self.graph.n_edges,))
        _require_attraction(per_edge, self.q)
        weights = per_edge[self._edge_numbers]
        exponent = 2.0 * np.abs(weights) if self.q is None else weights
        self._probabilities = -np.expm1(-exponent)
        self._signs = np.where(weights < 0, -1, 1).astype(np.int8)

    def sweep(
        self,
        x: NDArray[np.int8],
        field: NDArray[np.float64],
        sweeps: int,
        state: NDArray[np.uint64],
    ) -> None:
        """Grow `sweeps` clusters, in place; arguments as for `HeatBath`.

        Sometimes one cluster more, decided by a coin: a fixed number would make spins without
        interactions alternate between even and odd magnetisations.
        """
        word = kernels.xoshiro.next_state(state)
        clusters = sweeps + int(word & np.uint64(1))
        graph = (self._indptr, self._indices, self._probabilities)
        space = (self._stack, self._visited)
        if self.q is None:
            grown = kernels.wolff.spin_clusters(
                x, *graph, self._signs, field, *space, clusters, state
            )
        else:
            grown = kernels.wolff.state_clusters(x, self.q, *graph, field, *space, clusters, state)
        self.size = grown / clusters


def _binary_digits(exponent: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return the first 64 binary digits of ``1 − exp(−exponent)``, shape (2, entries)."""
    small, rest = -np.expm1(-exponent), np.exp(-exponent)
    below = (np.minimum(small, 0.5) * 2.0**64).astype(np.uint64)
    above = ~(np.minimum(rest, 0.5) * 2.0**64).astype(np.uint64)  # 2⁶⁴ − 1 less the complement
    digits = np.where(small < 0.5, below, above)
    return np.stack([digits >> np.uint64(32), digits & np.uint64(2**32 - 1)]).astype(np.uint32)


def _require_attraction(coupling: NDArray[np.float64], q: int | None) -> None:
    if q is not None and coupling.size and coupling.min() < 0:
        raise ValueError(
            f"Cluster moves need Potts couplings that attract, and one is {coupling.min():g}. "
            "Use ChromaticGibbs or ParallelTempering."
        )
