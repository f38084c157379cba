"""The modern (continuous) Hopfield network: one step of it is attention."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.associative_memory import AssociativeMemory
from pymc_ebm.energies.energy import as_parameter, constant_value, require_positive

STANDS = 1e3  # states move less than so many roundings
CERTAIN = 0.9  # from this weight on, a state is one memory
CELLS = 2**20  # scores at a time: they stay in the cache


class ModernHopfield(AssociativeMemory):
    r"""Real vectors that remember patterns: exponentially many, in one step.

    ``E(x) = −β⁻¹ log Σ_μ w_μ exp(β ξ^μ·x) + ½ xᵀx + ½ max_μ |ξ^μ|²``, with weights that add up to
    one. An `update` is ``x ← Σ_μ p_μ ξ^μ``, ``p = softmax(log w + β ξ·x)``, which never raises it.

    At the inverse temperature β of the network itself, its Boltzmann distribution is a mixture of
    normals ``N(ξ^μ, 1/β)`` with weights ``∝ w_μ exp(½ β |ξ^μ|²)``: exact draws, exact log Z.

    Parameters
    ----------
    patterns : tensor_like, shape (M, N)
        The memories ξ.
    beta : tensor_like, default 1.0
        Sharpness β, positive: how much the nearest memory outweighs the others.
    weights : tensor_like, shape (M,), optional
        Positive weights w; equal by default.

    Raises
    ------
    ValueError
        For patterns that are no matrix of known size, or a beta or weights that do not fit.

    Notes
    -----
    With equal weights the constants are those of the paper, ``β⁻¹ log M + ½ max|ξ|²``: the energy
    is never negative, and a lone memory has ``E(ξ) = 0``. The factor β⁻¹ before the logarithm
    belongs there; without it the update is no step of this energy.

    References
    ----------
    Ramsauer, H. et al. (2021). Hopfield networks is all you need. ICLR.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> network = ebm.energies.ModernHopfield([[1.0, 1.0], [-1.0, 1.0]], beta=8.0)
    >>> network.update([0.5, 0.0]).eval().round(3)
    array([0.999, 1.   ])
    """

    constraints: ClassVar = {"beta": "positive", "weights": "simplex"}
    updates = ("synchronous",)

    def __init__(self, patterns: Any, beta: Any = 1.0, weights: Any = None) -> None:
        family = type(self).__name__
        xi = as_parameter(patterns, f"{family}: patterns")
        if xi.ndim != 2 or None in xi.type.shape or 0 in xi.type.shape:
            raise ValueError(
                f"{family}: patterns have shape {xi.type.shape}; expected a matrix (pattern, "
                "entry) of known size."
            )
        m, n = (int(length) for length in xi.type.shape)
        beta = as_parameter(beta, f"{family}: beta")
        w = as_parameter(np.full(m, 1.0 / m) if weights is None else weights, f"{family}: weights")
        require_positive(family, beta=beta, weights=w)
        if beta.ndim:
            raise ValueError(f"{family}: beta is one number, and has shape {beta.type.shape}.")
        if w.ndim != 1 or w.type.shape[0] not in (None, m):
            raise ValueError(
                f"{family}: weights have shape {w.type.shape}, and there are {m} patterns."
            )
        known = constant_value(w)
        if known is not None:
            w = known / known.sum()
        super().__init__(
            {"patterns": xi, "beta": beta, "weights": w},
            {"patterns": 2, "beta": 0, "weights": 1},
            1,
            (n,),
        )

    @property
    def memories(self) -> TensorVariable:
        """The patterns."""
        return self.parameters["patterns"]

    def evaluate(
        self,
        x: TensorVariable,
        *,
        patterns: TensorVariable,
        beta: TensorVariable,
        weights: TensorVariable,
    ) -> TensorVariable:
        """Return minus the soft maximum of similarities, plus half the squared length."""
        scores = _similarities(x, patterns)
        logs = pt.log(weights / weights.sum(axis=-1, keepdims=True)) + beta[..., None] * scores
        largest = (patterns**2).sum(axis=-1).max(axis=-1)
        return -pt.logsumexp(logs, axis=-1) / beta + 0.5 * (x**2).sum(axis=-1) + 0.5 * largest

    def update(self, x: Any, values: Any = None) -> TensorVariable:
        """Return one step, ``softmax(log w + β x ξᵀ) values``.

        With queries x, keys ξ and ``β = 1/√d`` this is attention.

        Parameters
        ----------
        x : tensor_like, shape (..., N)
            States, or queries.
        values : tensor_like, shape (M, K), optional
            What is returned for each memory; by default the memories themselves.

        Returns
        -------
        TensorVariable, shape (..., K)
        """
        xi, beta, w = (self.parameters[k] for k in ("patterns", "beta", "weights"))
        p = pt.special.softmax(pt.log(w) + beta * (pt.as_tensor_variable(x) @ xi.mT), axis=-1)
        return cast(TensorVariable, p @ (xi if values is None else pt.as_tensor_variable(values)))

    def exact_draws(
        self, rng: Any, size: Any, event_shape: Any, beta: Any, /, **parameters: Any
    ) -> NDArray[np.float64] | None:
        """Draw a memory, then a normal around it; at other temperatures than β it is no mixture."""
        xi, own, w = (parameters[k] for k in ("patterns", "beta", "weights"))
        if float(own) != float(beta):
            return None
        logs = np.log(w) + 0.5 * beta * (xi**2).sum(axis=-1)
        p = np.exp(logs - logs.max())
        chosen = rng.choice(len(xi), size=size, p=p / p.sum())
        drawn: NDArray = xi[chosen] + rng.standard_normal((size, *event_shape)) / np.sqrt(beta)
        return drawn

    def _advance(
        self, states: NDArray, free: NDArray[np.bool_], update: str, rng: np.random.Generator,
        numbers: dict[str, NDArray],
    ) -> NDArray:  # fmt: skip
        xi = numbers["patterns"].astype(states.dtype)
        moved = np.empty_like(states)
        for rows in _pieces(len(states), len(xi)):
            p, total, _ = self._exponentials(states[rows], numbers)
            moved[rows] = (p @ xi) / total
        return np.where(free, moved, states)

    def _energies(self, states: NDArray, numbers: dict[str, NDArray]) -> NDArray:
        soft = np.empty(len(states))
        for rows in _pieces(len(states), len(numbers["patterns"])):
            _, total, largest = self._exponentials(states[rows], numbers)
            soft[rows] = (np.log(total) + largest)[:, 0]
        most = (numbers["patterns"] ** 2).sum(axis=1).max()
        energy: NDArray = -soft / numbers["beta"] + 0.5 * (states**2).sum(axis=1) + 0.5 * most
        return energy

    def _exponentials(
        self, states: NDArray, numbers: dict[str, NDArray]
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Return ``w exp(β ξ·x)`` over their largest, their sums, and the log of the largest."""
        xi, w = (numbers[k].astype(states.dtype) for k in ("patterns", "weights"))
        scores = states @ (xi.T * states.dtype.type(numbers["beta"]))
        if np.ptp(w) > 0:
            scores += np.log(w)
            offset = 0.0
        else:
            offset = float(np.log(w[0]))
        largest = scores.max(axis=1, keepdims=True)
        scores -= largest
        np.exp(scores, out=scores)
        return scores, scores.sum(axis=1, keepdims=True), largest + states.dtype.type(offset)

    def _settled(self, before: NDArray, after: NDArray) -> NDArray[np.bool_]:
        scale = np.abs(after).max(axis=1, initial=1e-300)
        moved = np.abs(after - before).max(axis=1, initial=0.0)
        settled: NDArray[np.bool_] = moved <= STANDS * np.finfo(after.dtype).eps * scale
        return settled

    def _recognise(
        self, states: NDArray, overlaps: NDArray, memories: NDArray
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Take the memory that has nearly all the weight of the next step."""
        numbers, _ = self._numbers()
        memory, certain = np.empty(len(states), np.int64), np.empty(len(states), bool)
        for rows in _pieces(len(states), len(memories)):
            p, total, _ = self._exponentials(states[rows], numbers)
            memory[rows] = p.argmax(axis=1)
            certain[rows] = p.max(axis=1) >= CERTAIN * total[:, 0]
        return np.where(certain, memory, -1), ~certain


def _similarities(x: TensorVariable, patterns: TensorVariable) -> TensorVariable:
    """Return ``ξ^μ·x``, shape (..., M)."""
    x = x.astype(patterns.dtype)
    if patterns.ndim == 2:
        return cast(TensorVariable, x @ patterns.mT)
    return (x[..., None, :] * patterns).sum(axis=-1)


def _pieces(count: int, width: int) -> list[slice]:
    """Cut rows into pieces whose scores fit into the cache."""
    rows = max(1, CELLS // max(width, 1))
    return [slice(k, k + rows) for k in range(0, count, rows)]
