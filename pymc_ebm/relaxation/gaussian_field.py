"""The Gaussian field of one pairwise discrete variable: its log-density and what it says back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.relaxation.choice import choose_factor
from pymc_ebm.states import States

CERTAIN = 1e5  # by so much an impossible state lies below the other one, beyond what fields can do


@dataclass(frozen=True)
class Features:
    """``K(a, b) = c + r_a + r_b + Σ_m σ_m v_ma v_mb``, K being what couples a pair of states."""

    constant: float
    linear: NDArray[np.float64]
    signs: NDArray[np.float64]
    vectors: NDArray[np.float64]

    @classmethod
    def of(cls, K: NDArray[np.float64]) -> Features:
        """Take the means out of K, and write the rest in its eigenbasis."""
        constant = float(K.mean())
        linear = K.mean(axis=1) - constant
        centred = K - constant - linear - linear[:, None]
        values, vectors = np.linalg.eigh(centred)
        kept = np.abs(values) > 1e-12 * max(np.abs(values).max(), 1e-300)
        return cls(
            constant,
            linear,
            np.sign(values[kept]),
            (vectors[:, kept] * np.sqrt(np.abs(values[kept]))).T,
        )


SPIN = Features(0.0, np.zeros(2), np.ones(1), np.array([[-1.0, 1.0]]))


class GaussianField:
    """Coordinates z with ``p(z) ∝ Σ_x p(x) N(z; Lᵀ v(x), 1)``, and x given z independent.

    Two-valued variables: ``f = L z + h``, log-density ``−½|z|² + Σ_i log 2cosh f_i`` and
    ``P(s_i = +1 | z) = σ(2 f_i)``. States: ``f_i(a)`` has a term for each eigenvector of what
    couples two states, and the log-density is ``−½|z|² + Σ_i log Σ_a exp f_i(a)``.

    `energy`: A pairwise energy, or an RBM, whose hidden units take part; `beta` (): inverse
    temperature; `kind`: which factor; `name`, `owner`: what error messages call the variable and
    the caller. `kind`: which factor was chosen; `size`: number of coordinates of a configuration;
    `n_hidden`: entries at the end that belong to no variable (hidden units); `is_spin`: whether
    entries have two values.

    Raises
    ------
    ValueError
        If the factor does not fit.
    """

    def __init__(
        self, energy: Energy, beta: TensorVariable, kind: str, name: str, owner: str
    ) -> None:
        if beta.ndim:
            raise ValueError(f"{owner}: {name!r} has a beta for each batch entry; one is needed.")
        joint = energy.joint() if isinstance(energy, RBM) else energy
        self.n_hidden = energy.n_hidden if isinstance(energy, RBM) else 0
        assert energy.states is not None
        self.states: States = energy.states
        form = Coded.of(joint)
        assert form is not None  # checked by the caller, who knows what else to use
        graph, J = form.graph, form.J
        self.is_spin = form.is_spin
        K: Any = form.interaction
        one_table = form.is_spin or not (form.has_tables or not np.array_equal(K, K.T))
        if not one_table or self.states.counts is not None:
            raise ValueError(
                f"{owner}: {name!r} has a table for each edge, one that is not symmetric, or "
                "vertices with states of their own; a Gaussian field has one symmetric table for "
                f"all. Sample it with step=ebm.ChromaticGibbs([{name}])."
            )
        features = SPIN if form.is_spin else Features.of(K)
        offset = -beta * form.offset
        if J.ndim > 1 and not all(J.type.broadcastable[:-1]):
            raise ValueError(
                f"{owner}: {name!r} has couplings for each batch entry; one set is needed."
            )
        J = J.reshape((-1,)) if J.ndim > 1 else J
        self.graph, self._features = graph, features
        self._own_field = beta * form.field
        self._factors = [
            choose_factor(energy, graph, sign, J, beta, kind, name, owner)
            for sign in features.signs
        ]
        self.kind = self._factors[0].kind if self._factors else "edges"
        self.size = sum(factor.size for factor in self._factors)
        per_edge = pt.zeros(graph.n_edges) + beta * J
        if self.is_spin:
            self._from_pairs = None
            self.shift = offset - 0.5 * sum(f.diagonal.sum() for f in self._factors)
        else:
            self.shift = offset + features.constant * per_edge.sum()
            degree = pt.zeros(graph.n_vertices)
            degree = degree[graph.edges[:, 0]].inc(per_edge)[graph.edges[:, 1]].inc(per_edge)
            table = degree[:, None] * features.linear
            for factor, vector in zip(self._factors, features.vectors, strict=True):
                table = table - 0.5 * factor.diagonal[:, None] * vector**2
            self._from_pairs = table

    def fields(self, z: TensorVariable) -> TensorVariable:
        """Return f, shape (..., n) for two values, (..., n, q) for more.

        `z` (..., size): coordinates.
        """
        return self.own_fields(tuple(z.shape[: z.ndim - 1])) + self.pull(z)

    def own_fields(self, batch: tuple[Any, ...]) -> TensorVariable:
        """Return f where z = 0.

        `batch`: shape of the batch.
        """
        n, tail = self.graph.n_vertices, () if self.is_spin else (len(self.states),)
        own = pt.broadcast_to(self._own_field, (*batch, *self.graph.shape, *tail))
        own = own.reshape((*batch, n, *tail))
        return own if self._from_pairs is None else own + self._from_pairs

    def pull(self, z: TensorVariable) -> TensorVariable:
        """Return what the coordinates add to f, linear in z.

        `z` (..., size): coordinates.
        """
        total, start = None, 0
        for factor, vector in zip(self._factors, self._features.vectors, strict=True):
            moved = factor.apply(z[..., start : start + factor.size])
            moved = moved if self.is_spin else moved[..., None] * vector
            total = moved if total is None else total + moved
            start += factor.size
        return pt.zeros(()) if total is None else total

    def with_children(
        self, f: TensorVariable, columns: list[TensorVariable]
    ) -> tuple[TensorVariable, TensorVariable]:
        """Add to the fields what children say about each state.

        `f` (..., n) or (..., n, q): fields; `columns` (..., *visible): ``ℓ(state)``, one a state.
        Returns `f`: fields of the same shape; `constant` (...): what the children add to the
        log-density besides.
        """
        n = self.graph.n_vertices
        visible = n - self.n_hidden
        batch = tuple(f.shape[: f.ndim - (1 if self.is_spin else 2)])
        columns = [column.reshape((*batch, visible)) for column in columns]
        best = reduce(pt.maximum, columns)
        reachable = pt.switch(pt.eq(best, -np.inf), 0.0, best)
        # finite stand-ins for −∞, whose gradients are zero and not NaN
        least = -(CERTAIN + 2 * pt.abs(f[..., :visible])) if self.is_spin else -1e30
        said = [pt.switch(pt.eq(column, -np.inf), least, column - reachable) for column in columns]
        if not self.is_spin:
            return f + pt.stack(said, axis=-1), best.sum(axis=-1)
        low, high = said
        log_odds = 0.5 * (high - low)
        f = f[..., :visible].inc(log_odds) if self.n_hidden else f + log_odds
        return f, (best + 0.5 * (high + low)).sum(axis=-1)

    def log_weight(self, f: TensorVariable) -> TensorVariable:
        """Return the log-density without ``N(z; 0, 1)``, one value a batch entry.

        `f` (..., n) or (..., n, q): fields.
        """
        return self.over_states(f) + self.shift

    def over_states(self, f: TensorVariable) -> TensorVariable:
        """Return the part of `log_weight` that depends on the coordinates.

        `f` (..., n) or (..., n, q): fields.
        """
        if self.is_spin:
            # log 2cosh f, so written that its gradient shares the exponential
            return (pt.abs(f) + pt.log1p(pt.exp(-2.0 * pt.abs(f)))).sum(axis=-1)
        return pt.logsumexp(f, axis=-1).sum(axis=-1)

    def centre(self, x: TensorVariable) -> TensorVariable:
        """Return the mean of z given a configuration, shape (..., size).

        `x` (..., n): spins in {-1, +1}, or state numbers.
        """
        parts = []
        for factor, vector in zip(self._factors, self._features.vectors, strict=True):
            values = x if self.is_spin else pt.as_tensor(vector)[x]
            parts.append(factor.apply_transposed(values))
        return pt.concatenate(parts, axis=-1)
