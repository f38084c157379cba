"""Ratio matching: each value against those that the entry does not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.method import Descent, GraphDescent, Method, known_shape, needs_discrete
from pymc_ebm.learn.rows import Rows
from pymc_ebm.log_z.pseudo_likelihood import energies_of_changes


@dataclass(frozen=True)
class RatioMatching(Method):
    """Minimise ``⟨Σ_i Σ_{a ≠ x_i} σ(E(x) − E(x with x_i → a))²⟩_data`` of discrete values.

    Ratios of probabilities of neighbouring configurations need no log Z. For two values the terms
    are ``(1 − p(x_i | x_{−i}))²``.

    References
    ----------
    Hyvärinen, A. (2007). Some extensions of score matching. Computational Statistics & Data
    Analysis 51, 2499-2512.
    Lyu, S. (2009). Interpretation and generalization of score matching. UAI.
    """

    def obstacle(self, energy: Energy) -> str | None:
        """Ask for discrete values."""
        return needs_discrete(energy)

    def descent(self, learned: Learned, rows: Rows, rng: np.random.Generator) -> Descent:
        """Differentiate the mean sum of squares."""
        energy = known_shape(learned.energy, rows)
        return GraphDescent(learned, rows, lambda batch: _ratios(energy, batch).mean())


def _ratios(energy: Energy, x: TensorVariable) -> TensorVariable:
    """Return the sum of squares of every row."""
    changed, absent = energies_of_changes(energy, x)  # (n, q, rows)
    states: Any = energy.states
    n = int(np.prod(energy.event_shape))  # type: ignore[arg-type]
    flat = x.reshape((x.shape[0], n)).T
    other = pt.neq(flat[:, None, :], pt.constant(states.values[:, None]))
    if absent is not None:
        other = other & pt.constant(np.isfinite(absent))
    ratio = pt.sigmoid(energy(x) - changed)
    return pt.switch(other, ratio**2, 0.0).sum(axis=(0, 1))
