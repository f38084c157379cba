"""Discrete Langevin proposals: all entries at once, informed by the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pymc.step_methods.compound import Competence
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.step_methods.discrete_step import DiscreteStep, Point, checked_count
from pymc_ebm.step_methods.informed import InformedTarget

TARGET_ACCEPTANCE = 0.574  # of a Metropolis-adjusted Langevin chain
PROPOSALS = 10


class DiscreteLangevin(DiscreteStep):
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
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        **DiscreteStep.stats_dtypes_shapes,
        "acceptance": (np.float64, []),
        "step_size": (np.float64, []),
    }
    remembered = ("tune", "step_size")

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
        if not step_size > 0:
            raise ValueError(f"DiscreteLangevin: step_size must be positive, got {step_size}.")
        self.proposals = checked_count("DiscreteLangevin", "proposals", proposals) or PROPOSALS
        self._first_step_size = self.step_size = float(step_size)
        super().__init__(
            vars,
            model=model,
            rng=rng,
            initial_point=initial_point,
            compile_kwargs=compile_kwargs,
            blocked=blocked,
        )

    def _prepare(
        self, rv: TensorVariable, model: pm.Model, initial_point: Any, compile_kwargs: dict | None
    ) -> None:
        self._target = InformedTarget("DiscreteLangevin", rv, model, compile_kwargs)

    @classmethod
    def competence(cls, var: TensorVariable, has_grad: bool) -> int:
        """Never claim a variable: `GibbsWithGradients` is the safer default."""
        return Competence.INCOMPATIBLE

    def _begin(self, tune: int, draws: int) -> None:
        self.step_size = self._first_step_size

    def _move(self, value: NDArray, point: Point) -> tuple[NDArray, dict[str, Any]]:
        target = self._target
        x = np.asarray(value, dtype=float)
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
            "magnetization": target.order(x),
            "acceptance": acceptance,
            "step_size": self.step_size,
        }
        if self.tune:
            self.step_size *= float(np.exp(0.1 * (acceptance - TARGET_ACCEPTANCE)))
        return x, stats

    def _log_proposal(
        self, x: NDArray[np.float64], gradient: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the log-probability of each value of each entry, shape (entries, q)."""
        from scipy.special import log_softmax  # an eighth of a second to import

        change = self._target.states - x.reshape(-1, 1)
        return log_softmax(
            0.5 * change * gradient.reshape(-1, 1) - change**2 / (2 * self.step_size), axis=-1
        )
