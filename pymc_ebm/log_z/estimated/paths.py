"""From a known density to an unknown one: what annealing, integration and exchange walk on.

A path has M chains, each at a position t between 0 (the base, drawn exactly) and 1 (the target).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.compile.mode import Mode
from scipy.special import logsumexp

from pymc_ebm import kernels
from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.log_z.exact.problem import Problem, known_value
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.tempering.chains import Chains
from pymc_ebm.tempering.pilot import pilot_base
from pymc_ebm.variables.confinement import _flat_direction

PY = Mode(linker="py", optimizer="fast_compile")
LEAPFROGS = 8
TARGET_ACCEPTANCE = 0.8
STEP_SIZES = np.linspace(0.0, 1.0, 11)  # t, between which step sizes are interpolated
PILOT_ROUNDS = (50, 100, 200, 400)
MOST_MOVES = 512  # of one temperature each, kept between calls


class AnnealingPath(Protocol):
    """Many chains on a path of densities; `log_z_base` is that of the density at t = 0."""

    log_z_base: float

    def start(self, chains: int, rng: np.random.Generator) -> None:
        """Draw chains exactly from the base."""

    def change(self, before: NDArray, after: NDArray) -> NDArray[np.float64]:
        """Return ``log p_after(x) − log p_before(x)``, unnormalised, of every chain."""

    def advance(self, t: NDArray) -> None:
        """Move every chain so that its ``p_t`` is kept."""

    def swap(self, pairs: NDArray[np.int64]) -> None:
        """Exchange the configurations of chains k and k + 1, for every k given."""


class PairwisePath:
    """Discrete pairwise energies: fields first, couplings grow with t; heat-bath sweeps."""

    def __init__(self, problem: Problem) -> None:
        coupling, field, offset = (
            np.asarray(v.eval(mode=PY), float)
            for v in (problem.coupling(), problem.field(), problem.offset())
        )
        self._coupling, self._graph = coupling, problem.graph
        self._field = np.ascontiguousarray(field)
        self._interaction = problem.known_interaction
        self._table = np.column_stack([-field, field]) if self._interaction is None else field
        self.log_z_base = float(logsumexp(self._table, axis=1).sum() + offset)
        self._first, self._second = self._graph.edges.T
        self._moves: dict[float, HeatBath] = {}

    def start(self, chains: int, rng: np.random.Generator) -> None:
        """Draw independent entries."""
        noise = rng.gumbel(size=(chains, *self._table.shape))
        x = np.argmax(self._table + noise, axis=-1).astype(np.int8)
        self._x = (2 * x - 1).astype(np.int8) if self._interaction is None else x
        self._states = [kernels.xoshiro.seed_state(rng) for _ in range(chains)]

    def change(self, before: NDArray, after: NDArray) -> NDArray[np.float64]:
        """Return the couplings' share, which is linear in t."""
        x = self._x
        if self._interaction is None:
            pairs = (x[:, self._first] * x[:, self._second]).astype(float) @ self._coupling
        else:
            K = np.broadcast_to(
                self._interaction, (self._first.size, *self._interaction.shape[-2:])
            )
            edges = np.arange(self._first.size)
            pairs = K[edges, x[:, self._first], x[:, self._second]] @ self._coupling
        return (after - before) * pairs

    def advance(self, t: NDArray) -> None:
        """Sweep every chain once."""
        for row, at, state in zip(self._x, t.tolist(), self._states, strict=True):
            move = self._moves.get(at)
            if move is None:
                if len(self._moves) >= MOST_MOVES:
                    self._moves.clear()
                move = HeatBath(self._graph, at * self._coupling, self._interaction)
                self._moves[at] = move
            move.sweep(row, self._field, 1, state)

    def swap(self, pairs: NDArray[np.int64]) -> None:
        """Exchange neighbours."""
        self._x[np.concatenate([pairs, pairs + 1])] = self._x[np.concatenate([pairs + 1, pairs])]


class LayersPath:
    """A restricted Boltzmann machine whose weights grow with t; both layers drawn in turn.

    Salakhutdinov, R. and Murray, I. (2008). On the quantitative analysis of deep belief networks.
    ICML 25.
    """

    def __init__(self, energy: RBM) -> None:
        W, b, c = (known_value(energy.parameters[name]) for name in ("W", "b", "c"))
        assert W is not None
        assert b is not None
        assert c is not None
        self.log_z_base = float(np.logaddexp(0.0, b).sum() + np.logaddexp(0.0, c).sum())
        self._W, self._b, self._c = (np.ascontiguousarray(v, np.float32) for v in (W, b, c))
        self._transposed = np.ascontiguousarray(self._W.T)

    def start(self, chains: int, rng: np.random.Generator) -> None:
        """Draw independent visible units."""
        self._states = rng.integers(1, 2**64, size=(chains, 4), dtype=np.uint64)
        self._v = np.empty((chains, self._b.size), np.float32)
        self._h = np.empty((chains, self._c.size), np.float32)
        nothing, zero = np.zeros_like(self._v), np.zeros(chains, np.float32)
        kernels.bernoulli.draw_units(nothing, self._b, zero, self._states, self._v)
        self._inputs = self._v @ self._W

    def change(self, before: NDArray, after: NDArray) -> NDArray[np.float64]:
        """Return the change of ``Σ_j log(1 + e^{c_j + t x_j})``."""
        return kernels.annealed_layers.softplus_change(self._inputs, self._c, before, after)

    def advance(self, t: NDArray) -> None:
        """Draw the hidden units, then the visible ones."""
        scale = t.astype(np.float32)
        draw = kernels.bernoulli.draw_units
        draw(self._inputs, self._c, scale, self._states, self._h)
        draw(self._h @ self._transposed, self._b, scale, self._states, self._v)
        self._inputs = self._v @ self._W

    def swap(self, pairs: NDArray[np.int64]) -> None:
        """Exchange neighbours."""
        to, origin = np.concatenate([pairs, pairs + 1]), np.concatenate([pairs + 1, pairs])
        self._v[to], self._inputs[to] = self._v[origin], self._inputs[origin]


class RealPath:
    """A real energy from a normal, or from one normal a mode; HMC for all chains at once."""

    log_z_base = 0.0  # the base is normalised

    def __init__(self, energy: Energy, beta: float, base: str, rng: np.random.Generator) -> None:
        shape = energy.event_shape
        assert shape is not None
        d = int(np.prod(shape))
        flat = pt.matrix("x", dtype="float64")
        U = beta * energy(flat.reshape((flat.shape[0], *shape)))
        self._minus_logp = pytensor.function([flat], [U, pt.grad(U.sum(), flat)])  # type: ignore[list-item]
        self._minus_logp.trust_input = True
        with np.errstate(all="ignore"):
            open_end = _flat_direction(lambda x: self._minus_logp(x[None])[0], np.zeros(d), 1.0)
        if open_end is not None:
            raise ValueError(
                "estimate_log_partition: the energy does not grow along the direction "
                f"{np.array2string(open_end, precision=2, threshold=8)}, so Z is infinite. Add a "
                "confining term, e.g. `+ ebm.energies.Gaussian(scale=10.0)`."
            )
        modes = base == "modes"
        self._base = pilot_base(self._minus_logp, np.zeros(d), PILOT_ROUNDS, rng, modes=modes)
        self._steps = np.full(STEP_SIZES.size, 0.5 / d**0.25)

    def tune(self, chains: int, rng: np.random.Generator, rounds: int = 30) -> None:
        """Find step sizes along the path; they must not change while weights are collected."""
        self.start(chains, rng)
        for k, t in enumerate(STEP_SIZES):
            for update in range(rounds):
                self.advance(np.full(chains, t))
                change = (self.acceptance - TARGET_ACCEPTANCE) / (1 + update) ** 0.6
                self._steps[k:] *= np.exp(change)

    def start(self, chains: int, rng: np.random.Generator) -> None:
        """Draw from the base."""
        self._rng = rng
        self._chains = Chains(self._minus_logp, self._base, self._base.draw(chains, rng), rng)

    def change(self, before: NDArray, after: NDArray) -> NDArray[np.float64]:
        """Return the difference's share, which is linear in t."""
        return -(after - before) * self._chains.delta

    def advance(self, t: NDArray) -> None:
        """Make one trajectory a chain."""
        step = np.interp(t, STEP_SIZES, self._steps) * self._rng.uniform(0.8, 1.2, size=t.size)
        leapfrogs = int(self._rng.integers(1, LEAPFROGS + 1))
        chance = self._chains.advance(t, step[:, None], leapfrogs)
        self.acceptance = float(chance.mean())

    def swap(self, pairs: NDArray[np.int64]) -> None:
        """Exchange neighbours."""
        self._chains.swap(pairs)
