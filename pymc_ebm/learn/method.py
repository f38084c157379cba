"""What every way of learning has: whom it fits, and what it follows downhill."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.learned import Learned, Values
from pymc_ebm.learn.rows import Rows


class Method(ABC):
    """A way of learning; subclasses are frozen dataclasses of their settings."""

    def why_not(self, energy: Energy) -> str | None:
        """Say why an energy cannot be learned so, its hidden units counted; None if it can."""
        if has_hidden_units(energy) and not self.draws_hidden_units:
            return f"configurations of {type(energy).__name__} hold hidden units"
        return self.obstacle(energy)

    def describe(self, rows: Rows) -> str:
        """Return what tells runs apart that are done in other ways."""
        return repr(self)

    draws_hidden_units: ClassVar[bool] = False

    @abstractmethod
    def obstacle(self, energy: Energy) -> str | None:
        """Say why an energy cannot be learned this way; None if it can."""

    @abstractmethod
    def descent(self, learned: Learned, rows: Rows, rng: np.random.Generator) -> Descent:
        """Prepare what gradients come from."""


class Descent(ABC):
    """Gradients for one run of `fit`."""

    # what is learned besides the energy's own parameters
    extra: Mapping[str, Any] = MappingProxyType({})
    compares_rows = False  # whether the loss on other rows says how well they are described

    @abstractmethod
    def gradient(self, batch: NDArray, rng: np.random.Generator) -> tuple[float, Values]:
        """Return the loss on a batch, and its gradient by name."""

    def settle(self) -> None:  # noqa: B027 (most have nothing to settle)
        """Follow up on a step that the optimiser has made."""

    def arrays(self) -> Values:
        """Return what a run that goes on later has to know besides the parameters."""
        return {}

    def restore(self, arrays: Values) -> None:  # noqa: B027 (most have nothing to take)
        """Take it back."""

    def health(self) -> dict[str, float]:
        """Say how the chains did since the last call, if there are any."""
        return {}


class GraphDescent(Descent):
    """The gradient of a graph of a batch, and of `further` inputs that `draw` makes each time.

    `extra` holds shared variables that are learned besides the energy's own.
    """

    compares_rows = True

    def __init__(
        self,
        learned: Learned,
        rows: Rows,
        loss: Any,
        *further: TensorVariable,
        draw: Any = lambda batch, rng: (),
        extra: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.extra, self._draw = extra, draw
        self._names = [*learned.free, *self.extra]
        batch = batch_variable(learned.energy, rows)
        total = loss(batch)
        free = [*learned.free.values(), *self.extra.values()]
        gradients: Any = pytensor.grad(total, free, disconnected_inputs="ignore")
        self._evaluate: Any = pytensor.function(
            [batch, *further], [total, *gradients], on_unused_input="ignore"
        )

    def gradient(self, batch: NDArray, rng: np.random.Generator) -> tuple[float, Values]:
        """Evaluate the graph."""
        further: Any = self._draw(batch, rng)
        loss, *gradients = self._evaluate(batch, *further)
        return float(loss), dict(zip(self._names, map(np.asarray, gradients), strict=True))


def batch_variable(energy: Energy, rows: Rows, name: str = "batch") -> TensorVariable:
    """Return the symbol for a batch, shape (batch, *event)."""
    return pt.tensor(name, shape=(None, *rows.shape[1:]), dtype=rows.dtype)


def has_hidden_units(energy: Energy) -> bool:
    """Tell whether configurations hold units that data do not."""
    return energy.data_shape != energy.event_shape


def known_shape(energy: Energy, rows: Rows) -> Energy:
    """Return the energy with the shape of a configuration that the data have."""
    return energy if energy.event_shape is not None else energy.with_event_shape(rows.shape[1:])


def needs_real(energy: Energy) -> str | None:
    """Say that values have to be real."""
    if energy.states is None:
        return None
    return f"{type(energy).__name__} has {energy.support} values, and the score is for real ones"


def needs_discrete(energy: Energy) -> str | None:
    """Say that values have to be discrete."""
    return None if energy.states is not None else f"{type(energy).__name__} has real values"
