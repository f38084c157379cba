"""Dense associative memory: interactions of higher order than pairs."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, cast

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.energies.associative_memory import AssociativeMemory, require_signs
from pymc_ebm.energies.energy import Support, as_parameter, constant_value, require_positive

STANDS = 1e3  # a state on the sphere moves less than so many roundings


class DenseAssociativeMemory(AssociativeMemory):
    r"""Spins, or vectors on a sphere, that remember patterns by a steep function of overlaps.

    ``E(x) = −(N/n) Σ_μ F(ξ^μ·x/N)`` with ``F(u) = uⁿ``: n = 2 is the Hopfield network (its diagonal
    included), and random patterns are held up to ``M ∝ N^{n−1}``. With ``order="exponential"``,
    ``E(x) = −λ⁻¹ log Σ_μ exp(λ ξ^μ·x)`` holds exponentially many.

    Parameters
    ----------
    patterns : tensor_like, shape (M, N)
        The memories ξ: of ±1 for spins; of length √N on the sphere, to which they are scaled.
    order : int or "exponential", default 3
        n, 2 or more.
    rectified : bool, default False
        ``F(u) = max(u, 0)ⁿ``: a pattern's reverse is not remembered.
    sharpness : tensor_like, default 1.0
        λ of the exponential kind, positive.
    sphere : bool, default False
        Real entries with ``|x|² = N`` instead of spins. As an energy over all real x it depends on
        the direction alone, plus ``½ |x|²`` that confines the length: ``√N x/|x|`` has the
        Boltzmann distribution on the sphere, and NUTS samples x.

    Raises
    ------
    ValueError
        For patterns that do not fit, or an order that is no whole number from 2 on.

    References
    ----------
    Krotov, D. and Hopfield, J. J. (2016). Dense associative memory for pattern recognition.
    Advances in Neural Information Processing Systems 29.
    Demircigil, M., Heusel, J., Löwe, M., Upgang, S. and Vermet, F. (2017). On a model of
    associative memory with huge storage capacity. Journal of Statistical Physics 168, 288-299.
    Lucibello, C. and Mézard, M. (2024). Exponential capacity of dense associative memories.
    Physical Review Letters 132, 077301.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> memory = ebm.energies.DenseAssociativeMemory([[1, 1, -1, -1], [1, -1, 1, -1]], order=4)
    >>> memory([[1, 1, -1, -1], [1, 1, 1, 1]]).eval()
    array([-1., -0.])
    """

    support: ClassVar[Support] = "spin"

    def __init__(
        self,
        patterns: Any,
        order: int | Literal["exponential"] = 3,
        *,
        rectified: bool = False,
        sharpness: Any = 1.0,
        sphere: bool = False,
    ) -> None:
        family = "DenseAssociativeMemory"
        xi = as_parameter(patterns, f"{family}: patterns")
        if xi.ndim != 2 or None in xi.type.shape or 0 in xi.type.shape:
            raise ValueError(
                f"{family}: patterns have shape {xi.type.shape}; expected a matrix (pattern, "
                "entry) of known size."
            )
        self.order, self.rectified, self.sphere = _checked_order(order), bool(rectified), sphere
        known, n = constant_value(xi), int(xi.type.shape[1])
        if sphere:
            if known is not None:
                lengths = np.linalg.norm(known, axis=1)
                if not lengths.all():
                    raise ValueError(
                        f"{family}: pattern {int(np.argmin(lengths))} is zero; it has no place on "
                        "the sphere."
                    )
                xi = pt.as_tensor_variable(known * np.sqrt(n) / lengths[:, None])
            self.support = "real"  # type: ignore[misc]
        elif known is not None:
            require_signs(family, "patterns", known)
        self.updates = ("synchronous",) if sphere else ("asynchronous",)
        parameters: dict[str, Any] = {"patterns": xi}
        ndims = {"patterns": 2}
        if self.order == "exponential":
            sharpness = as_parameter(sharpness, f"{family}: sharpness")
            require_positive(family, sharpness=sharpness)
            parameters["sharpness"], ndims["sharpness"] = sharpness, 0
        super().__init__(parameters, ndims, 1, (n,))

    @property
    def constraints(self) -> dict[str, str]:  # type: ignore[override]
        """The sharpness is positive."""
        return {"sharpness": "positive"} if self.order == "exponential" else {}

    @property
    def memories(self) -> TensorVariable:
        """The patterns."""
        return self.parameters["patterns"]

    def settings(self) -> dict[str, Any]:
        """Return what the energy is besides its parameters."""
        return {"order": self.order, "rectified": self.rectified, "sphere": self.sphere}

    def evaluate(
        self,
        x: TensorVariable,
        *,
        patterns: TensorVariable,
        sharpness: TensorVariable | None = None,
    ) -> TensorVariable:
        """Return minus the sum over memories, on the sphere plus half the squared length."""
        x, n, confined = x.astype(patterns.dtype), x.shape[-1], pt.zeros(())
        if self.sphere:
            squared = (x**2).sum(axis=-1)
            confined = 0.5 * squared
            x = x * pt.sqrt(n / squared)[..., None]
        if patterns.ndim == 2:
            overlaps = cast(TensorVariable, x @ patterns.mT)
        else:
            overlaps = (x[..., None, :] * patterns).sum(axis=-1)
        if sharpness is not None:
            return -pt.logsumexp(sharpness[..., None] * overlaps, axis=-1) / sharpness + confined
        shares = overlaps / n
        if self.rectified:
            shares = pt.maximum(shares, 0.0)
        return -(n / self.order) * (shares**self.order).sum(axis=-1) + confined

    def _checked_cues(self, cues: NDArray) -> None:
        if not self.sphere:
            require_signs("DenseAssociativeMemory", "cue", cues)
        elif isinstance(self.order, int) and self.order % 2 and not self.rectified:
            raise ValueError(
                f"DenseAssociativeMemory: u^{self.order} is not convex, so steps on the sphere may "
                "rise. Use rectified=True or an even order."
            )

    def _start(self, states: NDArray) -> NDArray:
        return _on_sphere(states, states.shape[1]) if self.sphere else states

    def _advance(
        self, states: NDArray, free: NDArray[np.bool_], update: str, rng: np.random.Generator,
        numbers: dict[str, NDArray],
    ) -> NDArray:  # fmt: skip
        xi, states = numbers["patterns"].astype(float), states.astype(float)
        if self.sphere:
            return self._climb(states, free, xi, numbers)
        ties, order = rng.choice([-1.0, 1.0], states.shape), rng.permutation(states.shape[1])
        columns = np.ascontiguousarray(xi.T)
        if self.order == "exponential":
            sharpness = float(numbers["sharpness"])
            kernels.retrieval.descend_exponential(states, columns, sharpness, order, free, ties)
        else:
            kernels.retrieval.descend_polynomial(
                states, columns, self.order, self.rectified, order, free, ties
            )
        return states

    def _climb(
        self, states: NDArray, free: NDArray[np.bool_], xi: NDArray, numbers: dict[str, NDArray]
    ) -> NDArray:
        """Turn towards minus the gradient: for a convex sum over memories never uphill.

        Entries that are not free stay, and the others keep what length is left.
        """
        n = states.shape[1]
        overlaps = _on_sphere(states, n) @ xi.T
        if self.order == "exponential":
            logs = float(numbers["sharpness"]) * overlaps
            pull = np.exp(logs - logs.max(axis=1, keepdims=True))
        else:
            shares = np.maximum(overlaps, 0.0) if self.rectified else overlaps
            pull = (shares / n) ** (self.order - 1)
        push = np.where(free, pull @ xi, 0.0)
        left = n - (np.where(free, 0.0, states) ** 2).sum(axis=1)
        length = np.maximum((push**2).sum(axis=1), np.finfo(float).tiny)
        moved = push * np.sqrt(np.maximum(left, 0.0) / length)[:, None]
        return np.where(free, moved, states)

    def _energies(self, states: NDArray, numbers: dict[str, NDArray]) -> NDArray:
        xi, n = numbers["patterns"], states.shape[1]
        overlaps = (_on_sphere(states, n) if self.sphere else states) @ xi.T
        confined = 0.5 * (states**2).sum(axis=1) if self.sphere else 0.0
        if self.order == "exponential":
            sharpness = float(numbers["sharpness"])
            soft = np.logaddexp.reduce(sharpness * overlaps, axis=1)
            return cast(NDArray, -soft / sharpness + confined)
        shares = np.maximum(overlaps / n, 0.0) if self.rectified else overlaps / n
        return cast(NDArray, -(n / self.order) * (shares**self.order).sum(axis=1) + confined)

    def _settled(self, before: NDArray, after: NDArray) -> NDArray[np.bool_]:
        if not self.sphere:
            return super()._settled(before, after)
        settled: NDArray[np.bool_] = (
            np.abs(after - before).max(axis=1) <= STANDS * np.finfo(float).eps
        )
        return settled

    def _recognise(
        self, states: NDArray, overlaps: NDArray, memories: NDArray
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        if not self.sphere:
            return super()._recognise(states, overlaps, memories)
        nearest = np.abs(overlaps).argmax(axis=1)
        found = np.abs(overlaps)[np.arange(len(states)), nearest] >= 0.9
        return np.where(found, nearest, -1), ~found


def _on_sphere(states: NDArray, n: int) -> NDArray:
    lengths = np.linalg.norm(states, axis=1, keepdims=True)
    return cast(NDArray, states * np.sqrt(n) / np.maximum(lengths, np.finfo(float).tiny))


def _checked_order(order: Any) -> Any:
    if order == "exponential":
        return order
    if isinstance(order, bool | str) or order != int(order) or order < 2:
        raise ValueError(
            f"DenseAssociativeMemory: order={order!r}; pass a whole number from 2 on, or "
            "'exponential'."
        )
    return int(order)
