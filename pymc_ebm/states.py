"""What values the entries of a variable take, and what kind of values they are."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any, Literal

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.type import discrete_dtypes
from pytensor.tensor.variable import TensorVariable

Kind = Literal["signs", "numbers", "labels"]
MOST_STATES = 127  # samplers keep state numbers in a signed byte


class States(tuple[int, ...]):
    """The values an entry may take, in increasing order.

    Samplers read them in a code: two values as spins in {-1, +1}, more as the numbers 0, …, q - 1.

    Parameters
    ----------
    kind : {"signs", "numbers", "labels"}
        ``"signs"`` have an order and a symmetry between them, ``"numbers"`` an order, ``"labels"``
        neither.
    values : iterable of int
        The q values.
    counts : ndarray of int, optional
        How many of the values each entry of an event takes, the first so many; by default all.
    """

    kind: Kind
    counts: NDArray[np.int64] | None

    def __new__(
        cls, kind: Kind, values: Iterable[int], counts: NDArray[np.int64] | None = None
    ) -> States:
        """Check the values."""
        states = super().__new__(cls, (int(value) for value in values))
        if list(states) != sorted(set(states)) or not 2 <= len(states) <= MOST_STATES:
            shown = ", ".join(map(str, states[:5])) + (", …" if len(states) > 5 else "")
            raise ValueError(
                f"States must be 2 to {MOST_STATES} whole numbers in increasing order, "
                f"got {len(states)}: {shown}."
            )
        if not -128 <= states[0] <= states[-1] <= 127:
            raise ValueError(f"States must lie between -128 and 127, got {tuple(states)}.")
        states.kind = kind
        full = counts is None or bool(np.all(np.asarray(counts) == len(states)))
        states.counts = None if full else np.asarray(counts, np.int64)
        return states

    def __getnewargs__(self) -> tuple[Any, ...]:  # type: ignore[override]
        """Let copies keep kind and counts."""
        return self.kind, tuple(self), self.counts

    @property
    def values(self) -> NDArray[np.int64]:
        """The values as an array."""
        return np.asarray(self, np.int64)

    @property
    def two_valued(self) -> bool:
        """Whether samplers code the values as spins."""
        return len(self) == 2

    def same_as(self, other: States | None) -> bool:
        """Tell whether two variables take the same values and mean the same by them."""
        if other is None or tuple(self) != tuple(other) or self.kind != other.kind:
            return False
        if self.counts is None or other.counts is None:
            return self.counts is other.counts
        return np.array_equal(self.counts, other.counts)

    def encode(self, values: Any) -> NDArray[np.int8]:
        """Turn values into spins or state numbers, in their own shape."""
        values = np.asarray(values)
        if self == (-1, 1):
            return values.astype(np.int8)
        if self == (0, 1):
            return (2 * values - 1).astype(np.int8)
        low, high = self[0], self[-1]
        numbers = values - low if high - low == len(self) - 1 else np.searchsorted(self, values)
        return (2 * numbers - 1 if self.two_valued else numbers).astype(np.int8)

    def decode(self, code: NDArray) -> NDArray[np.int64]:
        """Turn spins or state numbers into values, in their own shape."""
        if self == (-1, 1):
            return code.astype(np.int64)
        numbers = (code.astype(np.int64) + 1) // 2 if self.two_valued else code.astype(np.intp)
        return self.values[numbers]

    def numbers(self, x: TensorVariable) -> TensorVariable:
        """Write values as state numbers 0, …, q - 1; the nearest one outside the support."""
        x = pt.as_tensor_variable(x)
        low, high = self[0], self[-1]
        place = pt.clip(x.astype("int64") - low, 0, high - low)
        if high - low == len(self) - 1:
            return place
        numbers = np.zeros(high - low + 1, np.int64)
        numbers[self.values - low] = np.arange(len(self))
        return pt.constant(numbers)[place]

    def spins(self, x: TensorVariable) -> TensorVariable:
        """Write two values as spins in {-1, +1}."""
        low, high = self
        if (low, high) == (-1, 1):
            return x
        if high - low == 1:
            return 2 * x - (2 * low + 1)
        return (2 * x - (low + high)) / (high - low)

    def random(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Draw values, all equally likely; the last axes of `shape` are an event."""
        if self.counts is None:
            return rng.choice(self.values, shape)
        return self.values[rng.integers(0, np.broadcast_to(self.counts, shape))]

    def allowed(self, values: Any) -> NDArray[np.bool_]:
        """Tell which entries of an array are in the support."""
        inside = np.isin(values, self)
        if self.counts is None:
            return inside
        highest = self.values[self.counts - 1]
        return inside & (np.asarray(values) <= highest)

    def contains(self, x: TensorVariable) -> TensorVariable:
        """Write whether each entry is in the support."""
        if self.two_valued:
            return pt.or_(pt.eq(x, self[0]), pt.eq(x, self[1]))
        highest: Any = self[-1] if self.counts is None else self.values[self.counts - 1]
        inside = (x >= self[0]) & (x <= highest)
        if self[-1] - self[0] != len(self) - 1:
            inside &= reduce(pt.or_, (pt.eq(x, state) for state in self))
        elif x.dtype not in discrete_dtypes:
            inside &= pt.eq(x, pt.round(x))
        return inside

    def absent(self) -> NDArray[np.float64] | None:
        """Return 0 where a state exists and −∞ where it does not, shape (*event, q)."""
        if self.counts is None:
            return None
        return np.where(np.arange(len(self)) < self.counts[..., None], 0.0, -np.inf)

    def order(self, values: NDArray) -> float:
        """Return the order parameter: the mean value; for labels how far one of them dominates.

        ``(q f − 1) / (q − 1)``, f being the fraction of entries in the commonest state, is 0 where
        all q states are equally common and 1 where one has taken over. Values have the shape
        (batch, n).
        """
        if self.kind != "labels":
            return float(values.mean(dtype=float))
        q, low = len(self), self[0]
        largest = np.mean(
            [
                np.bincount(row, minlength=q).max() / row.size
                for row in values.astype(np.int64) - low
            ]
        )
        return float((q * largest - 1) / (q - 1))


SIGNS = States("signs", (-1, 1))
SIGNS_OR_ZERO = States("signs", (-1, 0, 1))
BINARY = States("numbers", (0, 1))


def labels(q: int, counts: NDArray[np.int64] | None = None) -> States:
    """Return the labels 0, …, q - 1."""
    return States("labels", range(q), counts)


# what `support=` of a function as energy may be, besides "real" and "categorical"
SUPPORTS: dict[str, States] = {"spin": SIGNS, "spin-1": SIGNS_OR_ZERO, "binary": BINARY}
