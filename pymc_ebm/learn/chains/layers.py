"""Block Gibbs chains of a restricted Boltzmann machine, many at once, as matrix products."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.learn.chains.chains import Chains
from pymc_ebm.learn.learned import Learned, Values


class LayerChains(Chains):
    """All visible units given the hidden ones, all hidden units given the visible ones.

    Rung r scales the energy of both layers together by ``betas[r]``. Hidden units are part of the
    state, drawn at the end of a sweep under the parameters of that moment.
    """

    def __init__(self, learned: Learned, states: NDArray, betas: NDArray[np.float64]) -> None:
        W = learned.free["W"]
        super().__init__(states.astype(W.dtype), betas)
        self._learned = learned
        self._real = learned.energy.states is None
        self.hidden: NDArray | None = None

    def parameters(self) -> tuple[NDArray, NDArray, NDArray, NDArray | None]:
        """Return W, b, c, and σ of real units."""
        W, b, c = (self._learned.free[name].get_value(borrow=True) for name in ("W", "b", "c"))
        if not self._real:
            return W, b, c, None
        return W, b, c, self._learned.number("sigma").astype(W.dtype)

    def begin(self, states: NDArray, rng: np.random.Generator) -> None:
        """Forget the hidden units, too."""
        super().begin(states.astype(self.states.dtype), rng)
        self.hidden = None

    def advance(self, sweeps: int, rng: np.random.Generator) -> None:
        """Sweep, and leave hidden units that go with the visible ones."""
        W, b, c, sigma = self.parameters()
        rungs, chains, n = self.states.shape
        random = generators(rng, rungs * chains)
        visible = np.ascontiguousarray(self.states.reshape(-1, n))
        if self.hidden is None:
            self.hidden = np.empty((rungs * chains, c.size), W.dtype)
            self._draw(features(visible, sigma) @ W, c, random, self.hidden)
        for k in range(sweeps):
            if k:
                self._draw(features(visible, sigma) @ W, c, random, self.hidden)
            self._draw_visible(visible, W, b, sigma, random, rng)
        self.states = visible.reshape(self.states.shape)

    def _draw(self, inputs: NDArray, bias: NDArray, random: NDArray, units: NDArray) -> None:
        """Draw units with log-odds ``β (bias + inputs)``, rung by rung."""
        chains = self.states.shape[1]
        for r, beta in enumerate(self.betas):
            rung = slice(r * chains, (r + 1) * chains)
            scale, scaled = np.full(chains, beta), (beta * bias).astype(bias.dtype)
            kernels.bernoulli.draw_units(inputs[rung], scaled, scale, random[rung], units[rung])

    def _draw_visible(self, visible, W, b, sigma, random, rng) -> None:
        assert self.hidden is not None
        inputs = self.hidden @ W.T
        if sigma is None:
            self._draw(inputs, b, random, visible)
            return
        noise = rng.standard_normal(inputs.shape, dtype=inputs.dtype)
        width = np.repeat(1.0 / np.sqrt(self.betas), self.states.shape[1])[:, None]
        np.add(b + inputs, width.astype(inputs.dtype) * sigma * noise, out=visible)

    def finish(self, inputs: NDArray, rng: np.random.Generator) -> None:
        """Draw hidden units, given what visible ones say to them, shape (R C, nh)."""
        assert self.hidden is not None
        self._draw(inputs, self.parameters()[2], generators(rng, len(inputs)), self.hidden)

    def energies(self) -> NDArray[np.float64]:
        """Return the energy of both layers, as hidden units are."""
        W, b, c, sigma = self.parameters()
        rungs, chains, n = self.states.shape
        assert self.hidden is not None
        v, h = self.states.reshape(-1, n), self.hidden
        alone = -(v @ b) if sigma is None else 0.5 * (((v - b) / sigma) ** 2).sum(axis=1)
        energy = alone - ((features(v, sigma) @ W) * h).sum(axis=1) - h @ c
        return energy.reshape(rungs, chains).astype(float)

    def permute(self, order: NDArray[np.int64]) -> None:
        """Move hidden units with the visible ones."""
        super().permute(order)
        assert self.hidden is not None
        hidden = self.hidden.reshape(*order.shape, -1)
        moved = hidden[order, np.arange(order.shape[1])]
        self.hidden = np.ascontiguousarray(moved.reshape(self.hidden.shape))

    def arrays(self) -> Values:
        """Return hidden units, too."""
        found = super().arrays()
        return found if self.hidden is None else {**found, "hidden": self.hidden}

    def restore(self, arrays: Values) -> None:
        """Take it back."""
        super().restore(arrays)
        if "hidden" in arrays:
            self.hidden = np.array(arrays["hidden"], self.states.dtype)


def features(visible: NDArray, sigma: NDArray | None) -> NDArray:
    """Return what weights are multiplied by: v, or ``v / σ²`` of real units."""
    return visible if sigma is None else visible / sigma**2


def generators(rng: np.random.Generator, chains: int) -> NDArray[np.uint64]:
    """Return a generator state a chain, shape (chains, 4)."""
    return rng.integers(1, 2**64, (chains, 4), dtype=np.uint64)
