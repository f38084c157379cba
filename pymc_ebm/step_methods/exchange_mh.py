"""The exchange algorithm: exact posteriors of parameters whose log Z nobody knows."""

from __future__ import annotations

import logging

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pymc.step_methods.compound import BlockedStep, Competence, StepMethodState
from pymc.step_methods.state import dataclass_state
from pymc.util import get_random_generator, get_value_vars_from_user_vars
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.evaluated import Evaluated
from pymc_ebm.log_z.unknown import permit_while_alive
from pymc_ebm.step_methods.exchanged_data import ExchangedData
from pymc_ebm.step_methods.unknown_partition import exchange_variables, parameters_of

_log = logging.getLogger("pymc.ebm")  # below PyMC's logger, so `quiet=True` holds here too

SWEEPS = 100  # of auxiliary runs that are not exact
TARGET_ACCEPTANCE = 0.3
ADAPT_EVERY = 50  # draws between updates of the proposal's covariance
FORGET = 0.6  # power of the draw's number by which corrections of the scale shrink


@dataclass_state
class ExchangeState(StepMethodState):
    """What a trace backend stores to resume."""

    tune: bool
    _updates: int
    _log_scale: float
    _history: list[NDArray]
    _root: NDArray | None
    _shaped: bool


class ExchangeMH(BlockedStep):
    """Metropolis–Hastings for the parameters of observed energies with unknown log Z.

    Proposes θ′ by a random walk, draws auxiliary data x ~ p(· | θ′), one configuration for each
    observed y, and accepts with the probability

    ``min(1, [p(θ′) f(y | θ′) f(x | θ)] / [p(θ) f(y | θ) f(x | θ′)])``, ``f = exp(−βE)``,

    in which log Z cancels. The posterior is exact where the auxiliary draws are: on graphs of low
    tree-width, and for unfrustrated spins while coupling from the past coalesces. Elsewhere they
    are the ends of runs from the data, and ``sample_stats`` says for each draw which they were.

    Parameters
    ----------
    vars : variable or list of variables
        Real parameters that enter energies declared with ``log_partition="exchange"``.
    auxiliary_sweeps : int, default 100
        Length of auxiliary runs that are not exact.
    model : Model, optional
        By default the model on the context stack.
    rng : int or Generator, optional
        Source of randomness.
    initial_point : dict, optional
        Not used; PyMC passes it to every step.
    compile_kwargs : dict, optional
        Passed to the compilation.
    blocked : bool, default True
        PyMC's switch between one step for all variables and one for each.

    Raises
    ------
    ValueError
        If no variable of the model was declared so, if one of `vars` enters none of them, or if
        an energy is not pairwise.

    Notes
    -----
    The proposal's covariance and scale adapt while tuning, to an acceptance of 0.3. Acceptance is
    bounded by how far x can differ from y: large data sets take small steps.

    References
    ----------
    Murray, I., Ghahramani, Z. and MacKay, D. J. C. (2006). MCMC for doubly-intractable
    distributions. UAI 22, 359-366. Liang, F. (2010). A double Metropolis-Hastings sampler for
    spatial models with intractable normalizing constants. JSCS 80, 1007-1022 (runs from the data).

    Examples
    --------
    >>> import numpy as np, pymc as pm, pymc_ebm as ebm
    >>> graph = ebm.Graph.square(8, 8)
    >>> picture = pm.draw(ebm.Ising.dist(0.3, graph=graph), random_seed=1)
    >>> with pm.Model():
    ...     J = pm.Normal("J", 0.0, 0.5)
    ...     s = ebm.Ising("s", J, graph=graph, observed=picture, log_partition="exchange")
    ...     idata = pm.sample(50, tune=50, chains=1, random_seed=1, progressbar=False, quiet=True)
    >>> idata.sample_stats["auxiliary_exact"].shape
    (1, 50)
    """

    name = "exchange_mh"
    default_blocked = True
    _state_class = ExchangeState
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        "acceptance": (np.float64, []),
        "accepted": (np.bool_, []),
        "auxiliary_exact": (np.bool_, []),
        "scaling": (np.float64, []),
    }

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        auxiliary_sweeps: int = SWEEPS,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = True,
    ) -> None:
        if auxiliary_sweeps != int(auxiliary_sweeps) or auxiliary_sweeps < 1:
            raise ValueError(
                f"ExchangeMH: auxiliary_sweeps must be a positive integer, got {auxiliary_sweeps}."
            )
        model = pm.modelcontext(model)
        self.vars = get_value_vars_from_user_vars(vars, model)
        self.rng = get_random_generator(rng)
        observed = exchange_variables(model)
        if not observed:
            raise ValueError(
                "ExchangeMH: no observed energy of this model leaves its log Z unknown. Declare it "
                "with log_partition='exchange'."
            )
        permit_while_alive(self, [rv.owner.inputs[-1] for rv in observed])
        mine = [model.values_to_rvs[v] for v in self.vars]
        used = {rv: parameters_of(model, rv) for rv in observed}
        for rv in mine:
            if not any(rv in parameters for parameters in used.values()):
                raise ValueError(
                    f"ExchangeMH: {rv.name!r} enters none of {[str(v.name) for v in observed]}. "
                    "Leave it to another step."
                )
        self._logp = Evaluated([model.logp()], model, compile_kwargs)
        self._data = [
            ExchangedData(rv, model, int(auxiliary_sweeps), compile_kwargs)
            for rv, parameters in used.items()
            if any(v in parameters for v in mine)
        ]
        for data in self._data:
            _log.info(f"ExchangeMH: auxiliary draws of {data.name!r} are {data.draws.describe()}")
        self._names = [str(v.name) for v in self.vars]
        self.tune = True
        self.setup_chain(self.rng, 0, 0)

    @classmethod
    def competence(cls, var: TensorVariable, has_grad: bool) -> int:
        """Claim the parameters of energies with unknown log Z."""
        model = pm.modelcontext(None)
        if var.dtype.startswith("float") and any(
            var in parameters_of(model, rv) for rv in exchange_variables(model)
        ):
            return Competence.IDEAL + 1
        return Competence.INCOMPATIBLE

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Forget the previous chain."""
        super().setup_chain(rng, tune, draws)
        for data in self._data:
            data.read()
        self._updates = 0
        self._log_scale = 0.0
        self._history: list[NDArray[np.float64]] = []
        self._root: NDArray[np.float64] | None = None
        self._shaped = False
        self.tune = True

    def stop_tuning(self) -> None:
        """Freeze the proposal."""
        super().stop_tuning()
        self.tune = False
        self._history = []

    def step(self, point: dict[str, NDArray]) -> tuple[dict[str, NDArray], list[dict[str, Any]]]:
        """Propose new parameters once.

        Parameters
        ----------
        point : dict of str to ndarray
            Values of all variables; not modified.

        Returns
        -------
        point : dict
            With the parameters replaced if the proposal was accepted.
        stats : list of one dict
            ``acceptance`` (probability), ``accepted``, ``auxiliary_exact``, ``scaling``.
        """
        sizes = [np.size(point[name]) for name in self._names]
        now = np.concatenate([np.ravel(point[name]) for name in self._names]).astype(float)
        d = now.size
        if self._root is None:
            self._root = 0.1 * np.eye(d)
        scale = 2.38 / np.sqrt(d) * np.exp(self._log_scale)
        moved = now + scale * (self._root @ self.rng.normal(size=d))
        proposal = dict(point)
        for name, part in zip(self._names, np.split(moved, np.cumsum(sizes)[:-1]), strict=True):
            proposal[name] = part.reshape(np.shape(point[name])).astype(point[name].dtype)
        log_ratio = float(self._logp(proposal)[0]) - float(self._logp(point)[0])
        exact = True
        if np.isfinite(log_ratio):
            for data in self._data:
                change, was_exact = data.exchange(point, proposal, self.rng)
                log_ratio += change
                exact &= was_exact
        acceptance = float(np.exp(min(0.0, log_ratio))) if not np.isnan(log_ratio) else 0.0
        accepted = bool(self.rng.random() < acceptance)
        if self.tune:
            self._adapt(moved if accepted else now, acceptance)
        stats = {
            "acceptance": acceptance,
            "accepted": accepted,
            "auxiliary_exact": exact,
            "scaling": float(scale),
        }
        return (proposal if accepted else point), [stats]

    def _adapt(self, now: NDArray[np.float64], acceptance: float) -> None:
        self._updates += 1
        self._log_scale += (acceptance - TARGET_ACCEPTANCE) * 2.0 / self._updates**FORGET
        self._history.append(now)
        n, d = len(self._history), now.size
        if n % ADAPT_EVERY or n < 2 * d + ADAPT_EVERY:
            return
        recent = np.array(self._history[n // 2 :])
        spread = recent.std(axis=0)
        if not np.all(spread > 0):
            return
        shrunk = np.cov(recent.T).reshape(d, d) * n / (n + 10) + np.diag(spread**2) * 10 / (n + 10)
        if not self._shaped:
            self._shaped, self._log_scale, self._updates = True, 0.0, 0
        self._root = np.linalg.cholesky(shrunk)
