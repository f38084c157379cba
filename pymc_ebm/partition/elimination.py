"""log Z of sparse graphs, variable by variable: chains, trees, strips, any low tree-width."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.partition.elimination_order import plan_elimination
from pymc_ebm.partition.moments_op import MomentsOp, log_z_of
from pymc_ebm.partition.problem import Method, Problem

MOST_ENTRIES = 2**26  # of all tables: 1 GB for two states, some seconds
SPIN = np.array([[1.0, -1.0], [-1.0, 1.0]])


class EliminatedMoments(MomentsOp):
    """Couplings and log-weights on a plan; see `pymc_ebm.kernels.elimination.eliminate`."""

    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""
        return kernels.elimination.eliminate


def _bytes(problem: Problem) -> float:
    return 8.0 * problem.q * plan_elimination(problem.graph).entries(problem.q)


def _obstacle(problem: Problem) -> str | None:
    if problem.form is None:
        return f"{type(problem.energy).__name__} is not pairwise"
    plan = plan_elimination(problem.graph)
    if plan.entries(problem.q) > MOST_ENTRIES:
        return (
            f"the best order found has tree-width {plan.width}: tables of up to "
            f"{problem.q}^{plan.width} states, {_bytes(problem):.2g} bytes in all; the limit is "
            f"{8 * problem.q * MOST_ENTRIES:.2g}"
        )
    return None


def _seconds(problem: Problem) -> float:
    return 4e-8 * problem.q * plan_elimination(problem.graph).entries(problem.q) + 1e-5


def _build(problem: Problem) -> TensorVariable:
    plan, field = plan_elimination(problem.graph), problem.field()
    interaction = problem.pairwise.interaction
    if interaction is None:
        interaction, field = SPIN, pt.stack([-field, field], axis=-1)
    log_z = log_z_of(
        EliminatedMoments(),
        problem.coupling(),
        field,
        interaction,
        plan.order,
        plan.scope_ptr,
        plan.edge_of,
        plan.position,
        plan.parent,
        plan.table_ptr(problem.q),
    )
    return log_z + problem.offset()


def _describe(problem: Problem) -> str:
    plan = plan_elimination(problem.graph)
    return (
        f"elimination of {problem.n} variables, tree-width {plan.width}, "
        f"{plan.entries(problem.q):,.0f} table entries"
    )


ELIMINATION = Method("elimination", _obstacle, _seconds, _build, _describe)
