"""log Z of sparse graphs, variable by variable: chains, trees, strips, any low tree-width."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.energies.coded import SPIN_PRODUCT
from pymc_ebm.graphs.elimination_order import Plan, plan_elimination
from pymc_ebm.log_z.exact.moments_op import MomentsOp, log_z_of
from pymc_ebm.log_z.exact.problem import Method, Problem

MOST_ENTRIES = 2**26  # of all tables: 1 GB for two states, some seconds


class EliminatedMoments(MomentsOp):
    """Couplings and log-weights on a plan; see `pymc_ebm.kernels.elimination.eliminate`."""

    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""
        return kernels.elimination.eliminate


class EliminatedTableMoments(MomentsOp):
    """A table an edge and log-weights; see `pymc_ebm.kernels.elimination.eliminate_tables`."""

    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""
        return kernels.elimination.eliminate_tables


def _plan(problem: Problem) -> Plan:
    plan = plan_elimination(problem.graph)
    assert plan is not None  # the obstacle was asked for first
    return plan


def _obstacle(problem: Problem) -> str | None:
    if problem.form is None:
        return f"{type(problem.energy).__name__} is not pairwise"
    plan, q = plan_elimination(problem.graph), problem.q
    if plan is None:
        return "no order of elimination was found with fewer than 2^44 table entries"
    if plan.entries(q) > MOST_ENTRIES:
        return (
            f"the best order found has tree-width {plan.width}: tables of up to {q}^{plan.width} "
            f"states, {8 * q * plan.entries(q):.2g} bytes in all; the limit is "
            f"{8 * q * MOST_ENTRIES:.2g}"
        )
    return None


def _seconds(problem: Problem) -> float:
    return 4e-8 * problem.q * _plan(problem).entries(problem.q) + 1e-5


def _build(problem: Problem) -> TensorVariable:
    plan, field, form = _plan(problem), problem.field(), problem.pairwise
    scope, positions = (plan.order, plan.scope_ptr), (plan.edge_of, plan.position, plan.parent)
    ends = plan.table_ptr(problem.q)
    if form.has_tables or not (form.is_spin or _is_symmetric(form.interaction)):
        by_table = (EliminatedTableMoments(), problem.tables())
        return log_z_of(*by_table, field, *scope, plan.scope, *positions, ends) + problem.offset()
    interaction = form.interaction
    if form.is_spin:
        interaction, field = SPIN_PRODUCT, pt.stack([-field, field], axis=-1)
    op, coupling = EliminatedMoments(), problem.coupling()
    return log_z_of(op, coupling, field, interaction, *scope, *positions, ends) + problem.offset()


def _is_symmetric(interaction: Any) -> bool:
    return np.array_equal(interaction, interaction.T)


def _describe(problem: Problem) -> str:
    plan = _plan(problem)
    return (
        f"elimination of {problem.n} variables, tree-width {plan.width}, "
        f"{plan.entries(problem.q):,.0f} table entries"
    )


ELIMINATION = Method("elimination", _obstacle, _seconds, _build, _describe)
