"""log Z as a sum over all configurations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytensor.tensor as pt

from pytensor.graph.op import Op
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.log_z.exact.moments_op import DerivativeOp, MomentsOp, log_z_of
from pymc_ebm.log_z.exact.problem import Method, Problem

MOST_SPINS = 30  # two seconds
MOST_ENTRIES = 2**23  # of the table of all configurations, for energies that are not spins


class EnumeratedMoments(MomentsOp):
    """Spins on an edge list; see `pymc_ebm.kernels.exact_moments.edge_moments`."""

    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""
        return kernels.exact_moments.edge_moments

    def derivative_op(self) -> Op:
        """Return the Fisher information's product with a vector."""
        return EnumeratedDerivatives()


class EnumeratedDerivatives(DerivativeOp):
    """Directional derivatives of the moments."""

    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""
        return kernels.exact_moments.edge_moment_derivatives


class EnumeratedStates(MomentsOp):
    """Tables (m, q, q) and log-weights (n, q); see `pymc_ebm.kernels.enumeration_states`."""

    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""
        return kernels.enumeration_states.state_moments

    def derivative_op(self) -> Op:
        """Return the Fisher information's product with a vector."""
        return EnumeratedStatesDerivatives()


class EnumeratedStatesDerivatives(DerivativeOp):
    """Directional derivatives of the marginals."""

    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""
        return kernels.enumeration_states.state_moment_derivatives


def _table_entries(problem: Problem) -> float:
    """Return how many numbers are kept: log-weights if pairwise, else whole configurations."""
    return float(problem.q) ** problem.n * (1 if problem.form is not None else problem.n)


def _obstacle(problem: Problem) -> str | None:
    n, q = problem.n, problem.q
    if problem.is_spin:
        if n > MOST_SPINS:
            return f"2^{n} configurations of {n} spins; the limit is {MOST_SPINS} spins"
        return None
    entries = _table_entries(problem)
    if entries > MOST_ENTRIES:
        return (
            f"a table of {q}^{n} configurations would take {8 * entries:.2g} bytes; the limit is "
            f"{8 * MOST_ENTRIES:.2g}"
        )
    return None


def _seconds(problem: Problem) -> float:
    if problem.is_spin:
        return 2e-9 * 2.0**problem.n + 1e-5
    each = 2e-8 if problem.form is not None else 2e-9 * problem.n
    return each * _table_entries(problem) + 1e-4


def _energies(problem: Problem) -> TensorVariable:
    """Return E of all configurations, shape (configurations,) and a function's batch behind it."""
    states, event = problem.energy.states, problem.energy.event_shape
    assert states is not None
    assert event is not None
    counts = np.full(problem.n, problem.q) if states.counts is None else states.counts.reshape(-1)
    numbers = np.indices(tuple(counts)).reshape(problem.n, -1).T
    values = states.values[numbers].reshape(-1, *event)
    batch = getattr(problem.energy, "batch_shape", ())
    for _ in batch:
        values = values[:, None]
    whole = np.broadcast_to(values, (len(values), *batch, *event))
    return problem.energy(pt.constant(whole))


def _build(problem: Problem) -> TensorVariable:
    if problem.form is None:
        return pt.logsumexp(-problem.beta * _energies(problem), axis=0)
    ends = [np.ascontiguousarray(column) for column in problem.graph.edges.T]
    field = problem.field()
    if problem.is_spin:
        moments = log_z_of(EnumeratedMoments(), problem.coupling(), field, *ends)
        return moments + problem.offset()
    return log_z_of(EnumeratedStates(), problem.tables(), field, *ends) + problem.offset()


ENUMERATE = Method(
    "enumerate",
    _obstacle,
    _seconds,
    _build,
    lambda p: f"enumeration of {p.q}^{p.n} configurations",
)
