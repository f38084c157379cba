"""Chromatic Gibbs sampling: heat-bath sweeps over the colours of a graph."""

from __future__ import annotations

import logging

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from numpy.typing import NDArray
from pymc.step_methods.compound import BlockedStep, Competence, StepMethodState
from pymc.step_methods.state import dataclass_state
from pymc.util import get_random_generator, get_value_vars_from_user_vars
from pytensor.graph.basic import Variable
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.boltzmann import BoltzmannRV
from pymc_ebm.energies.ising import Ising
from pymc_ebm.step_methods.elementwise import NotElementwiseError, field_from_terms
from pymc_ebm.sweeper import Sweeper

_log = logging.getLogger("pymc.ebm")  # below PyMC's logger, so `quiet=True` holds here too

FIRST_SWEEPS = 4
WARM_START_SWEEPS = 50
TARGET_INEFFICIENCY = (
    1.5  # draws per independent draw; at 1 a draw could never be seen to be too long
)
MOST_UPDATES = 2**20  # spin updates a draw, about 3 ms: PyMC spends 0.2 ms around a draw
FEWEST_MOST_SWEEPS = 32  # so many sweeps are allowed however many spins there are
ADAPTATIONS = 4  # times the number of sweeps is reconsidered while tuning
FEWEST_RECORDS = 20


@dataclass_state
class ChromaticGibbsState(StepMethodState):
    """What a trace backend stores to resume."""

    sweeps: int
    tune: bool


class ChromaticGibbs(BlockedStep):
    r"""Heat-bath sweeps over the colours of a graph.

    Each update draws one spin from its exact conditional,
    ``P(s_i = +1 | rest) = 1 / (1 + exp(−2β(h_i + Σ_j J_ij s_j)))``. Vertices of one colour do not
    interact, so they are updated in a row. `pymc.sample` assigns this step to Ising variables and
    to Boltzmann machines by itself.

    Elementwise children of the spins (a Normal, Bernoulli or Poisson likelihood, a custom flip
    channel, missing pixels) enter exactly, as the field ``½(ℓ_i(+1) − ℓ_i(−1))``, evaluated anew
    in every step because their parameters may be sampled too.

    Parameters
    ----------
    vars : variable or list of variables
        The spin variable. With several, each gets a step of its own.
    sweeps : int, optional
        Sweeps a draw. By default chosen while tuning so that draws are nearly independent in
        energy and magnetisation, at most about a million spin updates (and never less than 32
        sweeps) a draw.
    model : Model, optional
        By default the model on the context stack.
    rng : int or Generator, optional
        Source of randomness.
    initial_point : dict, optional
        Values of the other variables for a chain's first sweeps (see Notes); by default the
        model's initial point.
    compile_kwargs : dict, optional
        Passed to the compilation of the fields.
    blocked : bool, default False
        PyMC's switch between one step for all variables and one for each.

    Raises
    ------
    ValueError
        If a variable is not a pairwise model of two-valued spins, if a child depends on several
        spins at once, or if `sweeps` is not positive.

    Notes
    -----
    The sampler's statistics are ``spin_energy`` (E(s), not multiplied by β; a batch is summed),
    ``magnetization`` (mean of the variable's spins) and ``sweeps``. They are not called ``energy``
    because ArviZ reserves that name for the Hamiltonian of HMC.

    Chains start at arbitrary spins. Likelihood parameters that had adapted to those would describe
    noise, and could hold the spins in a metastable state for ever. So where children exert a
    field, the first iteration of tuning draws each spin from its likelihood alone (unless the
    variable has an `initval`) and sweeps 50 times, both at the parameters' *initial* values.

    Sequential heat bath keeps the distribution but is not reversible. Near a critical point it
    slows down as L^2.17, and in a frustrated model it stays in one basin; `pymc_ebm.ergodicity`
    says so when it happens.

    References
    ----------
    Gonzalez, J., Low, Y., Gretton, A. and Guestrin, C. (2011). Parallel Gibbs sampling: from
    colored fields to thin junction trees. AISTATS 15, 324-332.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=0.3, graph=ebm.Graph.square(8, 8))
    ...     step = ebm.ChromaticGibbs([s], sweeps=2)
    >>> point, [stats] = step.step(model.initial_point(1))
    >>> point["s"].shape, stats["sweeps"]
    ((8, 8), 2)
    """

    name = "chromatic_gibbs"
    default_blocked = False
    default_tune_steps = 500
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        "spin_energy": (np.float64, []),
        "magnetization": (np.float64, []),
        "sweeps": (np.int64, []),
    }
    _state_class = ChromaticGibbsState

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
            raise ValueError(f"ChromaticGibbs: sweeps must be a positive integer, got {sweeps}.")
        model = pm.modelcontext(model)
        (self._value_var,) = self.vars = get_value_vars_from_user_vars(vars, model)
        self.rng = get_random_generator(rng)
        self._fixed_sweeps = sweeps
        self.sweeps = sweeps or FIRST_SWEEPS
        self.tune = True

        rv = model.values_to_rvs[self._value_var]
        form, energy, beta = _pairwise_form(rv)
        self._name = self._value_var.name
        self._binary = energy.support == "binary"
        self._shape = tuple(rv.type.shape)
        self._batch = self._shape[: len(self._shape) - energy.event_ndim]
        self._graph = form.graph
        self._first, self._second = np.ascontiguousarray(form.graph.edges.T, dtype=np.int32)

        J, h = form.parameters["J"], form.parameters["h"]
        offset = pt.zeros(())
        if self._binary:  # the Ising form leaves out a constant; all units off have energy 0
            offset = -form(-pt.ones(form.graph.shape))
        couplings = model.replace_rvs_by_values([J, h, beta, offset])
        self._couplings = _Evaluated(couplings, model, compile_kwargs)
        children, field = _children_field(model, rv, self._value_var, self._binary)
        self._child_field = None if field is None else _Evaluated([field], model, compile_kwargs)
        self._start = initial_point
        if initial_point is None and self._child_field is not None:
            self._start = None if self._child_field.constant else model.initial_point()
        self._start_from_likelihood = model.rvs_to_initial_values.get(rv) is None
        self._sweeper: Sweeper | None = None
        self.setup_chain(self.rng, 0, 0)
        colors = int(form.graph.coloring().max()) + 1
        _log.info(
            f"{self._name}: heat-bath sweeps over {colors} colours of {form.graph.n_vertices} spins"
            + (f", with {', '.join(children)} as field" if children else "")
        )

    @staticmethod
    def competence(var: TensorVariable, has_grad: bool) -> int:
        """Claim every pairwise two-valued Boltzmann variable."""
        op = getattr(var.owner, "op", None)
        if isinstance(op, BoltzmannRV) and op.energy.support != "real":
            return Competence.IDEAL + 1
        return Competence.INCOMPATIBLE

    def setup_chain(self, rng: Any, tune: int, draws: int) -> None:
        """Forget the previous chain."""
        super().setup_chain(rng, tune, draws)
        self.tune = tune > 0
        self._warm_start = self.tune and self._child_field is not None
        self.sweeps = self._fixed_sweeps or FIRST_SWEEPS
        self._history: list[tuple[float, float]] = []
        self._window = max(tune // ADAPTATIONS, 1)
        self._couplings.forget()
        if self._child_field is not None:
            self._child_field.forget()

    def step(self, point: dict[str, NDArray]) -> tuple[dict[str, NDArray], list[dict[str, Any]]]:
        """Sweep the spins `sweeps` times.

        Parameters
        ----------
        point : dict of str to ndarray
            Values of all variables; not modified.

        Returns
        -------
        point : dict
            With the spins replaced.
        stats : list of one dict
            The sampler's statistics.
        """
        warm_start, self._warm_start = self._warm_start, False
        sweeps, parameters = self.sweeps, point
        if warm_start:
            sweeps, parameters = max(sweeps, WARM_START_SWEEPS), {**point, **(self._start or {})}
        J, h, beta, offset = self._couplings(parameters)
        event = self._graph.shape
        field = np.broadcast_to(_align(beta, len(event)) * h, self._shape)
        if self._child_field is not None:
            (from_children,) = self._child_field(parameters)
            self._require_usable(from_children)
            field = field + np.clip(from_children, -1e6, 1e6)
        n = self._graph.n_vertices
        field = np.ascontiguousarray(field, dtype=np.float64).reshape(-1, n)
        values = point[self._name].reshape(-1, n)
        spins = (2 * values - 1 if self._binary else values).astype(np.int8)
        if warm_start and self._start_from_likelihood:
            informative = from_children.reshape(-1, n)
            up = self.rng.logistic(size=spins.shape) < 2 * informative
            spins = np.where(informative == 0, spins, 2 * up - 1).astype(np.int8)
        state = kernels.xoshiro.seed_state(self.rng)
        energies, magnetizations = np.empty(len(spins)), np.empty(len(spins))
        for b, (chain, entry) in enumerate(zip(spins, np.ndindex(*self._batch), strict=True)):
            J_b, h_b, beta_b = (
                _entry(J, entry, 1),
                _entry(h, entry, len(event)),
                _entry(beta, entry, 0),
            )
            self._sweep(chain, beta_b * J_b, field[b], sweeps, state)
            energies[b], magnetizations[b] = kernels.ising_energy.ising_energy(
                chain, self._first, self._second, J_b.reshape(-1), h_b.reshape(-1)
            )
        energy = float(energies.sum() + np.sum(np.broadcast_to(offset, self._batch)))
        magnetization = float(magnetizations.mean())
        if self._binary:
            spins = (spins + 1) // 2
            magnetization = (magnetization + 1) / 2
        stats = {"spin_energy": energy, "magnetization": magnetization, "sweeps": sweeps}
        if self.tune and self._fixed_sweeps is None:
            self._adapt(energy, magnetization)
        new_value = spins.reshape(self._shape).astype(point[self._name].dtype)
        return {**point, self._name: new_value}, [stats]

    def _sweep(
        self, spins: NDArray, coupling: NDArray, field: NDArray, sweeps: int, state: NDArray
    ) -> None:
        if self._sweeper is None:
            self._sweeper = Sweeper(self._graph, coupling)
        elif not self._couplings.constant or self._batch:
            self._sweeper.set_coupling(coupling)
        self._sweeper.sweep(spins, field, sweeps, state)

    def _adapt(self, energy: float, magnetization: float) -> None:
        """Choose the sweeps so that draws are nearly independent in energy and magnetisation."""
        self._history.append((energy, magnetization))
        if len(self._history) < self._window:
            return
        from arviz_stats.base import array_stats

        recent = np.asarray(self._history[len(self._history) // 2 :]).T
        self._history = []
        moving = [trace for trace in recent if np.ptp(trace) > 0]
        if len(recent[0]) < FEWEST_RECORDS or not moving:
            return
        ess = min(
            float(array_stats.ess(trace[None], chain_axis=0, draw_axis=1)) for trace in moving
        )
        draws_per_independent_draw = len(recent[0]) / max(ess, 1.0)
        wanted = self.sweeps * draws_per_independent_draw / TARGET_INEFFICIENCY
        most = max(FEWEST_MOST_SWEEPS, MOST_UPDATES // int(np.prod(self._shape)))
        self.sweeps = min(max(round(wanted), 1), most)

    def _require_usable(self, field: NDArray) -> None:
        if np.isnan(field).any():
            where = tuple(int(k) for k in np.argwhere(np.isnan(field))[0])
            raise ValueError(
                f"ChromaticGibbs: the likelihood of {self._name!r} gives entry {where} probability "
                "zero (or NaN) at both values of the spin, so its conditional does not exist. "
                "Check the data and the parameters' priors there."
            )


class _Evaluated:
    """Expressions of a model as a function of its point; computed once if nothing random enters."""

    def __init__(
        self, outputs: list[TensorVariable], model: pm.Model, compile_kwargs: dict | None
    ) -> None:
        found = set(ancestors(outputs))
        self._inputs = [v for v in model.value_vars if v in found]
        self._function: Callable[..., list[NDArray]] = pm.compile(
            self._inputs, outputs, **(compile_kwargs or {})
        )
        self._function.trust_input = True
        self._cached: list[NDArray] | None = None

    @property
    def constant(self) -> bool:
        """Whether no free variable enters."""
        return not self._inputs

    def forget(self) -> None:
        """Compute again at the next call: data may have changed between runs."""
        self._cached = None

    def __call__(self, point: dict[str, NDArray]) -> list[NDArray]:
        if self._cached is not None:
            return self._cached
        arguments = (np.asarray(point[v.name]) for v in self._inputs)
        values = [np.asarray(value) for value in self._function(*arguments)]
        if self.constant:
            self._cached = values
        return values


def _pairwise_form(rv: TensorVariable) -> tuple[Ising, Any, TensorVariable]:
    """Return the Ising form, the energy and beta of a variable, or say why there is none."""
    op = getattr(rv.owner, "op", None)
    if not isinstance(op, BoltzmannRV) or op.energy.support == "real":
        kind = "a real-valued energy" if isinstance(op, BoltzmannRV) else f"a {op}"
        raise ValueError(
            f"ChromaticGibbs cannot sample {rv.name!r}, {kind}: it flips spins in {{-1, +1}} or "
            "{0, 1}. Leave the step out and PyMC chooses one (NUTS for real variables)."
        )
    _rng, _size, *params = rv.owner.inputs
    energy, beta, _log_z = op.bind(params)
    form = energy.ising_form()
    if form is None:
        raise ValueError(
            f"ChromaticGibbs cannot sample {rv.name!r}: {type(energy).__name__} is not pairwise."
        )
    if None in rv.type.shape:
        raise ValueError(
            f"ChromaticGibbs needs the shape of {rv.name!r} to be fixed, got {rv.type.shape}."
        )
    return form, energy, beta


def _children_field(
    model: pm.Model, rv: TensorVariable, value_var: TensorVariable, binary: bool
) -> tuple[list[str], TensorVariable | None]:
    """Name the children of a spin variable and write their field."""
    others = [
        v
        for v in [*model.free_RVs, *model.observed_RVs, *model.potentials]
        if v is not rv and rv in ancestors([v])
    ]
    low, high = (0, 1) if binary else (-1, 1)
    fields = []
    names = []
    for child, term in zip(
        others, model.logp(vars=others, sum=False) if others else [], strict=True
    ):
        try:
            field = field_from_terms([term], value_var, low, high)
        except NotElementwiseError as error:
            raise ValueError(
                f"ChromaticGibbs: {child.name!r} ties several entries of {rv.name!r} together "
                f"({error}), so it is not an external field. Write the likelihood elementwise in "
                f"{rv.name!r}; interactions between spins belong in the couplings J."
            ) from None
        if field is not None:
            fields.append(field)
            names.append(str(child.name))
    return names, (sum(fields[1:], fields[0]) if fields else None)


def _align(beta: NDArray, event_ndim: int) -> NDArray:
    """Let a batch of inverse temperatures broadcast against configurations."""
    return beta.reshape(beta.shape + (1,) * event_ndim) if beta.ndim else beta


def _entry(values: NDArray, entry: tuple[int, ...], core_ndim: int) -> NDArray:
    """Select one batch entry of values that may have fewer batch dimensions than the variable."""
    batch = values.ndim - core_ndim
    if batch <= 0:
        return values
    index = entry[len(entry) - batch :]
    return values[tuple(0 if n == 1 else k for k, n in zip(index, values.shape, strict=False))]
