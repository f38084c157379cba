"""What contrastive methods share: data pull energies down, chains push them up."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray

from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.gaussian_rbm import GaussianRBM
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.learn.chains import Chains, chains_for, why_no_chains
from pymc_ebm.learn.chains.clamped import ClampedChains
from pymc_ebm.learn.chains.layers import LayerChains, features
from pymc_ebm.learn.learned import Learned, Values
from pymc_ebm.learn.method import (
    Descent,
    GraphDescent,
    Method,
    batch_variable,
    has_hidden_units,
    known_shape,
)
from pymc_ebm.learn.rows import Rows

LAYERS = ("W", "b", "c")
HIDDEN_SWEEPS = 10  # of hidden units, given a row of data


class Contrastive(Method):
    """The gradient ``⟨∂E/∂θ⟩_data − ⟨∂E/∂θ⟩_chains``, estimated by k sweeps a step.

    `restart` tells whether chains begin at the data each time; `ladder` holds inverse temperatures.
    """

    k: int
    centered: bool
    restart = False
    draws_hidden_units = True
    ladder: Any = (1.0,)

    def obstacle(self, energy: Energy) -> str | None:
        """Ask for chains that can follow the energy."""
        return why_no_chains(energy)

    @abstractmethod
    def count(self, batch: int) -> int:
        """Return the number of chains at each temperature."""

    def descent(self, learned: Learned, rows: Rows, rng: np.random.Generator) -> Descent:
        """Start chains at rows of data."""
        betas = np.asarray(self.ladder, float)
        start = rows.take(rng.integers(0, len(rows), self.count(1) * len(betas)))
        if has_hidden_units(learned.energy):
            return HiddenDescent(self, learned, rows, start, betas, rng)
        start = start.reshape(len(betas), -1, *rows.shape[1:])
        energy = known_shape(learned.energy, rows)
        if isinstance(energy, RBM | GaussianRBM) and all(name in learned.free for name in LAYERS):
            return LayerDescent(self, learned, LayerChains(learned, start, betas))
        return ChainDescent(self, learned, rows, chains_for(energy, start, betas))


class ChainDescent(Descent):
    """Any energy: the gradient of its graph, at data and at the chains' states."""

    def __init__(self, method: Contrastive, learned: Learned, rows: Rows, chains: Chains) -> None:
        self._method, self._chains, self._rows = method, chains, rows
        negative = batch_variable(learned.energy, rows, "negative")
        energy = known_shape(learned.energy, rows)
        self._graph = GraphDescent(
            learned, rows, lambda batch: energy(batch).mean() - energy(negative).mean(), negative,
            draw=self._negative,
        )  # fmt: skip

    def _negative(self, batch: NDArray, rng: np.random.Generator) -> tuple[NDArray]:
        if self._method.restart:
            self._chains.states = batch[None].copy()
        self._chains.advance(self._method.k, rng)
        self._chains.swap(rng)
        if not self._method.restart:
            self._chains.watch()
        return (self._chains.samples.astype(self._rows.dtype),)

    def gradient(self, batch: NDArray, rng: np.random.Generator) -> tuple[float, Values]:
        """Move the chains, then evaluate."""
        return self._graph.gradient(batch, rng)

    def arrays(self) -> Values:
        """Return where the chains are."""
        return {} if self._method.restart else self._chains.arrays()

    def restore(self, arrays: Values) -> None:
        """Take it back."""
        if arrays:
            self._chains.restore(arrays)

    def health(self) -> dict[str, float]:
        """Ask the chains."""
        return self._chains.health()


class HiddenDescent(ChainDescent):
    """Hidden units are part of a configuration: they are drawn for the data, too."""

    def __init__(
        self,
        method: Contrastive,
        learned: Learned,
        rows: Rows,
        start: NDArray,
        betas: NDArray,
        rng: np.random.Generator,
    ) -> None:
        energy: Any = learned.energy
        self._method, self._rows = method, rows
        self._clamped = ClampedChains(energy, np.arange(energy.n_visible, energy.event_shape[0]))
        whole = self._clamped.draw(start, 1, rng)
        self._chains = chains_for(energy, whole.reshape(len(betas), -1, whole.shape[1]), betas)
        full = pt.matrix("full", dtype="int64")
        negative = pt.matrix("negative", dtype="int64")
        loss: Any = energy(full).mean() - energy(negative).mean()
        gradient: Any = pytensor.grad(loss, list(learned.free.values()))
        self._names = list(learned.free)
        self._evaluate: Any = pytensor.function([full, negative], gradient)

    def gradient(self, batch: NDArray, rng: np.random.Generator) -> tuple[float, Values]:
        """Draw hidden units of the data, move the chains, then evaluate."""
        full = self._clamped.draw(batch, HIDDEN_SWEEPS, rng)
        if self._method.restart:
            self._chains.states = full[None].copy()
        self._chains.advance(self._method.k, rng)
        self._chains.swap(rng)
        if not self._method.restart:
            self._chains.watch()
        found = self._evaluate(full, self._chains.samples.astype(np.int64))
        return float("nan"), dict(zip(self._names, map(np.asarray, found), strict=True))


class LayerDescent(ChainDescent):
    """An RBM: five matrix products a step, hidden units summed out at data and chains alike."""

    def __init__(self, method: Contrastive, learned: Learned, chains: LayerChains) -> None:
        self._method, self._learned, self._chains = method, learned, chains
        self._centers: tuple[NDArray, NDArray, NDArray, NDArray] | None = None

    def gradient(self, batch: NDArray, rng: np.random.Generator) -> tuple[float, Values]:
        """Return nan for the loss, which would cost as much as the step, and the gradient."""
        chains: Any = self._chains
        W, b, c, sigma = chains.parameters()
        n, m = len(batch), chains.states.shape[1]
        if self._method.restart:
            m = n
            chains.states, chains.hidden = np.array(batch[None], W.dtype), None
        chains.advance(self._method.k, rng)
        # data first, then all rungs: what is said to hidden units is one product
        rows = np.concatenate([batch, *chains.states], dtype=W.dtype)
        inputs = features(rows, sigma) @ W
        chains.finish(inputs[n:], rng)
        if not self._method.restart:
            chains.watch()
        if len(chains.betas) > 1:
            chains.swap(rng)
            rows, inputs = (np.concatenate([a[:n], a[-m:]]) for a in (rows, inputs))
        inputs += c
        hidden, pushed = logistic(inputs), features(rows, sigma)
        mean_v, mean_h = ((a[:n].mean(axis=0), a[n:].mean(axis=0)) for a in (pushed, hidden))
        gradient = {"b": mean_v[1] - mean_v[0], "c": mean_h[1] - mean_h[0]}
        if sigma is not None:
            gradient["sigma"] = sigma * (
                _slope_of_sigma(rows[:n], hidden[:n], W, b, sigma)
                - _slope_of_sigma(rows[n:], hidden[n:], W, b, sigma)
            )
        hidden[:n] *= -1.0 / n
        hidden[n:] *= 1.0 / m
        if self._method.centered:  # two more rows of the product below
            center_v, center_h = 0.5 * (mean_v[0] + mean_v[1]), 0.5 * (mean_h[0] + mean_h[1])
            pushed = np.concatenate([pushed, gradient["b"][None], center_v[None]])
            hidden = np.concatenate([hidden, -center_h[None], -gradient["c"][None]])
            self._centers = center_v, center_h, W @ center_h, center_v @ W
        gradient["W"] = pushed.T @ hidden
        return float("nan"), {name: gradient[name] for name in self._learned.free}

    def settle(self) -> None:
        """Turn biases of centred units into those of the units themselves.

        ``(v − μ)ᵀ W (h − λ) + (v − μ)ᵀ b′ + (h − λ)ᵀ c′`` has ``b = b′ − Wλ`` and ``c = c′ − Wᵀμ``:
        what W has changed is taken back from the biases, whatever the optimiser's rule.
        """
        if self._centers is None:
            return
        (mean_v, mean_h, said, heard), free = self._centers, self._learned.free
        W, b, c = (free[name].get_value(borrow=True) for name in LAYERS)
        free["b"].set_value(b - (W @ mean_h - said))
        free["c"].set_value(c - (mean_v @ W - heard))
        self._centers = None


def logistic(x: NDArray) -> NDArray:
    """Return σ(x), written over x: four times as fast as SciPy's in single precision."""
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += 1.0
    return np.reciprocal(x, out=x)


def _slope_of_sigma(v: NDArray, h: NDArray, W: NDArray, b: NDArray, sigma: NDArray) -> NDArray:
    """Return ``⟨∂E/∂σ_i⟩`` of ``(v − b)²/(2σ²) − v (Wh)/σ²``."""
    pull = v * (h @ W.T)
    return (-((v - b) ** 2) + 2.0 * pull).mean(axis=0) / sigma**3
