"""Replicas of a discrete model at known parameters: what advances, measures and shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.dependence import PY
from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.frustration import find_frustration
from pymc_ebm.moves.clusters import ClusterForm, SwendsenWang, cluster_form
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.moves.multi_spin import REPLICAS, MultiSpin, fits
from pymc_ebm.states import States


@dataclass(frozen=True)
class Parameters:
    """Couplings J, () or (m,), and fields, (n,) or (n, q), of a pairwise energy, as numbers.

    `interaction`, (q, q) or (m, q, q), is what couples a pair of states; None for two values, which
    are coded as spins, `offset` being what that leaves out of the energy.
    """

    graph: Graph
    states: States
    interaction: NDArray[np.float64] | None
    J: NDArray[np.float64]
    field: NDArray[np.float64]
    offset: float

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
            parts = [form.J, form.field, form.offset]
            if form.interaction is not None:
                parts.append(pt.as_tensor(form.interaction))
            J, field, offset, *K = (np.asarray(e.eval(mode=PY), dtype=float) for e in parts)
        except Exception:
            raise ValueError(
                "simulate: the energy's parameters are symbolic. Pass numbers; use pm.sample for "
                "random parameters."
            ) from None
        graph, interaction = form.graph, K[0] if K else None
        tail = () if form.is_spin else (len(form.states),)
        if J.ndim > 1 or field.ndim > len(graph.shape) + len(tail):
            raise ValueError(
                f"simulate: couplings of shape {J.shape} and fields of shape {field.shape} "
                "describe several energies. Pass one at a time."
            )
        everywhere = np.broadcast_to(field, (*graph.shape, *tail)).reshape(-1, *tail)
        absent = form.states.absent()
        if absent is not None:
            everywhere = everywhere + absent.reshape(everywhere.shape)
        return cls(
            graph, form.states, interaction, J, np.ascontiguousarray(everywhere), float(offset)
        )

    @property
    def clusters(self) -> ClusterForm | None:
        """Which clusters fit what couples the states, if any do; None for spins, too."""
        return None if self.interaction is None else cluster_form(self.interaction)

    @property
    def symmetric(self) -> bool:
        """Whether a flip of all signs leaves the energy alone."""
        if self.interaction is None:
            return not np.any(self.field)
        form = self.clusters
        flips = form is not None and form.kind == "spins"
        return flips and np.array_equal(self.field, self.field[:, ::-1])

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
        J, form = self.J, self.clusters
        if self.interaction is not None:
            if form is None:
                return "the states interact in a way of their own"
            J = form.scale * J
            if form.kind == "potts":
                return None if J.min() >= 0 else "some of the states repel each other"
        elif self.states.kind == "labels" and J.min() < 0:
            return "some of the states repel each other"
        if not find_frustration(self.graph, J).cycle:
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
            states = self._parameters.states.encode(states)[np.arange(REPLICAS) % len(states)]
        self._move.start(self._rng, states)

    def measure(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return energies and order parameters, shape (64,) each."""
        satisfied, total = self._move.measure()
        mean = total / self._parameters.graph.n_vertices
        return _two_valued(self._parameters, -self._strength * satisfied, mean)

    def values(self) -> NDArray[np.int8]:
        """Return the configurations, shape (64, n)."""
        return self._parameters.states.decode(self._move.spins()).astype(np.int8)


class OneReplica:
    """One replica, at first at β = 1; with `clusters`, a cluster update before each sweep."""

    def __init__(self, parameters: Parameters, clusters: bool, rng: np.random.Generator) -> None:
        self._parameters, self._rng = parameters, rng
        graph, K = parameters.graph, parameters.interaction
        self._x = np.empty(graph.n_vertices, np.int8)
        self._heat_bath = HeatBath(graph, parameters.J, K)
        self._form = parameters.clusters
        self._scale, q = (1.0, None) if self._form is None else (self._form.scale, self._form.q)
        self._clusters = None
        if clusters:
            self._clusters = SwendsenWang(graph, self._scale * parameters.J, q)
        self._state = kernels.xoshiro.seed_state(rng)
        self._first, self._second = np.ascontiguousarray(graph.edges.T, dtype=np.int32)
        self.set_beta(1.0)
        self.start(None)

    def set_beta(self, beta: float) -> None:
        """Change the inverse temperature."""
        self._field = np.ascontiguousarray(beta * self._parameters.field)
        self._heat_bath.set_coupling(beta * self._parameters.J)
        if self._clusters is not None:
            self._clusters.set_coupling(self._scale * beta * self._parameters.J)

    def start(self, states: NDArray[np.int8] | None) -> None:
        """Begin anew."""
        rng, n, q = self._rng, self._x.size, len(self._parameters.states)
        if states is not None:
            self._x[:] = self._parameters.states.encode(states)[0]
        elif self._parameters.interaction is None:
            self._x[:] = np.where(rng.random(n) < rng.random(), 1, -1)
        elif self._parameters.states.counts is not None:
            self._x[:] = self._parameters.states.random(rng, self._parameters.graph.shape).reshape(
                -1
            )
        else:
            self._x[:] = rng.choice(q, n, p=rng.dirichlet(np.ones(q)))

    def advance(self, sweeps: int) -> None:
        """Update the replica."""
        if self._clusters is None:
            self._heat_bath.sweep(self._x, self._field, sweeps, self._state)
            return
        for _ in range(sweeps):
            if self._form is not None and self._form.kind == "spins":
                spins, felt = self._form.as_spins(self._x, self._field)
                self._clusters.sweep(spins, felt, 1, self._state)
                self._x[:] = self._form.turned(self._x, spins)
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
        order = p.states.order(p.states.decode(x)[None])
        return np.array([-log_weight]), np.array([order])

    def values(self) -> NDArray[np.int8]:
        """Return the configuration, shape (1, n)."""
        return self._parameters.states.decode(self._x[None]).astype(np.int8)


def _two_valued(
    parameters: Parameters, energy: NDArray, mean_spin: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energy and order parameter in terms of the variable's own two values."""
    low, high = parameters.states
    if parameters.states.kind == "labels":
        return energy + parameters.offset, np.abs(mean_spin)
    return energy + parameters.offset, 0.5 * (low + high) + 0.5 * (high - low) * mean_spin
