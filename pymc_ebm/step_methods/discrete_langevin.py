"""Discrete Langevin proposals: all entries at once, informed by the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pymc.step_methods.compound import BlockedStep, Competence
from pymc.util import get_random_generator, get_value_vars_from_user_vars
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.step_methods.informed import InformedTarget

TARGET_ACCEPTANCE = 0.574  # of a Metropolis-adjusted Langevin chain
PROPOSALS = 10


class DiscreteLangevin(BlockedStep):
    r"""Propose new values of all entries at once, each from its own distribution.

    Entry i takes value a with probability
    ``∝ exp(½ (a − x_i) ∂_i log p(x) − (a − x_i)² / (2α))``; Metropolis–Hastings corrects the
    proposal as a whole. The step size α is tuned to an acceptance of 0.574.

    Parameters
    ----------
    vars : variable or list of variables
        The discrete variable.
    proposals : int, default 10
        Proposals a draw.
    step_size : float, default 0.2
        α to start tuning from.
    model : Model, optional
        By default the model on the context stack.
    rng : int or Generator, optional
        Source of randomness.
    initial_point : dict, optional
        Not used; PyMC passes it to every step.
    compile_kwargs : dict, optional
        Passed to the compilation of the log-probability.
    blocked : bool, default False
        PyMC's switch between one step for all variables and one for each.

    Raises
    ------
    ValueError
        If the energy has no gradient, or `step_size` is not positive.

    References
    ----------
    Zhang, R., Liu, X. and Liu, Q. (2022). A Langevin-like sampler for discrete distributions.
    ICML 162, 26375-26396.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     x = ebm.Boltzmann("x", lambda x: (x.sum() - 2) ** 2, support="binary", shape=6)
    ...     step = ebm.DiscreteLangevin([x])
    >>> step.step(model.initial_point(1))[0]["x"].shape
    (6,)
    """

    name = "discrete_langevin"
    default_blocked = False
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        "spin_energy": (np.float64, []),
        "magnetization": (np.float64, []),
        "acceptance": (np.float64, []),
        "step_size": (np.float64, []),
    }

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        proposals: int = PROPOSALS,
        step_size: float = 0.2,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = False,
    ) -> None:
        if proposals != int(proposals) or proposals < 1:
            raise ValueError(
                f"DiscreteLangevin: proposals must be a positive integer, got {proposals}."
            )
        if not step_size > 0:
            raise ValueError(f"DiscreteLangevin: step_size must be positive, got {step_size}.")
        model = pm.modelcontext(model)
        (self._value_var,) = self.vars = get_value_vars_from_user_vars(vars, model)
        self.rng = get_random_generator(rng)
        rv = model.values_to_rvs[self._value_var]
        self._target = InformedTarget("DiscreteLangevin", rv, model, compile_kwargs)
        self.proposals = int(proposals)
        self._first_step_size = self.step_size = float(step_size)
        self.tune = True

    @staticmethod
    def competence(var: TensorVariable, has_grad: bool) -> int:
        """Never claim a variable: `GibbsWithGradients` is the safer default."""
        return Competence.INCOMPATIBLE

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Forget the previous chain."""
        super().setup_chain(rng, tune, draws)
        self.step_size = self._first_step_size
        self.tune = tune > 0

    def step(self, point: dict[str, NDArray]) -> tuple[dict[str, NDArray], list[dict[str, Any]]]:
        """Make the proposals.

        Parameters
        ----------
        point : dict of str to ndarray
            Values of all variables; not modified.

        Returns
        -------
        point : dict
            With the variable replaced.
        stats : list of one dict
            The sampler's statistics.
        """
        target = self._target
        x = np.asarray(point[target.name], dtype=float)
        logp, gradient, energy = target.at(x, point)
        accepted = 0.0
        for _ in range(self.proposals):
            forward = self._log_proposal(x, gradient)
            chosen = np.argmax(forward + self.rng.gumbel(size=forward.shape), axis=-1)
            new_x = target.states[chosen].reshape(x.shape).astype(float)
            new_logp, new_gradient, new_energy = target.at(new_x, point)
            backward = self._log_proposal(new_x, new_gradient)
            old = np.searchsorted(target.states, x.reshape(-1))
            entries = np.arange(old.size)
            log_ratio = (
                new_logp - logp + backward[entries, old].sum() - forward[entries, chosen].sum()
            )
            chance = float(np.exp(min(log_ratio, 0.0)))
            if self.rng.random() < chance:
                x, logp, gradient, energy = new_x, new_logp, new_gradient, new_energy
            accepted += chance
        acceptance = accepted / self.proposals
        stats = {
            "spin_energy": energy,
            "magnetization": float(x.mean()),
            "acceptance": acceptance,
            "step_size": self.step_size,
        }
        if self.tune:
            self.step_size *= float(np.exp(0.1 * (acceptance - TARGET_ACCEPTANCE)))
        return {**point, target.name: x.astype(point[target.name].dtype)}, [stats]

    def _log_proposal(
        self, x: NDArray[np.float64], gradient: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the log-probability of each value of each entry, shape (entries, q)."""
        from scipy.special import log_softmax  # an eighth of a second to import

        change = self._target.states - x.reshape(-1, 1)
        return log_softmax(
            0.5 * change * gradient.reshape(-1, 1) - change**2 / (2 * self.step_size), axis=-1
        )
