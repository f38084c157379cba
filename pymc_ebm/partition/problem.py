"""What the normalisers start from: an energy at a temperature, in the form samplers use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Constant
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy, as_parameter
from pymc_ebm.graphs import Graph

PY = Mode(linker="py", optimizer="fast_compile")


class Problem:
    """``log Σ_x exp(−β E(x))`` to be computed.

    Parameters
    ----------
    energy : Energy
        A discrete energy with a known event shape.
    beta : tensor_like
        Inverse temperature.

    Attributes
    ----------
    form : Coded or None
        Couplings and fields; None if the energy is not pairwise.
    """

    def __init__(self, energy: Energy, beta: Any = 1.0) -> None:
        self.energy = energy
        self.beta = as_parameter(beta, "log_partition: beta")
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
        return self.form is not None and self.form.interaction is None

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
        J = self.pairwise.J
        return self.beta * pt.broadcast_to(J.reshape((-1,)), (self.graph.n_edges,))

    def field(self) -> TensorVariable:
        """Return ``βh``, shape (n,) for spins, else log-weights, shape (n, q)."""
        shape = self.graph.shape if self.is_spin else (*self.graph.shape, self.q)
        field = pt.broadcast_to(self.pairwise.field, shape)
        return self.beta * field.reshape((self.n,) if self.is_spin else (self.n, self.q))

    def offset(self) -> TensorVariable:
        """Return what the form leaves out of log Z."""
        return -self.beta * self.pairwise.offset


def known_value(variable: TensorVariable) -> NDArray[np.float64] | None:
    """Return the value of an expression that depends on no variable, else None.

    Parameters
    ----------
    variable : TensorVariable
        Any expression.
    """
    inputs = [v for v in ancestors([variable]) if v.owner is None]
    if not all(isinstance(v, Constant) for v in inputs):
        return None
    return np.asarray(variable.eval(mode=PY), dtype=float)


@dataclass(frozen=True)
class Method:
    """One way to compute log Z.

    Parameters
    ----------
    name : str
        What `log_partition` calls it.
    obstacle : callable
        Problem → why the method does not apply, None if it does.
    seconds : callable
        Problem → about how long one evaluation with gradient takes.
    build : callable
        Problem → log Z as a graph.
    describe : callable
        Problem → what will be done, in a few words.
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
