"""What the normalisers start from: an energy at a temperature, in the form samplers use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy, as_parameter, constant_value
from pymc_ebm.graphs import Graph

PY = Mode(linker="py", optimizer="fast_compile")


class Problem:
    """``log Σ_x exp(−β E(x))`` to be computed.

    `energy`: A discrete energy with a known event shape; `beta`: inverse temperature. `form`:
    couplings and fields; None if the energy is not pairwise.
    """

    def __init__(self, energy: Energy, beta: Any = 1.0) -> None:
        self.beta = as_parameter(beta, "log_partition: beta")
        known = constant_value(self.beta)
        if known is not None and np.all(known == 1.0):  # else β scales a free energy
            energy = energy.with_hidden()
        self.energy = energy
        self.form = Coded.of(energy)

    @property
    def n(self) -> int:
        """Number of variables."""
        assert self.energy.event_shape is not None
        return int(np.prod(self.energy.event_shape))

    @property
    def q(self) -> int:
        """Number of values of a variable."""
        assert self.energy.states is not None
        return len(self.energy.states)

    @property
    def pairwise(self) -> Coded:
        """The form, where the caller knows that there is one."""
        assert self.form is not None
        return self.form

    @property
    def graph(self) -> Graph:
        """Which variables interact."""
        return self.pairwise.graph

    @property
    def is_spin(self) -> bool:
        """Whether variables are coded as spins."""
        return self.form is not None and self.form.is_spin

    @property
    def batch_ndim(self) -> int:
        """How many rows' dimensions a function's batch has: those are computed together."""
        return len(getattr(self.energy, "batch_shape", ()))

    @cached_property
    def has_field(self) -> bool:
        """Whether some field is not known to be zero."""
        field = self.pairwise.field
        if not self.is_spin:
            return True
        simplified: Any = rewrite_graph(field, include=("fusion", "canonicalize"))
        value = known_value(simplified)
        return value is None or bool(np.any(value))

    @cached_property
    def known_J(self) -> NDArray[np.float64] | None:
        """Couplings, not multiplied by β, that depend on no variable; else None."""
        return known_value(self.pairwise.J)

    @property
    def uniform_J(self) -> TensorVariable | None:
        """The one coupling that all edges share, if they do."""
        J, known = self.pairwise.J, self.known_J
        if J.ndim == 0:
            return J
        if known is not None and known.size and np.all(known == known.flat[0]):
            return pt.as_tensor_variable(known.flat[0])
        return None

    def coupling(self) -> TensorVariable:
        """Return ``βJ`` of every edge, shape (m,)."""
        return self.beta * pt.broadcast_to(self.pairwise.J, (self.graph.n_edges,))

    @property
    def known_interaction(self) -> NDArray[np.float64] | None:
        """What couples a pair of states, as numbers; None for spins."""
        interaction = self.pairwise.interaction
        if interaction is None or isinstance(interaction, np.ndarray):
            return interaction
        return known_value(interaction)

    def tables(self) -> TensorVariable:
        """Return ``βJ K`` of every edge, shape (m, q, q)."""
        interaction: Any = self.pairwise.interaction
        table = pt.as_tensor(interaction)
        return pt.shape_padright(self.coupling(), 2) * table

    def field(self) -> TensorVariable:
        """Return ``βh``, shape (n,) for spins, else log-weights, shape (n, q)."""
        shape = self.graph.shape if self.is_spin else (*self.graph.shape, self.q)
        field = self.beta * pt.broadcast_to(self.pairwise.field, shape)
        absent = self.pairwise.states.absent()
        if absent is not None:  # after β, which times −∞ would have no derivative
            field = field + absent.reshape(shape)
        return field.reshape((self.n,) if self.is_spin else (self.n, self.q))

    def offset(self) -> TensorVariable:
        """Return what the form leaves out of log Z."""
        return -self.beta * self.pairwise.offset


def known_value(variable: TensorVariable) -> NDArray[np.float64] | None:
    """Return the value of an expression that depends on no variable, else None.

    `variable`: any expression.
    """
    inputs = [v for v in ancestors([variable]) if v.owner is None]
    if not all(isinstance(v, Constant) for v in inputs):
        return None
    return np.asarray(variable.eval(mode=PY), dtype=float)


@dataclass(frozen=True)
class Method:
    """One way to compute log Z.

    `name`: what `log_partition` calls it; `obstacle`: problem → why the method does not apply, None
    if it does; `seconds`: problem → about how long one evaluation with gradient takes; `build`:
    problem → log Z as a graph; `describe`: problem → what will be done, in a few words.
    """

    name: str
    obstacle: Callable[[Problem], str | None]
    seconds: Callable[[Problem], float]
    build: Callable[[Problem], TensorVariable]
    describe: Callable[[Problem], str]


def one_set(problem: Problem) -> str | None:
    """Say so if parameters carry batch dimensions: then there is no one log Z."""
    if problem.beta.ndim:
        return "beta differs between batch entries"
    for name, value in problem.energy.parameters.items():
        batch = value.ndim - problem.energy.core_ndims[name]
        if batch > 0 and not all(value.type.broadcastable[:batch]):
            return f"{name} differs between batch entries (shape {value.type.shape})"
    return None


def one_row(energy: Energy, beta: Any) -> tuple[Problem, dict[Variable, Variable]]:
    """Return the problem of one set of parameters, and what to put in for those of all rows.

    Parameters without leading dimensions stay what they are, so that what is known of them is used.
    """
    beta = as_parameter(beta, "log_partition: beta")
    if getattr(energy, "batch_shape", ()):  # a function of rows' data: all rows at once, β too
        return Problem(energy, beta), {}
    rows: dict[Variable, Variable] = {}
    core: dict[str, TensorVariable] = {}
    for name, value in energy.parameters.items():
        ndim = energy.core_ndims[name]
        core[name] = _without_rows(value, ndim, f"row_of_{name}", rows)
    beta = _without_rows(beta, 0, "row_of_beta", rows)
    return Problem(energy.replace(**core), beta), rows


def _without_rows(
    value: TensorVariable, core_ndim: int, name: str, rows: dict[Variable, Variable]
) -> TensorVariable:
    """Return what stands for one row of a parameter; itself if there are none."""
    batch = value.ndim - core_ndim
    if batch <= 0:
        return value
    if all(value.type.broadcastable[:batch]):
        return cast(TensorVariable, value.squeeze(tuple(range(batch))))
    one = pt.tensor(name=name, shape=value.type.shape[batch:], dtype=value.dtype)
    rows[one] = value
    return one
