"""Single-site Metropolis sweeps."""

from __future__ import annotations

from pymc_ebm.conditionals.conditional import Conditions
from pymc_ebm.moves import metropolis as metropolis_moves
from pymc_ebm.moves import one_by_one
from pymc_ebm.step_methods.pairwise_step import PairwiseStep


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

    evaluates = True
    _chooses = staticmethod(one_by_one.metropolis)

    def _new_move(self, conditions: Conditions, entry: int) -> metropolis_moves.Metropolis:
        interaction = None if conditions.interaction is None else conditions.interaction[entry]
        graph = self._conditional.graph
        return metropolis_moves.Metropolis(graph, conditions.coupling[entry], interaction)

    def _describe(self) -> str:
        return f"Metropolis sweeps over {self._conditional.graph.n_vertices} entries"
