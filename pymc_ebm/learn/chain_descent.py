"""Gradients from chains: the energy at data against the energy where chains are."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.learn.chains import Chains
from pymc_ebm.learn.learned import Learned, Values
from pymc_ebm.learn.method import Descent, GraphDescent, batch_variable, known_shape
from pymc_ebm.learn.rows import Rows


class ChainDescent(Descent):
    """Any energy: the gradient of its graph, at data and at the chains' states."""

    def __init__(self, restart: bool, k: int, learned: Learned, rows: Rows, chains: Chains) -> None:
        self._restart, self._k = restart, k
        self._chains, self._rows = chains, rows
        negative = batch_variable(learned.energy, rows, "negative")
        energy = known_shape(learned.energy, rows)
        self._graph = GraphDescent(
            learned, rows, lambda batch: energy(batch).mean() - energy(negative).mean(), negative,
            draw=self._negative,
        )  # fmt: skip

    def _negative(self, batch: NDArray, rng: np.random.Generator) -> tuple[NDArray]:
        return (self._moved(batch, rng).astype(self._rows.dtype),)

    def _moved(self, batch: NDArray, rng: np.random.Generator) -> NDArray:
        """Advance the chains, from the batch if they begin anew; return those at β = 1."""
        if self._restart:
            self._chains.begin(batch[None], rng)
        self._chains.advance(self._k, rng)
        self._chains.swap(rng)
        if not self._restart:
            self._chains.watch()
        return self._chains.samples

    def gradient(self, batch: NDArray, rng: np.random.Generator) -> tuple[float, Values]:
        """Move the chains, then evaluate."""
        return self._graph.gradient(batch, rng)

    def arrays(self) -> Values:
        """Return where the chains are."""
        return self._chains.arrays()

    def restore(self, arrays: Values) -> None:
        """Take it back."""
        self._chains.restore(arrays)

    def health(self) -> dict[str, float]:
        """Ask the chains."""
        return self._chains.health()
