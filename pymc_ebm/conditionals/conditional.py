"""The conditional distribution of a discrete variable, given the rest of its model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.conditionals.children import Children
from pymc_ebm.conditionals.evaluated import Evaluated
from pymc_ebm.energies.coded import Coded
from pymc_ebm.graphs import Graph
from pymc_ebm.variables.boltzmann import BoltzmannRV, is_discrete_boltzmann

CERTAIN = 1e3  # log-odds that stand for infinite ones, beyond four times all finite ones


@dataclass(frozen=True)
class Conditions:
    """Couplings and fields at one point, one entry a batch entry.

    `coupling` () or (m,): ``βJ``; `interaction` (q, q) or (m, q, q): what couples a pair of states;
    None for spins; `field` (batch, n) or (batch, n, q): ``βh`` and what the children add to it;
    log-weights for q states; `own`: couplings and field of the energy, not multiplied by β;
    `offset`: constant that the form leaves out of the energy.
    """

    coupling: list[NDArray[np.float64]]
    interaction: list[NDArray[np.float64]] | None
    field: NDArray[np.float64]
    own: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    offset: NDArray[np.float64]


class Conditional:
    """Couplings, fields and coding of one variable of a model.

    Two-valued variables are coded as spins in {-1, +1}, others as state numbers.

    `owner`: what error messages call the step; `rv`: the variable; `model`: its model;
    `compile_kwargs`: passed to the compilation; `evaluate`: whether energies that are not pairwise,
    and children that tie entries together, are taken in as `tied`; by default they are refused.
    `graph`: which entries interact; `interaction` (q, q) or (m, q, q): what couples a pair of
    states; None for spins; tables that are not constant are in `Conditions`; `states`: the values;
    `shape`, `batch`: shapes of the variable and of its batch; `children`: names of the variables
    that act on it.
    """

    def __init__(
        self,
        owner: str,
        rv: TensorVariable,
        model: pm.Model,
        compile_kwargs: dict | None,
        evaluate: bool = False,
    ) -> None:
        op: Any = getattr(rv.owner, "op", None)
        if not is_discrete_boltzmann(rv):
            kind = "a real-valued energy" if isinstance(op, BoltzmannRV) else f"a {op}"
            raise ValueError(
                f"{owner} cannot sample {rv.name!r}, {kind}: it moves discrete variables. Leave "
                "the step out and PyMC chooses one (NUTS for real variables)."
            )
        if None in rv.type.shape:
            raise ValueError(f"{owner} needs the shape of {rv.name!r} fixed, got {rv.type.shape}.")
        energy, beta, _log_z = op.bind(rv.owner.inputs[2:])
        self._owner, self.name = owner, str(rv.name)
        self._rv, self._model, self._compile_kwargs = rv, model, compile_kwargs
        self.states = energy.states
        self.shape = tuple(rv.type.shape)
        self.batch = self.shape[: len(self.shape) - energy.event_ndim]
        form = Coded.of(energy)
        if form is None and not evaluate:
            raise ValueError(
                f"{owner} cannot sample {rv.name!r}: {type(energy).__name__} is not pairwise. Use "
                f"step=ebm.ChromaticGibbs([{rv.name}]), which evaluates any energy, or "
                f"step=ebm.GibbsWithGradients([{rv.name}]) where it has a gradient."
            )
        self.is_pairwise = form is not None
        self._evaluate = evaluate
        form = form or _no_pairs(self.states, self.shape[len(self.batch) :])
        self.graph = form.graph
        K: Any = None if form.has_tables else form.interaction
        self.interaction: NDArray[np.float64] | None = K
        self.is_spin = form.is_spin
        self._absent = self.states.absent()
        self._tail = () if self.is_spin else (len(self.states),)
        self._first, self._second = np.ascontiguousarray(self.graph.edges.T, dtype=np.int32)
        expressions = [form.J, form.field, beta, form.offset]
        if form.has_tables:
            expressions.append(pt.as_tensor_variable(form.interaction))  # type: ignore[arg-type]
        self._own = Evaluated(model.replace_rvs_by_values(expressions), model, compile_kwargs)
        value = model.rvs_to_values[rv]
        [bound, scale] = model.replace_rvs_by_values([energy(value), beta])
        self._energy_graph = None if self.is_pairwise else (bound, -(scale * bound).sum())
        self._read_children()
        self.from_children: NDArray[np.float64] | None = None

    def _read_children(self) -> None:
        """Compile what the children say; which entry each is about depends on their data."""
        found = self._found = Children.of(self._model, self._rv)
        if not self._evaluate:
            found.require_elementwise(self._owner, self._rv)
        self.children = found.names
        if self.is_spin:
            said = found.terms.half_log_odds(self.states)
        else:
            columns = found.terms.columns(self.states)
            said = None if columns is None else pt.stack(columns, axis=-1)
        self._children = None if said is None else self._compiled([said])
        tied = found.terms.tied_sum()
        if self._energy_graph is not None:
            tied = self._energy_graph[1] if tied is None else tied + self._energy_graph[1]
        self._tied = None if tied is None else self._compiled_tied(tied)
        self._energy = (
            None if self._energy_graph is None else self._compiled([self._energy_graph[0]])
        )

    def _compiled(self, outputs: list[TensorVariable]) -> Evaluated:
        return Evaluated(outputs, self._model, self._compile_kwargs)

    def _compiled_tied(self, tied: TensorVariable) -> Evaluated:
        """Compile the log-probability of many values of the variable at once."""
        value = self._model.rvs_to_values[self._rv]
        many = pt.tensor("many", shape=(None, *self.shape), dtype=value.dtype)
        found = vectorize_graph(tied, replace={value: many})
        return Evaluated([found], self._model, self._compile_kwargs, extra=[many])  # type: ignore[list-item]

    @property
    def couplings_constant(self) -> bool:
        """Whether no free variable enters the energy."""
        return self._own.constant

    @property
    def children_constant(self) -> bool:
        """Whether there are no children, or none of their parameters is free."""
        return all(part is None or part.constant for part in (self._children, self._tied))

    @property
    def ties_entries(self) -> bool:
        """Whether some log-probability has to be evaluated for each value of an entry."""
        return self._tied is not None

    @property
    def tying(self) -> list[str]:
        """Names of what ties entries together."""
        names = [str(child.name) for child in self._found.tying]
        return names if self.is_pairwise else [f"the energy of {self.name}", *names]

    def forget(self) -> None:
        """Compute everything again at the next call: data may have changed."""
        if not self._found.terms.dependence.fresh():
            self._read_children()
        for part in (self._own, self._children, self._tied, self._energy):
            if part is not None:
                part.forget()

    def at(self, point: Mapping[str, NDArray]) -> Conditions:
        """Evaluate couplings and fields at values of the model's variables."""
        J, own_field, beta, offset, *tables = self._own(point)
        depth = len(self.graph.shape) + len(self._tail)
        aligned = beta.reshape(beta.shape + (1,) * depth) if beta.ndim else beta
        field = np.broadcast_to(aligned * own_field, (*self.shape, *self._tail))
        if self._children is not None:
            (said,) = self._children(point)
            self.from_children = self._compared(said)
            field = field + self.from_children
        if self._absent is not None:
            field = field + self._absent.reshape((*self.graph.shape, *self._tail))
        field = np.ascontiguousarray(field, dtype=np.float64).reshape(
            -1, self.graph.n_vertices, *self._tail
        )
        entries = list(np.ndindex(*self.batch))
        couplings = _each(J, entries, 1, lambda J_b: J_b.reshape(-1))
        own = list(zip(couplings, _each(own_field, entries, depth), strict=True))
        scaled = {id(J_b): J_b for J_b in couplings}
        if beta.size == 1:  # rows that share couplings share the array
            scaled = {key: beta.reshape(()) * J_b for key, J_b in scaled.items()}
            coupling = [scaled[id(J_b)] for J_b in couplings]
        else:
            betas = _each(beta, entries, 0)
            coupling = [beta_b * J_b for beta_b, J_b in zip(betas, couplings, strict=True)]
        interaction = [] if self.interaction is None else [self.interaction] * len(entries)
        if tables:
            depth = min(3, tables[0].ndim)
            interaction = _each(tables[0], entries, depth, np.ascontiguousarray)
        _make_finite(field, coupling, interaction, self.graph)
        return Conditions(coupling, None if self.is_spin else interaction, field, own, offset)

    def tied(self, values: NDArray, point: Mapping[str, NDArray]) -> NDArray[np.float64]:
        """Return what ties entries together at many values, shape ``(K, *shape) → (K,)``."""
        assert self._tied is not None
        return self._tied(point, values)[0]

    def encode(self, values: NDArray) -> NDArray[np.int8]:
        """Turn values of the variable into spins or state numbers, shape (batch, n)."""
        return self.states.encode(values).reshape(-1, self.graph.n_vertices)

    def decode(self, x: NDArray[np.int8], dtype: np.dtype) -> NDArray:
        """Turn spins or state numbers into values of the variable."""
        return self.states.decode(x).reshape(self.shape).astype(dtype)

    def energy(self, x: NDArray[np.int8], conditions: Conditions, point: Mapping) -> float:
        """Return E summed over the batch, not multiplied by β."""
        if self._energy is not None:
            return float(
                np.sum(self._energy({**point, self.name: self.decode(x, np.dtype(int))})[0])
            )
        total = float(np.sum(np.broadcast_to(conditions.offset, self.batch)))
        if conditions.interaction is None and len(x) > 1:
            return total + self._spin_energies(x, conditions)
        for b, (chain, (J, field)) in enumerate(zip(x, conditions.own, strict=True)):
            if conditions.interaction is None:
                spread = field if field.size == 1 else np.broadcast_to(field, self.graph.shape)
                energy, _ = kernels.ising_energy.ising_energy(
                    chain, self._first, self._second, J, np.ascontiguousarray(spread).reshape(-1)
                )
                total += energy
            else:
                q = len(self.states)
                table = np.broadcast_to(field, (*self.graph.shape, q)).reshape(-1, q)
                per_edge = np.broadcast_to(J, (self.graph.n_edges,))
                total -= kernels.log_weight.states_log_weight(
                    chain, self._first, self._second, per_edge, conditions.interaction[b], table
                )
        return total

    def _spin_energies(self, x: NDArray[np.int8], conditions: Conditions) -> float:
        """Return the sum over many rows of spins."""
        couplings, fields = zip(*conditions.own, strict=True)
        aligned = x[:, self._first] * x[:, self._second]
        if all(J is couplings[0] for J in couplings):
            pairs = float(np.sum(aligned.sum(axis=0) * couplings[0]))
        else:
            rows = [np.broadcast_to(J, aligned.shape[1]) for J in couplings]
            pairs = float(np.sum(aligned * np.array(rows)))
        if all(h is fields[0] for h in fields):
            spread = np.broadcast_to(fields[0], self.graph.shape).reshape(-1)
            return -pairs - float(x.sum(axis=0) @ spread)
        spread = np.array([np.broadcast_to(h, self.graph.shape).reshape(-1) for h in fields])
        return -pairs - float(np.sum(x * spread))

    def order(self, x: NDArray[np.int8]) -> float:
        """Return the order parameter of encoded values."""
        return self.states.order(self.states.decode(x))

    def draw_from_children(self, x: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int8]:
        """Draw each entry from what its children say; those they say nothing about are kept."""
        if self.from_children is None:
            return x
        if self.is_spin:
            said = np.broadcast_to(self.from_children, self.shape).reshape(x.shape)
            drawn = 2 * (rng.logistic(size=x.shape) < 2 * said) - 1
            return np.where(said == 0, x, drawn).astype(np.int8)
        said = np.broadcast_to(self.from_children, (*self.shape, len(self.states)))
        said = np.maximum(said.reshape(*x.shape, -1), -1e300)
        if self._absent is not None:
            said = said + self._absent.reshape(said.shape[-2:])
        drawn = np.argmax(said + rng.gumbel(size=said.shape), axis=-1)
        return np.where(np.ptp(said, axis=-1) == 0, x, drawn).astype(np.int8)

    def _compared(self, said: NDArray[np.float64]) -> NDArray[np.float64]:
        """Subtract what children say about the best state; raise where they allow none."""
        bad = np.isnan(said)
        if not self.is_spin:
            bad = bad.any(axis=-1) | np.isneginf(said).all(axis=-1)
        if bad.any():
            where = tuple(int(k) for k in np.argwhere(bad)[0])
            what = "both values of the spin" if self.is_spin else "every state"
            raise ValueError(
                f"{self._owner}: the likelihood of {self.name!r} gives entry {where} probability "
                f"zero (or NaN) at {what}, so its conditional does not exist. "
                "Check the data and the parameters' priors there."
            )
        return said if self.is_spin else said - said.max(axis=-1, keepdims=True)


def _make_finite(
    field: NDArray[np.float64],
    coupling: list[NDArray[np.float64]],
    interaction: list[NDArray[np.float64]],
    graph: Graph,
) -> None:
    """Write certainties as finite numbers, in place, that no finite ones can outweigh.

    A ladder of temperatures multiplies and adds log-weights, which infinite ones would spoil.
    """
    infinite = np.isinf(field)
    if not infinite.any():
        return
    strongest = max((float(np.abs(J).max(initial=0.0)) for J in coupling), default=0.0)
    strongest *= max((float(np.abs(K).max(initial=0.0)) for K in interaction), default=1.0)
    finite = float(np.abs(field[~infinite]).max(initial=0.0))
    bound = CERTAIN + 4 * (finite + strongest * int(graph.degrees().max(initial=0)))
    field[infinite] = np.sign(field[infinite]) * bound


def _no_pairs(states: Any, event: tuple[int, ...]) -> Coded:
    """Return the form of an energy that leaves everything to be evaluated."""
    graph = Graph(np.empty((0, 2), np.int64), event)
    tail = () if states.two_valued else (1,)
    interaction = None if states.two_valued else np.zeros((len(states), len(states)))
    field = pt.zeros((*(1,) * len(event), *tail))
    return Coded(graph, states, pt.zeros(()), field, interaction, pt.zeros(()))


def _each(
    values: NDArray,
    entries: list[tuple[int, ...]],
    core_ndim: int,
    change: Callable[[NDArray], NDArray] = lambda value: value,
) -> list[NDArray]:
    """Return what belongs to each batch entry; one array for all if they share it."""
    batch = max(values.ndim - core_ndim, 0)
    if all(n == 1 for n in values.shape[:batch]):
        return [change(values.reshape(values.shape[batch:]))] * len(entries)
    return [change(_entry(values, entry, core_ndim)) for entry in entries]


def _entry(values: NDArray, entry: tuple[int, ...], core_ndim: int) -> NDArray:
    """Select one batch entry of values that may have fewer batch dimensions than the variable."""
    batch = values.ndim - core_ndim
    if batch <= 0:
        return values
    index = entry[len(entry) - batch :]
    return values[tuple(0 if n == 1 else k for k, n in zip(index, values.shape, strict=False))]
