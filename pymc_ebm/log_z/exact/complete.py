"""log Z of the Curie–Weiss model: every pair coupled alike, a sum over the magnetisation."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.log_z.exact.problem import Method, Problem, known_value


def uniform_field(problem: Problem) -> TensorVariable | None:
    """Return the one field that all spins share, not multiplied by β; None if they differ."""
    field = problem.pairwise.field
    if all(field.type.broadcastable):
        return field.squeeze()
    known = known_value(field)
    if known is not None and np.ptp(known) == 0:
        return pt.as_tensor_variable(known.flat[0])
    return None


def _obstacle(problem: Problem) -> str | None:
    if not problem.is_spin:
        return "it is written for spins with pairwise couplings"
    n = problem.n
    if problem.graph.n_edges != n * (n - 1) // 2:
        return "the graph is not complete"
    if problem.uniform_J is None:
        return "couplings differ"
    if uniform_field(problem) is None:
        return "the field differs between spins"
    return None


def _build(problem: Problem) -> TensorVariable:
    from scipy.special import gammaln

    n, J, h = problem.n, problem.uniform_J, uniform_field(problem)
    assert J is not None
    assert h is not None
    up = np.arange(n + 1)
    log_count = gammaln(n + 1) - gammaln(up + 1) - gammaln(n - up + 1)
    total = 2.0 * up - n
    weights = log_count + problem.beta * (J * (total**2 - n) / 2 + h * total)
    return pt.logsumexp(weights) + problem.offset()


COMPLETE = Method(
    "complete",
    _obstacle,
    lambda p: 1e-5 + 2e-8 * p.n,
    _build,
    lambda p: f"the sum over {p.n + 1} magnetisations of the Curie–Weiss model",
)
