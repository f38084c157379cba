"""Choosing among the exact normalisers, and saying what was chosen."""

from __future__ import annotations

import logging

from typing import Any

from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy
from pymc_ebm.log_z.exact.complete import COMPLETE
from pymc_ebm.log_z.exact.elimination import ELIMINATION
from pymc_ebm.log_z.exact.enumeration import ENUMERATE
from pymc_ebm.log_z.exact.layers import LAYERS
from pymc_ebm.log_z.exact.planar import PLANAR
from pymc_ebm.log_z.exact.problem import Method, Problem, one_row
from pymc_ebm.log_z.exact.real import closed_form_log_z
from pymc_ebm.log_z.exact.torus import TORUS
from pymc_ebm.log_z.exact.transfer_matrix import TRANSFER_MATRIX

METHODS: dict[str, Method] = {
    method.name: method
    for method in (COMPLETE, TORUS, LAYERS, ENUMERATE, TRANSFER_MATRIX, ELIMINATION, PLANAR)
}

_log = logging.getLogger("pymc.ebm")  # below PyMC's logger, so `quiet=True` holds here too


def log_partition(energy: Energy, *, beta: Any = 1.0, method: str = "auto") -> TensorVariable:
    r"""Return the exact, differentiable ``log Z = log Σ_x exp(−β E(x))`` of an energy.

    Over real values the sum is an integral, known for `Gaussian` (and sums of them),
    `GaussianMixture` at β = 1, `Ring`, `DoubleWell`, and multiples of these.

    Parameters
    ----------
    energy : Energy
        Its parameters may be numbers, tensors or random variables.
    beta : scalar tensor_like, default 1.0
        Inverse temperature.
    method : str, default "auto"
        - ``"enumerate"``: all configurations. Spins up to 30, with second derivatives; other
          discrete energies, pairwise or not, up to 8 million table entries.
        - ``"layers"``: an RBM by all configurations of its smaller layer, up to 26 units.
        - ``"transfer_matrix"``: `Graph.square` with an open axis, up to 16 spins wide, any length,
          any couplings and fields.
        - ``"elimination"``: any pairwise energy on a graph of low tree-width: chains and trees in
          linear time, strips, sparse graphs; Potts states, too.
        - ``"torus"``: periodic `Graph.square` without a field, one coupling an axis.
        - ``"planar"``: spins without a field on any planar graph, up to 1 500 edges.
        - ``"complete"``: every pair coupled alike, one field.
        - ``"auto"``: of those that apply, the one that costs least; the log says which.

    Returns
    -------
    TensorVariable, shape () or (rows,)
        One value; where parameters carry leading dimensions, one for each of their entries.
        Compiles with numba and JAX.

    Raises
    ------
    ValueError
        If the method, or with ``"auto"`` every method, does not apply: the message says why, with
        numbers of states and bytes, and what else there is.

    See Also
    --------
    estimate_log_partition : with an error bar, where exactness is out of reach.

    Notes
    -----
    ``∂ log Z/∂J_ij = β ⟨s_i s_j⟩`` and ``∂ log Z/∂h_i = β ⟨s_i⟩``: one evaluation computes log Z
    and these means together.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> torus = ebm.energies.Ising(0.4406868, graph=ebm.Graph.square(64, 64))
    >>> round(float(ebm.log_partition(torus).eval()) / 64**2, 6)
    0.929852
    """
    if not isinstance(energy, Energy):
        raise TypeError(f"log_partition: energy is a {type(energy).__name__}; pass an Energy.")
    if energy.event_shape is None:
        raise ValueError(
            "log_partition: the energy does not know the shape of a configuration; use "
            "energy.with_event_shape(...)."
        )
    problem, rows = one_row(energy, beta)
    log_z = _of_one_row(problem, method)
    return vectorize_graph(log_z, replace=rows) if rows else log_z  # type: ignore[return-value,arg-type]


def _of_one_row(problem: Problem, method: str) -> TensorVariable:
    """Return log Z of one set of parameters, shape (); of all rows of a function's batch."""
    energy = problem.energy
    if energy.states is None:
        closed = closed_form_log_z(energy, problem.beta) if method == "auto" else None
        if closed is None:
            raise ValueError(
                f"log_partition: no closed form of log Z is known for {type(energy).__name__} over "
                "real values"
                + (". " if method == "auto" else f" by method={method!r}. ")
                + "At given parameters ebm.estimate_log_partition and ebm.temper estimate it."
            )
        _log.info(f"log Z of {type(energy).__name__}: in closed form, or by one integral")
        return closed
    if method == "auto":
        chosen = choose(problem)
        if chosen is None:
            raise ValueError(f"log_partition: {out_of_reach(problem)}")
    else:
        if method not in METHODS:
            raise ValueError(
                f"log_partition: method={method!r} is none of auto, {', '.join(METHODS)}."
            )
        chosen = METHODS[method]
        why = chosen.obstacle(problem)
        if why is not None:
            fitting = [name for name, other in METHODS.items() if other.obstacle(problem) is None]
            instead = f"Use {', '.join(map(repr, fitting))}." if fitting else _ALTERNATIVES
            raise ValueError(f"log_partition: method={method!r} does not apply: {why}. {instead}")
    _log.info(f"log Z of {type(energy).__name__}: {chosen.describe(problem)}")
    return chosen.build(problem)


_ALTERNATIVES = (
    "Instead: ebm.estimate_log_partition for a number with an error bar; for a posterior, "
    "log_partition='pseudo' (biased), ebm.LogPartitionTable for one coupling and one field, or "
    "log_partition='exchange' with ebm.ExchangeMH."
)


def seconds_of_exact(energy: Energy) -> float | None:
    """Return about how long log Z with its gradient takes at one set of parameters, None if never.

    Closed forms count as a millisecond.
    """
    if energy.event_shape is None:
        return None
    problem, _rows = one_row(energy, 1.0)
    if energy.states is None:
        return None if closed_form_log_z(problem.energy, problem.beta) is None else 1e-3
    method = choose(problem)
    return None if method is None else method.seconds(problem)


def way_out(energy: Energy, beta: Any) -> str:
    """Say what would give log Z as a function of its parameters, in one or more sentences."""
    if energy.states is None:
        problem, _rows = one_row(energy, beta)
        if closed_form_log_z(problem.energy, problem.beta) is not None:
            return "Pass log_partition='auto': it is known in closed form, or is one integral."
        return (
            "Pass log_partition= as a tensor or a function of the energy (a Gaussian of scale σ in "
            "d dimensions has d log σ), or fix the parameters."
        )
    problem, _rows = one_row(energy, beta)
    method = choose(problem)
    if method is None:
        reach = out_of_reach(problem)
        return reach[0].upper() + reach[1:]
    return f"Pass log_partition='auto': {method.describe(problem)}."


def choose(problem: Problem) -> Method | None:
    """Return the cheapest method that applies, if any.

    `problem`: what is to be computed.
    """
    fitting = [method for method in METHODS.values() if method.obstacle(problem) is None]
    return min(fitting, key=lambda method: method.seconds(problem), default=None)


def out_of_reach(problem: Problem) -> str:
    """Say why no exact method applies, and what else there is.

    `problem`: what is to be computed.
    """
    reasons = "\n".join(f"  {name}: {method.obstacle(problem)}" for name, method in METHODS.items())
    size = f"{problem.n} variables of {problem.q} values"
    return f"no exact method reaches these {size}.\n{reasons}\n{_ALTERNATIVES}"
