"""Observed data of an energy, and draws like them: what the exchange step trades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.coded import Coded
from pymc_ebm.forward.auxiliary import AuxiliaryDraws
from pymc_ebm.partition.problem import Problem, one_set
from pymc_ebm.step_methods.evaluated import Evaluated


class ExchangedData:
    """The energy of one observed variable, its data, and draws like them.

    Parameters
    ----------
    rv : TensorVariable
        An observed variable with unknown log Z.
    model : Model
        Its model.
    sweeps : int
        Length of runs that are not exact.
    compile_kwargs : dict, optional
        Passed to the compilation.
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
        batched = one_set(Problem(energy, beta))
        if batched is not None:
            raise ValueError(f"ExchangeMH: {self.name!r}: {batched}; one set is needed.")
        graph = form.graph
        self._n = graph.n_vertices
        self._first, self._second = graph.edges.T
        self._interaction = form.interaction
        tail = () if form.interaction is None else (len(energy.states),)
        coupling = beta * pt.broadcast_to(form.J.reshape((-1,)), (graph.n_edges,))
        field = beta * pt.broadcast_to(form.field, (*graph.shape, *tail))
        expressions = [coupling, field.reshape((graph.n_vertices, *tail)), -beta * form.offset]
        self._parameters = Evaluated(
            model.replace_rvs_by_values(expressions), model, compile_kwargs
        )
        self._value, self._states = model.rvs_to_values[rv], energy.states
        self.read()
        self.draws = AuxiliaryDraws(graph, form.interaction, sweeps)
        self.draws.prepare(self._parameters(model.initial_point())[0])

    def read(self) -> None:
        """Take the data from the model, where they may have changed since the last run."""
        data = np.asarray(self._value.eval()).reshape(-1, self._n)
        if self._states == (0, 1):
            data = 2 * data - 1
        elif self._interaction is not None:
            data = data - self._states[0]
        self._data = data.astype(np.int8)

    def exchange(
        self, now: dict[str, NDArray], proposal: dict[str, NDArray], rng: np.random.Generator
    ) -> tuple[float, bool]:
        """Draw x at the proposal; return ``log f(x | θ) − log f(x | θ′)``, and whether exactly.

        Parameters
        ----------
        now, proposal : dict of str to ndarray
            Points of the model.
        rng : numpy.random.Generator
            Source of randomness.
        """
        here, there = self._parameters(now), self._parameters(proposal)
        coupling, field, _ = (np.ascontiguousarray(v, np.float64) for v in there)
        x, exact = self.draws.draw(coupling, field, self._data, rng)
        return self._log_weight(x, here) - self._log_weight(x, there), exact

    def _log_weight(self, x: NDArray[np.int8], parameters: list[NDArray]) -> float:
        """Return −βE summed over configurations."""
        coupling, field, offset = parameters
        if self._interaction is None:
            pairs = np.sum(x[:, self._first] * x[:, self._second], axis=0, dtype=float)
            own = np.sum(x, axis=0, dtype=float) @ field
        else:
            pairs = self._interaction[x[:, self._first], x[:, self._second]].sum(axis=0)
            own = field[np.arange(x.shape[1]), x].sum()
        return float(coupling @ pairs + own + len(x) * offset)
