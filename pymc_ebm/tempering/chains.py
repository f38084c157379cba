"""Many chains at powers t between a base and a target: ``base(x) exp(−t Δ(x))``."""

from __future__ import annotations

from typing import Any

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.moves.hamiltonian import hamiltonian_move
from pymc_ebm.tempering.base_density import Base, Density


class Chains:
    """Positions `x` (C, d) with Δ there, `delta` (C,), moved by Hamiltonian trajectories.

    Before each trajectory a component k of the base is drawn afresh. In its coordinates
    y = L_k⁻¹ (x − m_k) the density is ``exp(−½ |y|² − t Δ)``, so that modes of any widths have
    steps of one size. Without a base it is ``exp(−t Δ)``, with Δ minus the target, and y = x.
    """

    def __init__(
        self,
        minus_logp: Density,
        base: Base | None,
        x: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        self._minus_logp, self._base, self._rng = minus_logp, base, rng
        self.x = x.copy()
        with np.errstate(all="ignore"):
            self._energy, self._slope = minus_logp(self.x)
        self.delta = self._energy.copy()
        if base is not None:
            terms = base.terms(self.x)
            self.delta += base.joint(base.labels(terms[0], np.zeros(len(x)), rng), *terms)[0]

    def advance(self, t: NDArray[np.float64], step: Any, steps: int) -> NDArray[np.float64]:
        """Move every chain at its t (C,), at 0 to independent draws; return acceptances (C,)."""
        base, column = self._base, t[:, None]
        if base is None:
            y, terms = self.x, None
        else:
            free = np.flatnonzero(t == 0.0)
            if free.size:
                self.x[free] = base.draw(free.size, self._rng)
                self._energy[free], self._slope[free] = self._minus_logp(self.x[free])
            terms = base.terms(self.x)
            k = base.labels(terms[0], t, self._rng)
            y = base.whiten(k, self.x)

        def state(x, y, energy, slope, terms):  # type: ignore[no-untyped-def]
            if base is None:
                return t * energy, column * slope, x, energy, slope, energy
            share, its_slope = base.joint(k, *terms)
            delta = energy + share
            pulled = base.pull(k, slope + its_slope)
            potential = t * delta + 0.5 * (y**2).sum(axis=1)
            return potential, column * pulled + y, x, energy, slope, delta

        def evaluate(y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
            x = y if base is None else base.place(k, y)
            return state(x, y, *self._minus_logp(x), None if base is None else base.terms(x))

        start = state(self.x, y, self._energy, self._slope, terms)
        _, found, chance = hamiltonian_move(y, start, step, steps, evaluate, self._rng)
        self.forces = found[1]  # by y, of the densities now
        self.x, self._energy, self._slope, self.delta = found[2:]
        return chance

    def choose(self, to: NDArray[np.int64], origin: NDArray[np.int64] | None = None) -> None:
        """Keep chains `to` in this order or, with `origin`, overwrite them by these."""
        for name in ("x", "delta", "_energy", "_slope"):
            values = getattr(self, name)
            if origin is None:
                setattr(self, name, values[to])
            else:
                values[to] = values[origin]

    def swap(self, pairs: NDArray[np.int64]) -> None:
        """Exchange chains k and k + 1, for every k given."""
        self.choose(np.concatenate([pairs, pairs + 1]), np.concatenate([pairs + 1, pairs]))
