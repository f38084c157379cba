"""Score matching: the slope of the log-density, fitted without log Z."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.counts import settle_counts
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.method import Descent, GraphDescent, Method, batch_variable, needs_real
from pymc_ebm.learn.rows import Rows


@dataclass(frozen=True)
class ScoreMatching(Method):
    """Minimise ``⟨½ |∇E|² − ∇·∇E⟩_data`` of real values, Fisher's divergence but for a constant.

    Parameters
    ----------
    slices : int, optional
        Estimate the trace ``∇·∇E`` by so many random directions; by default it is exact, at the
        price of one more derivative a dimension.

    References
    ----------
    Hyvärinen, A. (2005). Estimation of non-normalized statistical models by score matching.
    Journal of Machine Learning Research 6, 695-709.
    Song, Y., Garg, S., Shi, J. and Ermon, S. (2019). Sliced score matching. UAI.
    """

    slices: int | None = None

    def __post_init__(self) -> None:
        """Check the number of directions."""
        if self.slices is not None:
            settle_counts(self, "slices")

    def obstacle(self, energy: Energy) -> str | None:
        """Ask for real values."""
        return needs_real(energy)

    def descent(self, learned: Learned, rows: Rows, rng: np.random.Generator) -> Descent:
        """Differentiate the divergence."""
        energy = learned.energy
        if self.slices is None:
            return GraphDescent(learned, rows, lambda batch: _divergence(energy, batch))
        signs = pt.tensor("signs", shape=(self.slices, *batch_variable(energy, rows).type.shape))

        def draw(batch: Any, rng: np.random.Generator) -> tuple:
            shape = (self.slices, *batch.shape)
            return ((2.0 * rng.integers(0, 2, shape) - 1.0).astype(signs.dtype),)

        return GraphDescent(
            learned, rows, lambda batch: _sliced(energy, batch, signs), signs, draw=draw
        )


def slope(energy: Energy, x: TensorVariable) -> TensorVariable:
    """Return ∇E of every row: rows do not mix, so the sum's gradient holds them all."""
    return pytensor.grad(energy(x).sum(), x)  # type: ignore[return-value]


def _divergence(energy: Energy, x: TensorVariable) -> TensorVariable:
    gradient = slope(energy, x).flatten(2)
    d = int(np.prod(x.type.shape[1:]))
    trace: Any = 0.0
    for i in range(d):
        row: Any = pytensor.grad(gradient[:, i].sum(), x)
        trace = trace + row.flatten(2)[:, i]
    return (0.5 * (gradient**2).sum(axis=1) - trace).mean()


def _sliced(energy: Energy, x: TensorVariable, signs: TensorVariable) -> TensorVariable:
    gradient = slope(energy, x)
    axes = tuple(range(1, x.ndim))
    trace: Any = 0.0
    for k in range(int(signs.type.shape[0])):
        along: Any = pytensor.grad((gradient * signs[k]).sum(), x)
        trace = trace + (along * signs[k]).sum(axis=axes)
    count = float(signs.type.shape[0])
    return (0.5 * (gradient**2).sum(axis=axes) - trace / count).mean()
