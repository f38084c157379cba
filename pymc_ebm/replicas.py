"""Replicas of a discrete model at known parameters: what advances, measures and shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from numpy.typing import NDArray
from pytensor.compile.mode import Mode

from pymc_ebm import kernels
from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.frustration import find_frustration
from pymc_ebm.moves.clusters import SwendsenWang
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.moves.multi_spin import REPLICAS, MultiSpin, fits

PY = Mode(linker="py", optimizer="fast_compile")


@dataclass(frozen=True)
class Parameters:
    """Couplings J, () or (m,), and fields, (n,) or (n, q), of a pairwise energy, as numbers.

    `interaction` (q, q) is what couples a pair of states; None for two values, which are coded as
    spins, `offset` being what that leaves out of the energy. `is_potts`: the states have no order.
    """

    graph: Graph
    states: tuple[int, ...]
    interaction: NDArray[np.float64] | None
    J: NDArray[np.float64]
    field: NDArray[np.float64]
    offset: float
    is_potts: bool

    @classmethod
    def of(cls, energy: Energy) -> Parameters:
        """Read them off an energy that is pairwise, discrete, and has no random parameters."""
        form = Coded.of(energy) if isinstance(energy, Energy) else None
        if form is None:
            raise ValueError(
                f"simulate: {type(energy).__name__} is no pairwise discrete energy. Use pm.sample, "
                "which has samplers for the others."
            )
        try:
            J, field, offset = (
                np.asarray(e.eval(mode=PY), dtype=float) for e in (form.J, form.field, form.offset)
            )
        except Exception:
            raise ValueError(
                "simulate: the energy's parameters are symbolic. Pass numbers; use pm.sample for "
                "random parameters."
            ) from None
        graph, interaction = form.graph, form.interaction
        tail = () if interaction is None else (len(interaction),)
        if J.ndim > 1 or field.ndim > len(graph.shape) + len(tail):
            raise ValueError(
                f"simulate: couplings of shape {J.shape} and fields of shape {field.shape} "
                "describe several energies. Pass one at a time."
            )
        everywhere = np.broadcast_to(field, (*graph.shape, *tail))
        states = energy.states or ()
        return cls(
            graph,
            states,
            interaction,
            J,
            np.ascontiguousarray(everywhere).reshape(-1, *tail),
            float(offset),
            energy.support == "categorical",
        )

    def code(self, values: NDArray) -> NDArray[np.int8]:
        """Turn values, any shape, into spins or state numbers."""
        if self.interaction is not None:
            return (values - self.states[0]).astype(np.int8)
        return (2 * values - 1 if self.states == (0, 1) else values).astype(np.int8)

    def decode(self, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """Turn spins or state numbers, any shape, into values."""
        if self.interaction is not None:
            return (x + self.states[0]).astype(np.int8)
        return ((x + 1) // 2).astype(np.int8) if self.states == (0, 1) else x

    @property
    def symmetric(self) -> bool:
        """Whether a flip of all signs leaves the energy alone."""
        if self.interaction is None:
            return not np.any(self.field)
        return self.states == (-1, 0, 1) and np.array_equal(self.field[:, 0], self.field[:, 2])

    def why_no_words(self) -> str | None:
        """Say why 64 replicas do not fit into words; None if they do."""
        if self.interaction is not None:
            return "entries have more than two values"
        if np.any(self.field):
            return "there is a field"
        if self.graph.n_edges == 0 or not np.any(self.J):
            return "there are no couplings"
        if not fits(self.graph, self.J):
            return "strengths or numbers of neighbours differ, or are not four or six"
        return None

    def why_no_clusters(self) -> str | None:
        """Say why cluster updates would not help; None if they would."""
        if self.graph.n_edges == 0 or not np.any(self.J):
            return "there are no couplings"
        K, values = self.interaction, np.array(self.states)
        if self.is_potts and (
            self.J.min() < 0 or not (K is None or np.array_equal(K, np.eye(len(K))))
        ):
            return "some of the states repel each other"
        if not self.is_potts and K is not None and not np.array_equal(K, np.outer(values, values)):
            return "the states interact in a way of their own"
        if self.is_potts or not find_frustration(self.graph, self.J).cycle:
            return None
        return "the couplings are frustrated"


class Replicas(Protocol):
    """Some replicas at one temperature."""

    def set_beta(self, beta: float) -> None:
        """Change the inverse temperature."""

    def start(self, states: NDArray[np.int8] | None) -> None:
        """Begin anew from values (replicas, n), or from a random magnetisation each."""

    def advance(self, sweeps: int) -> None:
        """Update all replicas."""

    def measure(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return energies and order parameters, one a replica."""

    def values(self) -> NDArray[np.int8]:
        """Return the configurations, shape (replicas, n)."""


class ReplicasInWords:
    """64 replicas in the bits of a word a site; no field, one strength of the couplings."""

    def __init__(self, parameters: Parameters, rng: np.random.Generator) -> None:
        self._parameters, self._rng = parameters, rng
        self._move = MultiSpin(parameters.graph, parameters.J, rng)
        self._strength = float(np.abs(parameters.J.reshape(-1)[0]))
        self.advance = self._move.sweep

    def set_beta(self, beta: float) -> None:
        """Change the inverse temperature."""
        self._move.set_strength(beta * self._strength)

    def start(self, states: NDArray[np.int8] | None) -> None:
        """Begin anew; fewer than 64 configurations are repeated."""
        if states is not None:
            states = self._parameters.code(states)[np.arange(REPLICAS) % len(states)]
        self._move.start(self._rng, states)

    def measure(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return energies and order parameters, shape (64,) each."""
        satisfied, total = self._move.measure()
        mean = total / self._parameters.graph.n_vertices
        return _two_valued(self._parameters, -self._strength * satisfied, mean)

    def values(self) -> NDArray[np.int8]:
        """Return the configurations, shape (64, n)."""
        return self._parameters.decode(self._move.spins())


class OneReplica:
    """One replica, at first at β = 1; with `clusters`, a cluster update before each sweep."""

    def __init__(self, parameters: Parameters, clusters: bool, rng: np.random.Generator) -> None:
        self._parameters, self._rng = parameters, rng
        graph, K = parameters.graph, parameters.interaction
        self._x = np.empty(graph.n_vertices, np.int8)
        self._heat_bath = HeatBath(graph, parameters.J, K)
        self._signs = parameters.states == (-1, 0, 1)
        q = None if K is None or self._signs else len(K)
        self._clusters = SwendsenWang(graph, parameters.J, q) if clusters else None
        self._state = kernels.xoshiro.seed_state(rng)
        self._first, self._second = np.ascontiguousarray(graph.edges.T, dtype=np.int32)
        self.set_beta(1.0)
        self.start(None)

    def set_beta(self, beta: float) -> None:
        """Change the inverse temperature."""
        self._field = np.ascontiguousarray(beta * self._parameters.field)
        self._heat_bath.set_coupling(beta * self._parameters.J)
        if self._clusters is not None:
            self._clusters.set_coupling(beta * self._parameters.J)

    def start(self, states: NDArray[np.int8] | None) -> None:
        """Begin anew."""
        rng, n, K = self._rng, self._x.size, self._parameters.interaction
        if states is not None:
            self._x[:] = self._parameters.code(states)[0]
        elif K is None:
            self._x[:] = np.where(rng.random(n) < rng.random(), 1, -1)
        else:
            self._x[:] = rng.choice(len(K), n, p=rng.dirichlet(np.ones(len(K))))

    def advance(self, sweeps: int) -> None:
        """Update the replica."""
        if self._clusters is None:
            self._heat_bath.sweep(self._x, self._field, sweeps, self._state)
            return
        for _ in range(sweeps):
            if self._signs:  # absent spins belong to no cluster
                spins = (self._x - 1).astype(np.int8)
                odd = np.ascontiguousarray(0.5 * (self._field[:, 2] - self._field[:, 0]))
                self._clusters.sweep(spins, odd, 1, self._state)
                self._x[:] = spins + 1
            else:
                self._clusters.sweep(self._x, self._field, 1, self._state)
            self._heat_bath.sweep(self._x, self._field, 1, self._state)

    def measure(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return energy and order parameter, shape (1,) each."""
        p, x = self._parameters, self._x
        if p.interaction is None:
            energy, mean = kernels.ising_energy.ising_energy(
                x, self._first, self._second, p.J.reshape(-1), p.field
            )
            return _two_valued(p, np.array([energy]), np.array([mean]))
        per_edge = np.broadcast_to(p.J, (p.graph.n_edges,))
        log_weight = kernels.log_weight.states_log_weight(
            x, self._first, self._second, per_edge, p.interaction, p.field
        )
        if p.is_potts:
            q = len(p.states)
            order = (q * np.bincount(x, minlength=q).max() / x.size - 1) / (q - 1)
        else:
            order = x.mean(dtype=float) + p.states[0]
        return np.array([-log_weight]), np.array([order])

    def values(self) -> NDArray[np.int8]:
        """Return the configuration, shape (1, n)."""
        return self._parameters.decode(self._x[None])


def _two_valued(
    parameters: Parameters, energy: NDArray, mean_spin: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energy and order parameter in terms of the variable's own two values."""
    if parameters.is_potts:
        mean_spin = np.abs(mean_spin)
    elif parameters.states == (0, 1):
        mean_spin = (mean_spin + 1) / 2
    return energy + parameters.offset, mean_spin
