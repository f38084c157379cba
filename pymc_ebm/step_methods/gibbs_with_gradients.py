"""Gibbs with gradients: which entry to change is guessed from the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.step_methods.discrete_step import DiscreteStep, Point, checked_count
from pymc_ebm.step_methods.informed import InformedTarget

MOST_PROPOSALS = 100


class GibbsWithGradients(DiscreteStep):
    r"""Propose the change of one entry that the gradient says is likely to be accepted.

    With ``d[i, a] = (a − x_i) ∂_i log p(x)``, the change of entry i to value a is proposed with
    probability ``∝ exp(d[i, a] / 2)`` and accepted by Metropolis–Hastings, so the guess need not
    be right. Fits any discrete energy with a gradient, and children that tie several entries
    together.

    Parameters
    ----------
    vars : variable or list of variables
        The discrete variable.
    proposals : int, optional
        Proposals a draw; by default the number of entries, at most 100.
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
        If the energy has no gradient.

    Notes
    -----
    Statistics: ``spin_energy``, ``magnetization`` (mean value) and ``acceptance``.

    References
    ----------
    Grathwohl, W. et al. (2021). Oops I took a gradient: scalable sampling for discrete
    distributions. ICML 139, 3831-3841.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     x = ebm.Boltzmann("x", lambda x: (x.sum() - 2) ** 2, support="binary", shape=6)
    ...     step = ebm.GibbsWithGradients([x])
    >>> step.step(model.initial_point(1))[0]["x"].shape
    (6,)
    """

    name = "gibbs_with_gradients"
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        **DiscreteStep.stats_dtypes_shapes,
        "acceptance": (np.float64, []),
    }

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        proposals: int | None = None,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = False,
    ) -> None:
        self._given = checked_count("GibbsWithGradients", "proposals", proposals)
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
        self._target = InformedTarget("GibbsWithGradients", rv, model, compile_kwargs)
        self.proposals = self._given or min(int(np.prod(self._target.shape)), MOST_PROPOSALS)

    def _move(self, value: NDArray, point: Point) -> tuple[NDArray, dict[str, Any]]:
        target = self._target
        x = np.asarray(value, dtype=float)
        logp, gradient, energy = target.at(x, point)
        scores = self._scores(x, gradient)
        accepted = 0
        # a coin decides on one more: always an even number would keep the parity of a chain whose
        # proposals are all accepted
        proposals = self.proposals + int(self.rng.integers(2))
        for _ in range(proposals):
            i, a = divmod(
                int(np.argmax((scores + self.rng.gumbel(size=scores.shape)).reshape(-1))),
                target.states.size,
            )
            old = int(np.flatnonzero(target.states == x.reshape(-1)[i])[0])
            new_x = x.copy()
            new_x.reshape(-1)[i] = target.states[a]
            new_logp, new_gradient, new_energy = target.at(new_x, point)
            new_scores = self._scores(new_x, new_gradient)
            log_ratio = new_logp - logp + new_scores[i, old] - scores[i, a]
            if np.log(self.rng.random()) < log_ratio:
                x, logp, scores, energy = new_x, new_logp, new_scores, new_energy
                accepted += 1
        stats = {
            "spin_energy": energy,
            "magnetization": target.order(x),
            "acceptance": accepted / proposals,
        }
        return x, stats

    def _scores(self, x: NDArray[np.float64], gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-probability of each proposal, shape (entries, q); −∞ for no change."""
        from scipy.special import logsumexp  # an eighth of a second to import

        change = self._target.states - x.reshape(-1, 1)
        scores = np.where(change == 0, -np.inf, 0.5 * change * gradient.reshape(-1, 1))
        return scores - logsumexp(scores)
