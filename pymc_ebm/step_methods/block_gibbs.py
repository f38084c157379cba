"""Block Gibbs sampling of a restricted Boltzmann machine."""

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

from pymc_ebm.boltzmann import BoltzmannRV
from pymc_ebm.children.fields import children_field
from pymc_ebm.energies.energy import constant_value
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.step_methods.evaluated import Evaluated
from pymc_ebm.step_methods.recommendation import recommended_step
from pymc_ebm.step_methods.two_blocks import BipartiteBlockGibbs

SWEEPS = 10


class BlockGibbs(BlockedStep):
    r"""Draw one side of a bipartite graph given the other, then the other given the first.

    In a restricted Boltzmann machine the sides are the hidden and the visible units:
    ``P(h_j = 1 | v) = σ(c_j + (vᵀW)_j)`` and ``P(v_i = 1 | h) = σ(b_i + (Wh)_i + f_i)``, f being
    the log-odds that elementwise children of the visible units contribute. The hidden units live
    inside the step; weights and biases may be random.

    Any other pairwise variable, spins or states, is drawn likewise if its graph has two sides, as
    square and cubic lattices with even lengths have.

    Parameters
    ----------
    vars : variable or list of variables
        The visible units of an `RBM`, or a pairwise variable on a bipartite graph.
    sweeps : int, optional
        Pairs of updates a draw; by default 10 for an RBM, and else chosen while tuning.
    model : Model, optional
        By default the model on the context stack.
    rng : int or Generator, optional
        Source of randomness.
    initial_point : dict, optional
        Not used; PyMC passes it to every step.
    compile_kwargs : dict, optional
        Passed to the compilation of weights and fields.
    blocked : bool, default False
        PyMC's switch between one step for all variables and one for each.

    Raises
    ------
    ValueError
        If the variable is an RBM whose `beta` is not inside it, if the graph has a cycle of odd
        length (it is named), or if a child ties several units together.

    Examples
    --------
    >>> import numpy as np, pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     v = ebm.RBM("v", W=np.ones((4, 2)))
    ...     step = ebm.BlockGibbs([v])
    >>> step.step(model.initial_point(1))[0]["v"].shape
    (4,)
    """

    name = "block_gibbs"
    default_blocked = False
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        "spin_energy": (np.float64, []),
        "magnetization": (np.float64, []),
    }

    def __new__(cls, vars: Sequence[Variable] | Variable, **kwargs: Any) -> Any:
        """Build the sampler of an RBM, or that of a pairwise variable."""
        model = pm.modelcontext(kwargs.get("model"))
        rvs = [model.values_to_rvs[v] for v in get_value_vars_from_user_vars(vars, model)]
        if rvs and not any(_is_rbm(rv) for rv in rvs):
            return BipartiteBlockGibbs(vars, **kwargs)
        return super().__new__(cls, vars, **kwargs)

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        sweeps: int | None = None,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = False,
    ) -> None:
        if sweeps is not None and (sweeps != int(sweeps) or sweeps < 1):
            raise ValueError(f"BlockGibbs: sweeps must be a positive integer, got {sweeps}.")
        model = pm.modelcontext(model)
        (self._value_var,) = self.vars = get_value_vars_from_user_vars(vars, model)
        self.rng = get_random_generator(rng)
        self.sweeps = int(sweeps or SWEEPS)
        rv = model.values_to_rvs[self._value_var]
        self._name = str(rv.name)
        energy, beta, _log_z = rv.owner.op.bind(rv.owner.inputs[2:])
        constant = constant_value(beta)
        if constant is None or not np.all(constant == 1.0):
            raise ValueError(
                f"BlockGibbs: {rv.name!r} scales a free energy by beta, and that is no RBM. Pass "
                "beta to ebm.RBM, which scales the joint energy."
            )
        parameters = [energy.parameters[name] for name in ("W", "b", "c")]
        self._parameters = Evaluated(model.replace_rvs_by_values(parameters), model, compile_kwargs)
        _names, field = children_field(model, rv, (0, 1), "BlockGibbs")
        self._field = None if field is None else Evaluated([field], model, compile_kwargs)

    @staticmethod
    def competence(var: TensorVariable, has_grad: bool) -> int:
        """Claim restricted Boltzmann machines."""
        if recommended_step(var) == "BlockGibbs":
            return Competence.IDEAL + 1
        return Competence.INCOMPATIBLE

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Forget the previous chain."""
        super().setup_chain(rng, tune, draws)
        for evaluated in (self._parameters, self._field):
            if evaluated is not None:
                evaluated.forget()

    def step(self, point: dict[str, NDArray]) -> tuple[dict[str, NDArray], list[dict[str, Any]]]:
        """Update hidden and visible units, `sweeps` times.

        Parameters
        ----------
        point : dict of str to ndarray
            Values of all variables; not modified.

        Returns
        -------
        point : dict
            With the visible units replaced.
        stats : list of one dict
            ``spin_energy`` (the free energy) and ``magnetization`` (mean activity).
        """
        from scipy.special import expit  # an eighth of a second to import

        W, b, c = self._parameters(point)
        visible = np.asarray(point[self._name], dtype=float)
        bias = b
        if self._field is not None:
            bias = b + 2.0 * np.clip(self._field(point)[0], -1e6, 1e6)
            if np.isnan(bias).any():
                raise ValueError(
                    f"BlockGibbs: the likelihood of {self._name!r} gives an entry probability zero "
                    "(or NaN) at both values. Check the data and the parameters' priors there."
                )
        for _ in range(self.sweeps):
            up = expit(c + _forward(visible, W))
            hidden = (self.rng.random(up.shape) < up).astype(float)
            up = expit(bias + _backward(hidden, W))
            visible = (self.rng.random(up.shape) < up).astype(float)
        inputs = c + _forward(visible, W)
        energy = -np.sum(visible * b) - np.sum(np.logaddexp(0.0, inputs))
        stats = {"spin_energy": float(energy), "magnetization": float(visible.mean())}
        return {**point, self._name: visible.astype(point[self._name].dtype)}, [stats]


def _is_rbm(rv: TensorVariable) -> bool:
    op = getattr(rv.owner, "op", None)
    return isinstance(op, BoltzmannRV) and isinstance(op.energy, RBM)


def _forward(visible: NDArray, W: NDArray) -> NDArray:
    """Return ``vᵀW`` for a batch of units and, possibly, of weights."""
    return (visible[..., None, :] @ W)[..., 0, :]


def _backward(hidden: NDArray, W: NDArray) -> NDArray:
    """Return ``Wh``."""
    return (W @ hidden[..., :, None])[..., 0]
