"""Short runs that fit a base density and a temperature schedule: replica exchange with HMC."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.step_methods.ladder import equally_rejected
from pymc_ebm.tempering.base_density import Base, Density
from pymc_ebm.tempering.chains import Chains
from pymc_ebm.tempering.modes import find_modes

LEAPFROGS = 10  # of a trajectory, at most
TARGET_ACCEPTANCE = 0.8
FIRST_RUNGS = 12  # of a ladder, before it is spaced afresh
LOWEST_POWER = 0.02  # of a density, where the first pilot starts
FORGET = 0.7  # power of the round number by which corrections of the step size shrink


class Path:
    """Replicas on a ladder (R,) of powers between a base and a target, which swap neighbours.

    After a run: `differences` (draws, R), the Δ along it; `draws` (draws, R, d), the replicas; and
    `rejection` (R - 1,), how probably a swap of neighbours was rejected.
    """

    def __init__(
        self,
        minus_logp: Density,
        base: Base | None,
        ladder: NDArray[np.float64],
        start: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        self._chains = Chains(minus_logp, base, start, rng)
        self.ladder, self._rng = ladder, rng
        self._scale = np.ones_like(start)
        self._restart()

    def _restart(self) -> None:
        self._step = np.full(len(self.ladder), 0.5 / self._scale.shape[1] ** 0.25)
        self._updates = 0

    def run(self, sweeps: int, advance: Callable[[], None] = lambda: None) -> None:
        """Move all replicas and swap neighbours, so many times; call `advance` after each."""
        chains, (rungs, d) = self._chains, self._scale.shape
        self.differences, self.draws = np.empty((sweeps, rungs)), np.empty((sweeps, rungs, d))
        rejected, forces = np.zeros((rungs - 1, 2)), np.zeros((rungs, d))
        for sweep in range(sweeps):
            self._updates += 1
            step = (self._step * self._rng.uniform(0.8, 1.2, rungs))[:, None] * self._scale
            leapfrogs = int(self._rng.integers(1, LEAPFROGS + 1))
            chance = chains.advance(self.ladder, step, leapfrogs)
            self._step *= np.exp(2 / self._updates**FORGET * (chance - TARGET_ACCEPTANCE))
            forces += chains.forces**2
            accept = np.exp(np.minimum(0.0, np.diff(self.ladder) * np.diff(chains.delta)))
            swaps = np.arange(sweep % 2, rungs - 1, 2)
            rejected[swaps] += np.column_stack([1 - accept[swaps], np.ones(swaps.size)])
            chains.swap(swaps[self._rng.random(swaps.size) < accept[swaps]])
            self.differences[sweep], self.draws[sweep] = chains.delta, chains.x
            advance()
        self.rejection = rejected[:, 0] / np.maximum(rejected[:, 1], 1)
        self._forces = forces / sweeps

    def adapt(self, rounds: Sequence[int], advance: Callable[[], None] = lambda: None) -> None:
        """Run so many times of these lengths, and space the ladder afresh between runs."""
        for length in rounds[:-1]:
            self.run(length, advance)
            self.respace()
        self.run(rounds[-1], advance)

    def respace(self) -> None:
        """Space the ladder for equal rejection, and scale moves by the forces of the last run.

        In equilibrium ``E[(∂_i U)²] = E[∂_i² U]``, the curvature within modes, however far apart
        these are.
        """
        old = self.ladder
        self.ladder = equally_rejected(old, self.rejection)
        nearest = np.abs(self.ladder[:, None] - old).argmin(axis=1)
        floor = 1e-6 * self._forces.max(axis=1, keepdims=True) + 1e-300
        self._scale = (1 / np.sqrt(np.maximum(self._forces, floor)))[nearest]
        self._chains.choose(nearest)
        self._restart()


def pilot_base(
    minus_logp: Density,
    start: NDArray[np.float64],
    rounds: Sequence[int],
    rng: np.random.Generator,
    advance: Callable[[], None] = lambda: None,
    *,
    modes: bool = True,
) -> Base:
    """Fit a base: a normal to draws from replica exchange among a density's powers, and its modes.

    `minus_logp` maps (n, d) to values and gradients; replicas start near `start`, shape (d,).
    """
    powers = np.geomspace(LOWEST_POWER, 1.0, FIRST_RUNGS)
    dispersed = start + rng.uniform(-1, 1, (len(powers), start.size))
    path = Path(minus_logp, None, powers, dispersed, rng)
    path.adapt(rounds, advance)
    late = path.draws[len(path.draws) // 4 :]
    if not np.isfinite(late[:, -1]).all() or np.ptp(late[:, -1]) == 0:
        raise ValueError("The pilot run did not move: the density may be too steep at the start.")
    broad = Base.of(late[:, -1])
    if not modes:
        return broad
    return find_modes(minus_logp, broad, late.reshape(-1, start.size), late[:, -1], rng)
