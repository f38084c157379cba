"""The Hopfield network."""

from __future__ import annotations

import warnings

from collections.abc import Mapping
from typing import Any, Self, cast

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.energies.associative_memory import AssociativeMemory, require_signs
from pymc_ebm.energies.energy import as_parameter, constant_value
from pymc_ebm.energies.ising import PRODUCT
from pymc_ebm.energies.learning_rules import Hebb, Rule, checked_rule
from pymc_ebm.energies.pairwise import Pairwise
from pymc_ebm.graphs import Graph
from pymc_ebm.states import SIGNS

SYMMETRIC = 1e-9


class Hopfield(AssociativeMemory):
    r"""Spins in {-1, +1} that remember patterns.

    ``E(s) = −½ sᵀ W s − bᵀ s`` with weights from patterns by a rule, the diagonal empty. Where a
    rule allows, ``W = (1/N) Σ_μ η^μ η^μᵀ``, and the energy is evaluated through the overlaps
    ``η^μ · s``, in O(M N) operations for M patterns; η are the patterns themselves by Hebb's rule.

    Parameters
    ----------
    patterns : tensor_like of {-1, +1}, shape (M, N)
        What to remember. Symbolic patterns go with Hebb's rule.
    b : tensor_like, shape () or (N,)
        Bias.
    rule : Hebb, Storkey, PseudoInverse or Perceptron, default Hebb()
        How weights come from patterns.
    weights : tensor_like, shape (N, N), optional
        Weights instead of a rule, symmetric; the diagonal is not used. Patterns, if given as well,
        are what `retrieve` compares with.

    Raises
    ------
    ValueError
        If patterns are not ±1, of unknown size, or depend on each other where the rule cannot have
        it; if b or weights do not fit.

    Warns
    -----
    UserWarning
        If there are more patterns than the rule can hold, and some are no fixed points.

    References
    ----------
    Hopfield, J. J. (1982). Neural networks and physical systems with emergent collective
    computational abilities. PNAS 79, 2554-2558.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> memory = ebm.energies.Hopfield([[1, 1, -1, -1]])
    >>> memory([[1, 1, -1, -1], [1, 1, 1, 1]]).eval()
    array([-1.5,  0.5])
    """

    support = "spin"
    updates = ("asynchronous", "synchronous")

    def __init__(
        self,
        patterns: Any = None,
        b: Any = 0.0,
        *,
        rule: Rule | None = None,
        weights: Any = None,
    ) -> None:
        if patterns is None and weights is None:
            raise ValueError("Hopfield: pass patterns, or weights.")
        xi = None if patterns is None else as_parameter(patterns, "Hopfield: patterns")
        if xi is not None and (xi.ndim != 2 or None in xi.type.shape):
            raise ValueError(
                f"Hopfield: patterns have shape {xi.type.shape}; expected a matrix (pattern, spin) "
                "of known size."
            )
        known = None if xi is None else constant_value(xi)
        if known is not None:
            require_signs("Hopfield", "patterns", known)
        if weights is not None:
            if rule is not None:
                raise ValueError("Hopfield: pass a rule or weights, not both.")
            form = {"weights": _checked_weights(weights, xi)}
        else:
            assert xi is not None
            form = _by_rule(checked_rule(Hebb() if rule is None else rule), xi, known)
        self._build(form, b, known if "patterns" not in form else None)
        if known is not None and weights is None:
            _warn_of_load(known, Hebb() if rule is None else rule, self)

    def _build(self, form: Mapping[str, Any], b: Any, memories: NDArray[np.float64] | None) -> None:
        """Set what the energy is made of: one of patterns, columns and weights, and a bias."""
        [(name, value)] = form.items()
        n, b = value.type.shape[-1], as_parameter(b, "Hopfield: b")
        if b.ndim > 1 or (b.ndim and b.type.shape[0] not in (None, n)):
            raise ValueError(
                f"Hopfield: b has shape {b.type.shape}; the network has {n} spins, so it must be "
                f"a scalar or have shape ({n},)."
            )
        super().__init__({name: value, "b": b * pt.ones(n)}, {name: 2, "b": 1}, 1, (int(n),))
        self._memories = memories

    @property
    def columns(self) -> TensorVariable | None:
        """η, shape (M, N), with ``W_ij = (1/N) Σ_μ η_i^μ η_j^μ``; None for other weights."""
        return self.parameters.get("patterns", self.parameters.get("columns"))

    @property
    def memories(self) -> TensorVariable | None:
        """The patterns, as far as they are known."""
        if self._memories is not None:
            return pt.constant(self._memories)
        return self.parameters.get("patterns")

    def settings(self) -> dict[str, Any]:
        """Return the patterns, where the parameters are not these."""
        return {} if self._memories is None else {"memories": self._memories}

    @classmethod
    def from_settings(cls, parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> Self:
        """Put parameters back as they were; the rule has done its work."""
        energy, memories = cls.__new__(cls), settings.get("memories")
        form = {k: pt.as_tensor_variable(v) for k, v in parameters.items() if k != "b"}
        energy._build(form, parameters["b"], None if memories is None else np.asarray(memories))
        return energy

    def evaluate(
        self, x: TensorVariable, *, b: TensorVariable, **form: TensorVariable
    ) -> TensorVariable:
        """Return minus half the weighted products, without the diagonal, minus the bias term."""
        [(name, value)] = form.items()
        x = x.astype(value.dtype)
        bias = (x * b).sum(axis=-1)
        if name == "weights":
            diagonal = pt.diagonal(value, axis1=-2, axis2=-1)
            heard = (x[..., None, :] * value).sum(axis=-1)
            return -0.5 * (x * (heard - diagonal * x)).sum(axis=-1) - bias
        overlaps = (x[..., None, :] * value).sum(axis=-1)
        diagonal = (value**2).sum(axis=(-2, -1))
        return -0.5 * ((overlaps**2).sum(axis=-1) - diagonal) / x.shape[-1] - bias

    def pairwise_form(self) -> Pairwise:
        """Write the weights as couplings on the complete graph."""
        assert self.event_shape is not None
        (n,) = self.event_shape
        i, j = np.triu_indices(n, k=1)
        columns = self.columns
        if columns is None:
            W = self.parameters["weights"]
            couplings = 0.5 * (W + W.mT)[..., i, j]
        else:
            couplings = (columns.mT @ columns)[..., i, j] / n
        return Pairwise(Graph.complete(n), SIGNS, PRODUCT, couplings, slope=self.parameters["b"])

    def _checked_cues(self, cues: NDArray) -> None:
        require_signs("Hopfield", "cue", cues)

    def _advance(
        self, states: NDArray, free: NDArray[np.bool_], update: str, rng: np.random.Generator,
        numbers: dict[str, NDArray],
    ) -> NDArray:  # fmt: skip
        states, b = states.astype(float), numbers["b"]
        ties = rng.choice([-1.0, 1.0], states.shape)
        if update == "synchronous":
            field = self._fields(states, numbers) + b
            best = np.where(field == 0, np.where(states == 0, ties, states), np.sign(field))
            return np.where(free, best, states)
        order = rng.permutation(states.shape[1])
        if "weights" in numbers:
            W = _empty_diagonal(numbers["weights"])
            fields = np.ascontiguousarray(states @ W + b)
            kernels.retrieval.descend_weights(states, W, fields, order, free, ties)
        else:
            columns = np.ascontiguousarray(self._column_numbers(numbers).T)
            kernels.retrieval.descend_columns(states, columns, b, order, free, ties)
        return states

    def _energies(self, states: NDArray, numbers: dict[str, NDArray]) -> NDArray:
        field = self._fields(states, numbers)
        return -0.5 * (states * field).sum(axis=1) - states @ numbers["b"]

    def _fields(self, states: NDArray, numbers: dict[str, NDArray]) -> NDArray:
        """Return ``W s`` for states (C, N), the diagonal left out."""
        if "weights" in numbers:
            return cast(NDArray, states @ _empty_diagonal(numbers["weights"]))
        columns = self._column_numbers(numbers)
        n = states.shape[1]
        heard = (states @ columns.T) @ columns
        return cast(NDArray, (heard - (columns**2).sum(axis=0) * states) / n)

    def _column_numbers(self, numbers: dict[str, NDArray]) -> NDArray:
        return numbers["patterns"] if "patterns" in numbers else numbers["columns"]


def _by_rule(
    rule: Rule, xi: TensorVariable, known: NDArray[np.float64] | None
) -> dict[str, TensorVariable]:
    """Return what the energy is made of."""
    if isinstance(rule, Hebb):
        return {"patterns": xi}
    if known is None:
        raise ValueError(
            f"Hopfield: {type(rule).__name__} needs patterns that are numbers; symbolic ones go "
            "with Hebb()."
        )
    columns = rule.columns(known)
    if columns is not None:
        return {"columns": pt.as_tensor_variable(columns)}
    return {"weights": pt.as_tensor_variable(rule.weights(known))}


def _checked_weights(weights: Any, xi: TensorVariable | None) -> TensorVariable:
    W = as_parameter(weights, "Hopfield: weights")
    if W.ndim != 2 or None in W.type.shape or W.type.shape[0] != W.type.shape[1]:
        raise ValueError(
            f"Hopfield: weights have shape {W.type.shape}; expected a square matrix of known size."
        )
    if xi is not None and xi.type.shape[1] != W.type.shape[0]:
        raise ValueError(
            f"Hopfield: patterns have {xi.type.shape[1]} spins, and weights are for "
            f"{W.type.shape[0]}."
        )
    known = constant_value(W)
    if known is not None:
        gap = np.abs(known - known.T)
        if gap.max(initial=0.0) > SYMMETRIC * max(np.abs(known).max(initial=0.0), 1e-300):
            i, j = np.unravel_index(gap.argmax(), gap.shape)
            raise ValueError(
                f"Hopfield: weights[{i}, {j}] = {known[i, j]:g} and weights[{j}, {i}] = "
                f"{known[j, i]:g}; without symmetry there is no energy. Pass (W + W.T) / 2."
            )
    return W


def _empty_diagonal(W: NDArray) -> NDArray:
    W = np.array(W, dtype=float)
    np.fill_diagonal(W, 0.0)
    return W


def _warn_of_load(patterns: NDArray[np.float64], rule: Rule, energy: Hopfield) -> None:
    """Warn where there are too many patterns and it shows."""
    (m, n), limit = patterns.shape, rule.limit(patterns.shape[1])
    if m <= limit:
        return
    numbers, _ = energy._numbers()
    field = energy._fields(patterns, {**numbers, "b": np.zeros(n)})
    lost = int((patterns * field < 0).any(axis=1).sum())
    if lost:
        warnings.warn(
            f"Hopfield: {m} patterns of {n} spins are a load of α = {m / n:.3g}, and "
            f"{type(rule).__name__}() holds about {limit / n:.3g}: {lost} patterns are no fixed "
            "points.",
            stacklevel=3,
        )
