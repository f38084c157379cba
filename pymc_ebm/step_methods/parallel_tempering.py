"""Parallel tempering: replicas at a ladder of temperatures that exchange their configurations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pymc as pm

from numpy.typing import ArrayLike, NDArray
from pymc.step_methods.compound import BlockedStep, Competence
from pymc.util import get_value_vars_from_user_vars
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.step_methods.discrete_step import DiscreteState
from pymc_ebm.step_methods.recommendation import recommended_step
from pymc_ebm.step_methods.tempered_reals import RealParallelTempering
from pymc_ebm.step_methods.tempered_states import TemperedStates


class ParallelTempering(BlockedStep):
    r"""Replicas at inverse temperatures from 0 to the target's, which swap configurations.

    Rung k has the density ``exp(t_k log p(x))``: couplings, fields and children are all scaled by
    ``t_k``, from ``t = 0``, where every draw is independent, to ``t = 1``. Even and odd pairs of
    rungs propose swaps in turn (non-reversible, Syed et al. 2021), between heat-bath sweeps.
    While tuning, the rungs are moved until all swaps are rejected equally often, and their number
    is set so that this is about two in five.

    A real variable (any energy, or any other continuous variable of a model) has Hamiltonian
    trajectories on every rung instead of sweeps, and a ladder that starts above 0.

    Of discrete variables it fits every pairwise family, and is made for frustrated couplings (spin
    glasses), where heat bath stays in one basin. With constant parameters two ladders run side by
    side and exchange clusters of sites in which they differ (Houdayer 2001).

    Parameters
    ----------
    vars : variable or list of variables
        The discrete variable.
    sweeps : int, optional
        Rounds a draw, each one sweep of all replicas and a set of swaps; by default chosen while
        tuning.
    ladder : array_like, optional
        ``t``: at least two increasing values, the first 0 or more (for a real variable above 0),
        the last 1. By default tuned, for a real variable from 0.02.
    exchange : bool, optional
        Whether to run a second ladder of a discrete variable and exchange clusters with it: by
        default so, where its parameters are constant.
    leapfrogs : int, default 8
        Only for a real variable: most leapfrog steps of a trajectory, which takes a random number
        of them. 1 is the Metropolis-adjusted Langevin algorithm (MALA). Step sizes are tuned for
        each rung.
    model, rng, initial_point, compile_kwargs, blocked
        As for `ChromaticGibbs`.

    Raises
    ------
    ValueError
        For a ladder of one rung, one that does not increase, that starts below 0 or does not end
        at 1; for one that starts at 0 where the variable is unbounded.

    Notes
    -----
    Statistics: those of `ChromaticGibbs`; ``rungs``; ``round_trips`` between the ends of the ladder
    in a draw (of both ladders, where there are two); ``swap_rejection``, the mean over the pairs;
    and ``barrier``, the sum of the rejections, which estimates the communication barrier Λ. A
    ladder cannot make more than ``1 / (2 + 2Λ)`` round trips a round.

    For a real variable they are ``potential``, −log p(x) up to a constant, ``acceptance`` and
    ``step_size`` of the trajectories, and the four on the ladder.

    Where parameters are random, the rungs below the last keep the parameters that the chain had at
    the end of tuning. If they followed along, their densities' unknown normalising constants would
    have to enter the update of the parameters; frozen, they do not, and the swap with the last rung
    accounts for the difference exactly.

    References
    ----------
    Syed, S., Bouchard-Côté, A., Deligiannidis, G. and Doucet, A. (2021). Non-reversible parallel
    tempering: a scalable highly parallel MCMC scheme. JRSS B 84, 321-350.
    Houdayer, J. (2001). A cluster Monte Carlo algorithm for 2-dimensional spin glasses. European
    Physical Journal B 22, 479-484.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=-1.0, graph=ebm.Graph.triangular(6, 6))
    ...     step = ebm.ParallelTempering([s], sweeps=1, ladder=[0, 0.5, 1])
    >>> step.step(model.initial_point(1))[0]["s"].shape
    (6, 6)
    """

    name = "parallel_tempering"
    default_blocked = False
    _state_class = DiscreteState
    stats_dtypes_shapes = TemperedStates.stats_dtypes_shapes

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        sweeps: int | None = None,
        ladder: ArrayLike | None = None,
        exchange: bool | None = None,
        leapfrogs: int | None = None,
        model: pm.Model | None = None,
        blocked: bool = False,
        **kwargs: Any,
    ) -> None:
        model = pm.modelcontext(model)
        self.vars = get_value_vars_from_user_vars(vars, model)
        given = {"sweeps": sweeps, "ladder": ladder, "model": model, "blocked": blocked, **kwargs}
        real = [v.dtype.startswith("float") for v in self.vars]
        if any(real) and not all(real):
            names = ", ".join(str(v.name) for v in self.vars)
            raise ValueError(
                f"ParallelTempering: {names} are real and discrete. One ladder holds variables of "
                "one kind: pass two steps."
            )
        self.replicas: TemperedStates | RealParallelTempering
        if all(real):
            if leapfrogs is not None:
                given["leapfrogs"] = leapfrogs
            self.replicas = RealParallelTempering(self.vars, exchange=bool(exchange), **given)
        else:
            if leapfrogs is not None:
                raise ValueError("ParallelTempering: leapfrogs= is for real variables.")
            self.replicas = TemperedStates(self.vars, exchange=exchange is not False, **given)
        self.stats_dtypes_shapes = self.replicas.stats_dtypes_shapes
        self.stats_dtypes = self.replicas.stats_dtypes
        self.default_tune_steps = self.replicas.default_tune_steps
        self.rng = self.replicas.rng
        self.tune = True

    @classmethod
    def competence(cls, var: TensorVariable, has_grad: bool) -> int:
        """Claim the variables that this step is recommended for."""
        if recommended_step(var) == "ParallelTempering":
            return Competence.IDEAL + 1
        return Competence.INCOMPATIBLE

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Forget the previous chain."""
        super().setup_chain(rng, tune, draws)
        self.tune = tune > 0
        self.replicas.setup_chain(self.rng, tune, draws)

    def stop_tuning(self) -> None:
        """Fix the ladder, and what else is tuned."""
        self.tune = False
        self.replicas.stop_tuning()

    def step(self, point: dict[str, NDArray]) -> tuple[dict[str, NDArray], list[dict[str, Any]]]:
        """Move all replicas; return the point with the last rung's configuration."""
        return self.replicas.step(point)

    @property
    def memory(self) -> dict[str, Any]:
        """What changes while sampling."""
        return {"tune": self.tune, "replicas": self.replicas.sampling_state}

    @memory.setter
    def memory(self, memory: dict[str, Any]) -> None:
        self.tune = memory["tune"]
        self.replicas.sampling_state = memory["replicas"]
        self.replicas.rng = self.rng
