"""The conditional distribution of a pairwise discrete variable, given the rest of its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.boltzmann import BoltzmannRV, is_discrete_boltzmann
from pymc_ebm.children.fields import children_field
from pymc_ebm.energies.coded import Coded
from pymc_ebm.step_methods.evaluated import Evaluated
from pymc_ebm.step_methods.order_parameter import order_parameter

FIELD_LIMIT = 1e6  # log-odds beyond it are certainties


@dataclass(frozen=True)
class Conditions:
    """Couplings and fields at one point, one entry a batch entry.

    Parameters
    ----------
    coupling : list of ndarray, shape () or (m,)
        ``βJ``.
    field : ndarray, shape (batch, n) or (batch, n, q)
        ``βh`` and what the children add to it; log-weights for q states.
    own : list of (J, field)
        Couplings and field of the energy, not multiplied by β.
    offset : ndarray
        Constant that the form leaves out of the energy.
    """

    coupling: list[NDArray[np.float64]]
    field: NDArray[np.float64]
    own: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    offset: NDArray[np.float64]


class Conditional:
    """Couplings, fields and coding of one variable of a model.

    Two-valued variables are coded as spins in {-1, +1}, others as state numbers.

    Parameters
    ----------
    owner : str
        What error messages call the step.
    rv : TensorVariable
        The variable.
    model : Model
        Its model.
    compile_kwargs : dict, optional
        Passed to the compilation.

    Attributes
    ----------
    graph : Graph
        Which entries interact.
    interaction : ndarray, shape (q, q), or None
        What couples a pair of states; None for spins.
    states : tuple of int
        The values.
    shape, batch : tuple of int
        Shapes of the variable and of its batch.
    children : list of str
        Names of the variables that act as fields.
    """

    def __init__(
        self, owner: str, rv: TensorVariable, model: pm.Model, compile_kwargs: dict | None
    ) -> None:
        op: Any = getattr(rv.owner, "op", None)
        if not is_discrete_boltzmann(rv):
            kind = "a real-valued energy" if isinstance(op, BoltzmannRV) else f"a {op}"
            raise ValueError(
                f"{owner} cannot sample {rv.name!r}, {kind}: it moves discrete variables. Leave "
                "the step out and PyMC chooses one (NUTS for real variables)."
            )
        _rng, _size, *params = rv.owner.inputs
        energy, beta, _log_z = op.bind(params)
        self._owner, self.name = owner, str(rv.name)
        self.states: tuple[int, ...] = op.energy.states
        if None in rv.type.shape:
            raise ValueError(f"{owner} needs the shape of {rv.name!r} fixed, got {rv.type.shape}.")
        self.shape = tuple(rv.type.shape)
        self.batch = self.shape[: len(self.shape) - energy.event_ndim]
        self._event_ndim = energy.event_ndim
        self._is_potts = energy.support == "categorical"
        form = Coded.of(energy)
        if form is None:
            raise ValueError(
                f"{owner} cannot sample {rv.name!r}: {type(energy).__name__} is not pairwise. Use "
                f"step=ebm.GibbsWithGradients([{rv.name}]), or ebm.Metropolis([{rv.name}]) where "
                "there is no gradient."
            )
        self.graph, self.interaction = form.graph, form.interaction
        self._field_ndim = self._event_ndim + (self.interaction is not None)
        self._first, self._second = np.ascontiguousarray(self.graph.edges.T, dtype=np.int32)
        expressions = model.replace_rvs_by_values([form.J, form.field, beta, form.offset])
        self._own = Evaluated(expressions, model, compile_kwargs)
        self.children, expression = children_field(model, rv, self.states, owner)
        self._children = (
            None if expression is None else Evaluated([expression], model, compile_kwargs)
        )
        self.from_children: NDArray[np.float64] | None = None

    @property
    def couplings_constant(self) -> bool:
        """Whether no free variable enters the energy."""
        return self._own.constant

    @property
    def children_constant(self) -> bool:
        """Whether there are no children, or none of their parameters is free."""
        return self._children is None or self._children.constant

    def forget(self) -> None:
        """Compute everything again at the next call."""
        self._own.forget()
        if self._children is not None:
            self._children.forget()

    def at(self, point: Mapping[str, NDArray]) -> Conditions:
        """Evaluate couplings and fields.

        Parameters
        ----------
        point : mapping of str to ndarray
            Values of the model's variables.
        """
        J, own_field, beta, offset = self._own(point)
        depth = self._field_ndim
        tail = () if self.interaction is None else (len(self.states),)
        aligned = beta.reshape(beta.shape + (1,) * depth) if beta.ndim else beta
        field = np.broadcast_to(aligned * own_field, (*self.shape, *tail))
        if self._children is not None:
            (self.from_children,) = self._children(point)
            self._require_usable(self.from_children)
            field = field + np.clip(self.from_children, -FIELD_LIMIT, FIELD_LIMIT)
        n = self.graph.n_vertices
        field = np.ascontiguousarray(field, dtype=np.float64).reshape(-1, n, *tail)
        own, coupling = [], []
        for entry in np.ndindex(*self.batch):
            J_b = _entry(J, entry, 1).reshape(-1)
            own.append((J_b, _entry(own_field, entry, depth)))
            coupling.append(_entry(beta, entry, 0) * J_b)
        return Conditions(coupling, field, own, offset)

    def encode(self, values: NDArray) -> NDArray[np.int8]:
        """Turn values of the variable into spins or state numbers, shape (batch, n)."""
        flat = values.reshape(-1, self.graph.n_vertices)
        if self.states == (0, 1):
            flat = 2 * flat - 1
        elif self.interaction is not None:
            flat = flat - self.states[0]
        return flat.astype(np.int8)

    def decode(self, x: NDArray[np.int8], dtype: np.dtype) -> NDArray:
        """Turn spins or state numbers into values of the variable."""
        if self.states == (0, 1):
            x = (x + 1) // 2
        elif self.interaction is not None:
            x = x + self.states[0]
        return x.reshape(self.shape).astype(dtype)

    def energy(self, x: NDArray[np.int8], conditions: Conditions) -> float:
        """Return E summed over the batch, not multiplied by β."""
        total = float(np.sum(np.broadcast_to(conditions.offset, self.batch)))
        for chain, (J, field) in zip(x, conditions.own, strict=True):
            if self.interaction is None:
                energy, _ = kernels.ising_energy.ising_energy(
                    chain, self._first, self._second, J, field.reshape(-1)
                )
                total += energy
            else:
                q = len(self.states)
                table = np.broadcast_to(field, (*self.graph.shape, q)).reshape(-1, q)
                per_edge = np.broadcast_to(J, (self.graph.n_edges,))
                total -= kernels.log_weight.states_log_weight(
                    chain, self._first, self._second, per_edge, self.interaction, table
                )
        return total

    def order(self, x: NDArray[np.int8]) -> float:
        """Return the order parameter of encoded values."""
        return order_parameter(
            self.decode(x, x.dtype).reshape(x.shape), self.states, self._is_potts
        )

    def draw_from_children(self, x: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int8]:
        """Draw each entry from what its children say; those they say nothing about are kept."""
        assert self.from_children is not None
        said = np.clip(self.from_children, -FIELD_LIMIT, FIELD_LIMIT)
        if self.interaction is None:
            said = np.broadcast_to(said, self.shape).reshape(x.shape)
            drawn = 2 * (rng.logistic(size=x.shape) < 2 * said) - 1
            return np.where(said == 0, x, drawn).astype(np.int8)
        said = np.broadcast_to(said, (*self.shape, len(self.states))).reshape(*x.shape, -1)
        drawn = np.argmax(said + rng.gumbel(size=said.shape), axis=-1)
        return np.where(np.ptp(said, axis=-1) == 0, x, drawn).astype(np.int8)

    def _require_usable(self, field: NDArray) -> None:
        bad = np.isnan(field)
        if self.interaction is not None:
            bad = bad.any(axis=-1) | np.isneginf(field).all(axis=-1)
        if bad.any():
            where = tuple(int(k) for k in np.argwhere(bad)[0])
            what = "both values of the spin" if self.interaction is None else "every state"
            raise ValueError(
                f"{self._owner}: the likelihood of {self.name!r} gives entry {where} probability "
                f"zero (or NaN) at {what}, so its conditional does not exist. "
                "Check the data and the parameters' priors there."
            )


def _entry(values: NDArray, entry: tuple[int, ...], core_ndim: int) -> NDArray:
    """Select one batch entry of values that may have fewer batch dimensions than the variable."""
    batch = values.ndim - core_ndim
    if batch <= 0:
        return values
    index = entry[len(entry) - batch :]
    return values[tuple(0 if n == 1 else k for k, n in zip(index, values.shape, strict=False))]
