"""The conditional distribution of a discrete variable at one point of all others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.graphs import Graph
from pymc_ebm.moves.heat_bath import by_entry


class Given(Protocol):
    """The conditional distribution of a variable, all others being fixed."""

    def log_weights(self, x: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the log-weight of every state of every site, ``(M, n) → (M, sites, q)``."""

    def log_densities(self, x: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the log-density up to a constant, ``(M, n) → (M,)``."""

    def descend(self, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the local maxima that the configurations lead to, ``(M, n) → (M, n)``."""

    def heat_bath(
        self, x: NDArray[np.int8], sweeps: int, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return the configurations after so many sweeps."""


@dataclass(frozen=True)
class PairwiseGiven:
    """Couplings and fields, β and the children included."""

    graph: Graph  # which entries interact
    # what couples a pair of states, (q, q) or (m, q, q), one array a batch entry
    interaction: list[NDArray[np.float64]]
    coupling: list[NDArray[np.float64]]  # (m,); couplings of the edges, one array a batch entry
    field: NDArray[np.float64]  # (batch, n, q); log-weights
    sites: NDArray[np.int64]  # (sites,); the entries of the variable whose conditionals are wanted

    @cached_property
    def _adjacency(self) -> list[tuple[NDArray, ...]]:
        """What the kernels want of each batch entry."""
        indptr, indices, numbers = self.graph.neighbors
        return [
            (indptr, indices, coupling[numbers], by_entry(self.graph, K), field)
            for coupling, K, field in zip(self.coupling, self.interaction, self.field, strict=True)
        ]

    def _parts(self, x: NDArray) -> list[NDArray[np.int8]]:
        """Cut flattened configurations into batch entries."""
        n = self.graph.n_vertices
        return [np.ascontiguousarray(x[:, k * n : (k + 1) * n]) for k in range(len(self.field))]

    def log_weights(self, x: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the log-weight of every state of every site."""
        columns, n = [], self.graph.n_vertices
        for b, (part, arguments) in enumerate(zip(self._parts(x), self._adjacency, strict=True)):
            sites = self.sites[self.sites // n == b] - b * n
            out = np.empty((len(part), len(sites), self.field.shape[-1]))
            kernels.conditional.log_weights(part, sites, *arguments, out)
            columns.append(out)
        return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)

    def log_densities(self, x: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the log-density up to a constant."""
        first, second = np.ascontiguousarray(self.graph.edges.T, dtype=np.int32)
        total = np.zeros(len(x))
        for part, coupling, K, field in zip(
            self._parts(x), self.coupling, self.interaction, self.field, strict=True
        ):
            for m, configuration in enumerate(part):
                total[m] += kernels.log_weight.states_log_weight(
                    configuration, first, second, coupling, K, field
                )
        return total

    def descend(self, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the local maxima that the configurations lead to."""
        columns = []
        for part, arguments in zip(self._parts(x.copy()), self._adjacency, strict=True):
            kernels.conditional.descend(part, *arguments, 1000)
            columns.append(part)
        return np.concatenate(columns, axis=1)

    def heat_bath(
        self, x: NDArray[np.int8], sweeps: int, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return the configurations after so many sweeps."""
        sites = np.arange(self.graph.n_vertices, dtype=np.uint32)
        state = kernels.xoshiro.seed_state(rng)
        columns = []
        for part, arguments in zip(self._parts(x.copy()), self._adjacency, strict=True):
            indptr, indices, weights, interaction, field = arguments
            for configuration in part:
                kernels.heat_bath_states.states_sweeps(
                    configuration, indptr, indices, weights, interaction, False, sites, field,
                    sweeps, state,
                )  # fmt: skip
            columns.append(part)
        return np.concatenate(columns, axis=1)


@dataclass(frozen=True)
class EvaluatedGiven:
    """A log-density that has to be evaluated configuration by configuration."""

    # state numbers of shape (M, n) → log-densities of shape (M,)
    function: Callable[[NDArray[np.int8]], NDArray[np.float64]]
    sites: NDArray[np.int64]  # the sites whose conditionals are looked at
    q: int  # number of states

    def log_densities(self, x: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the log-density up to a constant."""
        return self.function(x)

    def log_weights(self, x: NDArray[np.int8], sites: NDArray | None = None) -> NDArray[np.float64]:
        """Return the log-weight of every state of the chosen sites."""
        sites = self.sites if sites is None else sites
        neighbors = np.repeat(x[:, None], len(sites) * self.q, axis=1)
        rows = np.arange(len(sites) * self.q)
        neighbors[:, rows, np.repeat(sites, self.q)] = np.tile(np.arange(self.q), len(sites))
        values = self.function(neighbors.reshape(-1, x.shape[1]))
        return values.reshape(len(x), len(sites), self.q)

    def descend(self, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the local maxima that the configurations lead to, by steepest steps."""
        x = x.copy()
        active = np.arange(len(x))
        everywhere = np.arange(x.shape[1])
        for _ in range(10 * x.shape[1]):
            if not len(active):
                break
            weights = self.log_weights(x[active], everywhere)
            own = np.take_along_axis(weights, x[active][..., None].astype(int), axis=2)
            gain = (weights - own).reshape(len(active), -1)
            best = gain.argmax(axis=1)
            better = gain[np.arange(len(active)), best] > 1e-12
            active, best = active[better], best[better]
            x[active, best // self.q] = best % self.q
        return x

    def heat_bath(
        self, x: NDArray[np.int8], sweeps: int, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return the configurations after so many sweeps."""
        x = x.copy()
        for _ in range(sweeps):
            for i in range(x.shape[1]):
                weights = self.log_weights(x, np.array([i]))[:, 0]
                x[:, i] = np.argmax(weights + rng.gumbel(size=weights.shape), axis=1)
        return x
