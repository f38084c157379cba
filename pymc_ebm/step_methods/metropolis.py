"""Single-site Metropolis sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pymc.util import get_value_vars_from_user_vars
from pytensor.graph.basic import Variable

from pymc_ebm.moves import metropolis as metropolis_moves
from pymc_ebm.step_methods.metropolis_any import AnyMetropolis
from pymc_ebm.step_methods.pairwise_step import PairwiseStep
from pymc_ebm.step_methods.recommendation import is_pairwise_with_fields


class Metropolis(PairwiseStep):
    r"""Propose another value of each entry in turn; accept with ``min(1, exp(−βΔE))``.

    Fits every discrete energy. Heat bath (`ChromaticGibbs`) mixes about as well and is
    faster here; this one is for comparisons and for teaching. All acceptance probabilities are
    multiplied by 15/16: at infinite temperature the chain would otherwise alternate for ever.

    An energy that is not pairwise, or a child that ties several entries together, costs an
    evaluation of the log-probability a proposal, some microseconds instead of nanoseconds; no
    gradient is needed. There `sweeps` is 1 by default, and entries are visited in random order.

    Parameters
    ----------
    vars : variable or list of variables
        The discrete variable.
    sweeps : int, optional
        Sweeps a draw; by default chosen while tuning.
    model, rng, initial_point, compile_kwargs, blocked
        As for `ChromaticGibbs`.

    References
    ----------
    Metropolis, N. et al. (1953). Equation of state calculations by fast computing machines.
    Journal of Chemical Physics 21, 1087-1092.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     x = ebm.Potts("x", J=0.5, q=3, graph=ebm.Graph.square(4, 4))
    ...     step = ebm.Metropolis([x], sweeps=2)
    >>> step.step(model.initial_point(1))[0]["x"].shape
    (4, 4)
    """

    name = "metropolis_spins"

    def __new__(cls, vars: Sequence[Variable] | Variable, **kwargs: Any) -> Any:
        """Build the compiled sampler of a pairwise variable, or that of any other energy."""
        model = pm.modelcontext(kwargs.get("model"))
        rvs = [model.values_to_rvs[v] for v in get_value_vars_from_user_vars(vars, model)]
        if rvs and not any(is_pairwise_with_fields(rv, model) for rv in rvs):
            return AnyMetropolis(vars, **kwargs)
        return super().__new__(cls, vars, **kwargs)

    def _new_move(self, coupling: NDArray[np.float64]) -> metropolis_moves.Metropolis:
        conditional = self._conditional
        return metropolis_moves.Metropolis(conditional.graph, coupling, conditional.interaction)

    def _describe(self) -> str:
        return f"Metropolis sweeps over {self._conditional.graph.n_vertices} entries"
