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
from pymc_ebm.moves.clusters import SwendsenWang
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.moves.multi_spin import MultiSpin

PY = Mode(linker="py", optimizer="fast_compile")


@dataclass(frozen=True)
class Parameters:
    """Couplings and fields of a pairwise energy, as numbers.

    Parameters
    ----------
    graph : Graph
        Which entries interact.
    states : tuple of int
        The values of an entry.
    interaction : ndarray, shape (q, q), or None
        What couples a pair of states; None for two values, which are coded as spins.
    J : ndarray, shape () or (m,)
        Couplings.
    field : ndarray, shape (n,) or (n, q)
        Fields.
    offset : float
        Constant that the spin form leaves out of the energy.
    is_potts : bool
        Whether the states have no order.
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
        """Read them off an energy.

        Raises
        ------
        ValueError
            If the energy is not pairwise and discrete, or has symbolic parameters.
        """
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


class Replicas(Protocol):
    """Some replicas at one temperature."""

    def advance(self, sweeps: int) -> None:
        """Update all replicas."""

    def measure(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return energies and order parameters, one a replica."""

    def values(self) -> NDArray[np.int8]:
        """Return the configurations, shape (replicas, n)."""


class ReplicasInWords:
    """64 replicas in the bits of a word a site.

    Parameters
    ----------
    parameters : Parameters
        The model.
    beta : float
        Inverse temperature.
    rng : numpy.random.Generator
        Source of randomness.
    """

    def __init__(self, parameters: Parameters, beta: float, rng: np.random.Generator) -> None:
        self._parameters = parameters
        self._move = MultiSpin(parameters.graph, beta * parameters.J, rng)
        self._strength = float(np.abs(parameters.J.reshape(-1)[0]))
        self.advance = self._move.sweep

    def measure(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return energies and order parameters, one a replica."""
        satisfied, total = self._move.measure()
        mean = total / self._parameters.graph.n_vertices
        return _two_valued(self._parameters, -self._strength * satisfied, mean)

    def values(self) -> NDArray[np.int8]:
        """Return the configurations, shape (64, n)."""
        return _decoded(self._parameters, self._move.spins())


class OneReplica:
    """One replica, with heat-bath sweeps and, if wanted, a cluster update before each.

    Parameters
    ----------
    parameters : Parameters
        The model.
    beta : float
        Inverse temperature.
    clusters : bool
        Whether to make cluster updates.
    rng : numpy.random.Generator
        Source of randomness.
    """

    def __init__(
        self, parameters: Parameters, beta: float, clusters: bool, rng: np.random.Generator
    ) -> None:
        self._parameters = parameters
        graph, K, n = parameters.graph, parameters.interaction, parameters.graph.n_vertices
        if K is None:
            self._x = np.where(rng.random(n) < rng.random(), 1, -1).astype(np.int8)
        else:
            self._x = rng.choice(len(K), n, p=rng.dirichlet(np.ones(len(K)))).astype(np.int8)
        self._field = np.ascontiguousarray(beta * parameters.field)
        self._heat_bath = HeatBath(graph, beta * parameters.J, K)
        self._signs = parameters.states == (-1, 0, 1)
        q = None if K is None or self._signs else len(K)
        self._clusters = SwendsenWang(graph, beta * parameters.J, q) if clusters else None
        self._state = kernels.xoshiro.seed_state(rng)
        self._first, self._second = np.ascontiguousarray(graph.edges.T, dtype=np.int32)

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
        return _decoded(self._parameters, self._x[None])


def _two_valued(
    parameters: Parameters, energy: NDArray, mean_spin: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energy and order parameter in terms of the variable's own two values."""
    if parameters.is_potts:
        mean_spin = np.abs(mean_spin)
    elif parameters.states == (0, 1):
        mean_spin = (mean_spin + 1) / 2
    return energy + parameters.offset, mean_spin


def _decoded(parameters: Parameters, x: NDArray[np.int8]) -> NDArray[np.int8]:
    """Turn spins or state numbers into values."""
    if parameters.interaction is not None:
        return (x + parameters.states[0]).astype(np.int8)
    return ((x + 1) // 2).astype(np.int8) if parameters.states == (0, 1) else x
