"""What contrastive methods share: data pull energies down, chains push them up."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.gaussian_rbm import GaussianRBM
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.learn.chain_descent import ChainDescent
from pymc_ebm.learn.chains import chains_for, why_no_chains
from pymc_ebm.learn.chains.layers import LayerChains
from pymc_ebm.learn.hidden_descent import HiddenDescent
from pymc_ebm.learn.layer_descent import LAYERS, LayerDescent
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.method import Descent, Method, has_hidden_units, known_shape
from pymc_ebm.learn.rows import Rows


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
            return HiddenDescent(self.restart, self.k, learned, start, betas, rng)
        start = start.reshape(len(betas), -1, *rows.shape[1:])
        energy = known_shape(learned.energy, rows)
        numbers = set(LAYERS) <= learned.plain == set(learned.free)
        if isinstance(energy, RBM | GaussianRBM) and numbers:
            layers = LayerChains(learned, start, betas)
            return LayerDescent(self.restart, self.k, self.centered, learned, layers)
        chains = chains_for(energy, start, betas, rng)
        return ChainDescent(self.restart, self.k, learned, rows, chains)
