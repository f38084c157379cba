"""Observed data of an energy, and draws like them: what the exchange step trades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.evaluated import Evaluated
from pymc_ebm.energies.coded import Coded
from pymc_ebm.forward.auxiliary import AuxiliaryDraws


class ExchangedData:
    """The energy of one observed variable, its data, and draws like them.

    `rv`: an observed variable with unknown log Z; `model`: its model; `sweeps`: length of runs that
    are not exact; `compile_kwargs`: passed to the compilation.
    """

    def __init__(
        self, rv: TensorVariable, model: pm.Model, sweeps: int, compile_kwargs: dict | None
    ) -> None:
        self.name = str(rv.name)
        op: Any = rv.owner.op
        energy, beta, _log_z = op.bind(rv.owner.inputs[2:])
        form = Coded.of(energy)
        if form is None:
            raise ValueError(
                f"ExchangeMH: {self.name!r} is not pairwise ({type(energy).__name__}), and there "
                "is no sampler for its auxiliary data."
            )
        graph = self._graph = form.graph
        self._n, self._states = graph.n_vertices, energy.states
        self._is_spin = form.is_spin
        tail = () if form.is_spin else (len(energy.states),)
        depth = len(graph.shape) + len(tail)
        rows = [
            tuple(value.shape[k] for k in range(value.ndim - core))
            for value, core in ((beta, 0), (form.J, 1), (form.field, depth))
        ]
        batch: Any = tuple(pt.broadcast_shape(*rows, arrays_are_shapes=True))
        aligned = [pt.shape_padright(beta, k) if beta.ndim else beta for k in (1, depth)]
        J = form.J if form.J.ndim else pt.shape_padright(form.J)
        coupling = pt.broadcast_to(aligned[0] * J, (*batch, graph.n_edges))
        field = pt.broadcast_to(aligned[1] * form.field, (*batch, *graph.shape, *tail))
        absent = energy.states.absent()
        if absent is not None:
            field = field + absent.reshape((*graph.shape, *tail))
        field = field.reshape((-1, graph.n_vertices, *tail))
        offset = pt.broadcast_to(-beta * form.offset, batch).reshape((-1,))
        expressions = [coupling.reshape((-1, graph.n_edges)), field, offset]
        if not form.is_spin:
            interaction: Any = form.interaction
            table = pt.as_tensor(interaction)
            if table.ndim > 3:
                table = pt.broadcast_to(table, (*batch, *table.shape[-3:]))
                table = table.reshape((-1, *table.shape[-3:]))
            else:
                table = table[None]
            expressions.append(table)
        self._parameters = Evaluated(
            model.replace_rvs_by_values(expressions), model, compile_kwargs
        )
        self._value = model.rvs_to_values[rv]
        self.read()
        first = self._parameters(model.initial_point())
        K = None if form.is_spin else first[3][0]
        self.draws = AuxiliaryDraws(graph, K, sweeps)
        self.draws.prepare(first[0][0])

    def read(self) -> None:
        """Take the data from the model, where they may have changed since the last run."""
        data = np.asarray(self._value.eval())
        self._data = self._states.encode(data).reshape(-1, self._n)

    def exchange(
        self, now: dict[str, NDArray], proposal: dict[str, NDArray], rng: np.random.Generator
    ) -> tuple[float, bool]:
        """Draw x at the proposal; return ``log f(x | θ) − log f(x | θ′)``, and whether exactly."""
        here, there = self._parameters(now), self._parameters(proposal)
        change, exact = 0.0, True
        sets = max(len(values) for values in there)
        for k in range(sets):
            rows = self._data[k::sets]  # leading dimensions of parameters align with those of data
            mine, its = ([v[k % len(v)] for v in values] for values in (here, there))
            if not self._is_spin:
                self.draws.set_interaction(np.ascontiguousarray(its[3], np.float64))
            coupling, field = (np.ascontiguousarray(v, np.float64) for v in its[:2])
            x, drawn_exactly = self.draws.draw(coupling, field, rows, rng)
            change += self._log_weight(x, mine) - self._log_weight(x, its)
            exact &= drawn_exactly
        return change, exact

    def _log_weight(self, x: NDArray[np.int8], parameters: list[NDArray]) -> float:
        """Return −βE summed over configurations."""
        coupling, field, offset = parameters[:3]
        first, second = self._graph.edges.T
        if self._is_spin:
            pairs = np.sum(x[:, first] * x[:, second], axis=0, dtype=float)
            own = np.sum(x, axis=0, dtype=float) @ field
        else:
            K = parameters[3]
            if K.ndim == 2:
                pairs = K[x[:, first], x[:, second]].sum(axis=0)
            else:
                pairs = K[np.arange(first.size), x[:, first], x[:, second]].sum(axis=0)
            own = field[np.arange(x.shape[1]), x].sum()
        return float(coupling @ pairs + own + len(x) * offset)
