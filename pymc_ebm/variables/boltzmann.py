"""Boltzmann distributions as PyMC random variables."""

from __future__ import annotations

import warnings

from collections.abc import Callable, Sequence
from functools import partial
from types import MethodType
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from pymc.distributions.distribution import Distribution, _support_point
from pymc.distributions.shape_utils import convert_dims
from pymc.logprob.abstract import _logprob
from pymc.printing import str_for_dist
from pymc.pytensorf import rvs_in_graph
from pymc.util import UNSET
from pytensor.graph.basic import Variable
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.variable import TensorConstant, TensorVariable

from pymc_ebm import forward
from pymc_ebm.energies.energy import Energy, Support, as_parameter, require_positive
from pymc_ebm.errors import MissingPartitionError
from pymc_ebm.log_z.pseudo_likelihood import pseudo_log_likelihood
from pymc_ebm.log_z.unknown import require_known
from pymc_ebm.variables.declaration import Declaration, require_rows_that_fit
from pymc_ebm.variables.keywords import refuse_unknown_keywords
from pymc_ebm.variables.normaliser import LogPartition, as_log_partition

# Forward draws run in Python on purpose; PyTensor would announce it at every compilation.
warnings.filterwarnings("ignore", message="Numba will use object mode to run boltzmann_rv")


class BoltzmannRV(RandomVariable):
    """The op behind every Boltzmann variable.

    Its inputs are the energy's parameters, then ``beta`` and ``log Z``; its `energy` is a template
    that is bound to those inputs wherever a graph is needed.
    """

    __props__ = ("name", "signature", "dtype", "inplace", "energy", "normalised", "pseudo")  # type: ignore[assignment]

    def __init__(
        self,
        energy: Energy,
        normalised: bool,
        pseudo: bool = False,
        name: str = "boltzmann",
        signature: str | None = None,
        dtype: str | None = None,
        inplace: bool = False,
    ) -> None:
        self.energy = energy
        # from a random start to one that data or children allow; no `initval`, with which PyMC
        # cannot copy a model
        self.start: Callable[[TensorVariable], TensorVariable] | None = None
        self.normalised = normalised
        self.pseudo = pseudo
        super().__init__(
            name=name,
            signature=signature or _signature(energy),
            # int64 as PyMC's own discrete variables: arithmetic on them does not wrap
            dtype=dtype or ("floatX" if energy.states is None else "int64"),
            inplace=inplace,
        )

    @property
    def _print_name(self) -> tuple[str, str]:
        """How PyMC prints the distribution: by the family of its energy."""
        family = type(self.energy).__name__
        return family, rf"\operatorname{{{family}}}"

    def __str__(self) -> str:
        """Name the energy."""
        return f"boltzmann_rv{{{type(self.energy).__name__}}}"

    def _supp_shape_from_params(self, dist_params, param_shapes=None):
        event_shape = self.energy.event_shape or ()
        return [pt.constant(length, dtype="int64") for length in event_shape]

    def bind(self, params: Sequence[Variable]) -> tuple[Energy, TensorVariable, TensorVariable]:
        """Return the energy on the given inputs, ``beta`` and ``log Z``.

        `params`: the op's inputs after the generator and the size.
        """
        stripped = [
            _without_broadcast_batch(p, ndim)
            for p, ndim in zip(params, self.ndims_params, strict=True)
        ]
        *values, beta, log_z = stripped
        names = self.energy.parameters
        return self.energy.replace(**dict(zip(names, values, strict=True))), beta, log_z

    def rng_fn(self, rng, *args):
        """Draw forward: exactly where possible, else by a chain that says how it mixed."""
        *params, beta, _log_z, size = args
        names = self.energy.parameters
        return forward.draw(
            self.energy, rng, dict(zip(names, params, strict=True)), np.asarray(beta), size
        )


def is_discrete_boltzmann(rv: TensorVariable) -> bool:
    """Say whether a variable is a Boltzmann variable with discrete values.

    `rv`: any variable.
    """
    op = getattr(rv.owner, "op", None)
    return isinstance(op, BoltzmannRV) and op.energy.states is not None


@_logprob.register(BoltzmannRV)
def boltzmann_logp(op, values, rng, size, *params, **kwargs):
    """Return ``−βE(x) − log Z`` inside the support and −∞ outside."""
    [value] = values
    if not op.normalised and rvs_in_graph(params):
        # a variable registered in a model was checked when it was declared; this one never was
        raise MissingPartitionError(
            f"The log-probability of this {type(op.energy).__name__} variable depends on random "
            "parameters, and log Z was not given. Pass log_partition= to .dist(...)."
        )
    energy, beta, log_z = op.bind(params)
    if op.pseudo:
        logp = pseudo_log_likelihood(energy, beta, value)
    else:
        logp = -beta * energy(value) - require_known(log_z)
    if energy.states is None:
        return logp
    if isinstance(value, TensorConstant) and energy.states.allowed(value.data).all():
        return logp
    event_axes = tuple(range(-energy.event_ndim, 0))
    return pt.switch(pt.all(energy.states.contains(value), axis=event_axes), logp, -np.inf)


@_support_point.register(BoltzmannRV)
def boltzmann_support_point(op, rv, rng, size, *params):
    """Start at random, where data and children allow it; see `random_start`."""
    start = random_start(op, rv)
    return start if op.start is None else op.start(start)


def random_start(op: BoltzmannRV, rv: TensorVariable) -> TensorVariable:
    """Start real variables at 0 and discrete ones at random proportions of their states.

    The proportions are drawn once a chain, so chains start far apart in the order parameter and
    disagree where the sampler cannot carry them between phases.
    """
    shape = rv.shape if None in rv.type.shape else rv.type.shape
    states = op.energy.states
    if states is None:
        return pt.zeros(shape)
    if states.counts is not None:
        uniform = pm.Uniform.dist(0, 1, shape=shape)
        return pt.floor(uniform * states.counts).astype("int64")
    if states.two_valued:
        low, high = states
        up = pm.Bernoulli.dist(p=pm.Uniform.dist(0, 1), shape=shape)
        return low + (high - low) * up
    numbers = pm.Categorical.dist(pm.Dirichlet.dist(np.ones(len(states))), shape=shape)
    contiguous = states[-1] - states[0] == len(states) - 1
    return numbers + states[0] if contiguous else pt.constant(states.values)[numbers]


class Boltzmann(Distribution):
    r"""Boltzmann distribution of an energy, ``p(x) = exp(−β E(x)) / Z(β, θ)``.

    The log-partition function is left out only where it is constant. Where the energy's parameters
    or `beta` are random, `log_partition` must be given.

    Parameters
    ----------
    name : str
        Name of the variable.
    energy : Energy or callable
        An energy of `pymc_ebm.energies`, or a function that takes a tensor of the variable's shape
        and returns one value a configuration.
    beta : scalar tensor_like, default 1.0
        Inverse temperature, positive.
    support : {"real", "spin", "spin-1", "binary", "categorical"}, optional
        For a function as energy: the values a coordinate takes, by default real ones. An `Energy`
        knows its own.
    n_states : int, optional
        For ``support="categorical"``: how many values, 0, …, n_states - 1.
    shape : int or tuple of int, optional
        Shape of the variable, ``(*batch, *event)``; the batch entries are independent. Needed
        where neither the energy, `dims` nor `observed` says it.
    dims : str or tuple of str, optional
        Names of the dimensions.
    observed : array_like, optional
        Data; leading dimensions beyond the event are independent observations.
    initval : array_like, optional
        Where chains start. By default 0 for real variables, and for spins a configuration of
        random magnetisation, another one in each chain.
    log_partition : str, float, TensorVariable or callable, optional
        ``log Z`` of one configuration. A string names an exact method of `log_partition`
        (``"auto"``: the best for this graph, or an error), or does without Z for observed data:
        ``"pseudo"`` replaces the likelihood by the pseudo-likelihood, which is biased, and
        ``"exchange"`` leaves the parameters to `ExchangeMH`. A callable receives the energy,
        already multiplied by `beta`, and returns ``log Σ exp(−energy)`` (an integral for real
        variables).
    impute : bool, default False
        Whether `observed` may have missing entries (NaN or masked), of a discrete energy. The
        variable is then latent and starts from the data: known entries stay, and missing ones are
        sampled along with the parameters. `log_partition` must be exact.
    total_size, transform, default_transform
        As for any PyMC variable.

    Raises
    ------
    MissingPartitionError
        If parameters are random and no `log_partition` is given.
    TypeError
        For a keyword that is not known: the nearest one is named.
    ValueError
        For a shape or dims that do not fit the energy, a `beta` that is not positive, observations
        outside the support, or an energy that is NaN where sampling would start.

    Notes
    -----
    ``logp = −βE(x) − log Z``, and −∞ outside the support. Real variables are sampled by NUTS as any
    other continuous variable; discrete ones by the step that `recommend` names.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     x = ebm.Boltzmann("x", ebm.energies.Ring(radius=2.0, width=0.2), shape=2)
    ...     y = ebm.Boltzmann("y", lambda x: ((x**2 - 1) ** 2).sum(), beta=4.0, shape=3)
    >>> pm.draw(x, random_seed=1).shape
    (2,)
    """

    rv_type = BoltzmannRV

    def __new__(  # type: ignore[misc]
        cls,
        name: str,
        *args: Any,
        shape: int | Sequence[int] | None = None,
        dims: str | Sequence[str] | None = None,
        observed: Any = None,
        initval: Any = None,
        impute: bool = False,
        total_size: Any = None,
        transform: Any = UNSET,
        default_transform: Any = UNSET,
        **kwargs: Any,
    ) -> TensorVariable:
        """Register the variable in the model on the context stack."""
        model = pm.modelcontext(None)
        if not isinstance(name, str):
            raise TypeError(f"{cls.__name__}: the name must be a string, got {name!r}.")
        refuse_unknown_keywords(f"{cls.__name__} {name!r}", (cls.dist, Boltzmann.dist), kwargs)
        declared = Declaration(f"{cls.__name__} {name!r}", model, dims, observed, impute)
        # the one place where the variable is built: log Z's graph and messages come once
        rv_out = cls.dist(*args, shape=shape, declared=declared, **kwargs)
        initval = declared.check(rv_out, initval)
        rv = model.register_rv(
            rv_out,
            name,
            observed=declared.registered,
            total_size=total_size,
            dims=convert_dims(dims),
            transform=transform,
            default_transform=default_transform,
            initval=initval,
        )
        rv.str_repr = MethodType(str_for_dist, rv)
        rv._repr_latex_ = MethodType(partial(str_for_dist, formatting="latex"), rv)
        declared.constrain(rv)
        return rv

    @classmethod
    def dist(
        cls,
        energy: Energy | Callable[[TensorVariable], Any],
        *,
        beta: Any = 1.0,
        support: Support | None = None,
        n_states: int | None = None,
        shape: int | Sequence[int] | None = None,
        log_partition: LogPartition = None,
        declared: Declaration | None = None,
        **kwargs: Any,
    ) -> TensorVariable:
        """Return the variable without registering it, as other PyMC distributions do.

        `energy`, `beta`, `support`, `n_states`, `shape`, `log_partition`: as for the class;
        `declared`: where the variable is being registered; `**kwargs`: ``rng``, ``size``, ``dtype``
        and ``return_next_rng``, as for `pymc.Distribution.dist`.
        """
        if declared is None:
            refuse_unknown_keywords(cls.__name__, (cls.dist, Boltzmann.dist), kwargs)
            declared = Declaration(cls.__name__)
        require_positive(declared.owner, beta=beta)
        energy, shape = declared.resolve(energy, shape, support, n_states)
        if energy.event_shape is None:
            assert shape is not None  # resolved, or refused
            energy = energy.with_event_shape(shape[len(shape) - energy.event_ndim :])
        beta = as_parameter(beta, f"{declared.owner}: beta")
        require_rows_that_fit(declared.owner, energy, beta, shape)
        declared.require_observed_for(log_partition)
        log_z = as_log_partition(log_partition, energy, beta, declared.owner)
        return super().dist(
            [*energy.parameters.values(), beta, log_z],
            shape=shape,
            energy=energy,
            normalised=log_partition is not None,
            pseudo=isinstance(log_partition, str) and log_partition == "pseudo",
            **kwargs,
        )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let a family inherit the op; PyMC's metaclass takes it away."""
        super().__init_subclass__(**kwargs)
        cls.rv_type, cls.rv_op = BoltzmannRV, Boltzmann.rv_op  # type: ignore[method-assign]

    @classmethod
    def rv_op(cls, *params, energy, normalised, pseudo=False, rng=None, size=None, **kwargs):
        """Build the random variable's node."""
        rng = pt.random.shared_rng(seed=None) if rng is None else rng
        op = BoltzmannRV(energy, normalised, pseudo)
        return op(*params, rng=rng, size=size, return_next_rng=True, **kwargs)[1]


def _signature(energy: Energy) -> str:
    """Write the op's signature: one token a core dimension of each parameter."""
    ndims = [*(energy.core_ndims[name] for name in energy.parameters), 0, 0]
    inputs = ",".join(
        f"({','.join(f'p{k}d{axis}' for axis in range(ndim))})" for k, ndim in enumerate(ndims)
    )
    return f"{inputs}->({','.join(f'e{axis}' for axis in range(energy.event_ndim))})"


def _without_broadcast_batch(parameter: Any, core_ndim: int) -> TensorVariable:
    """Undo the leading length-one dimensions that a random variable's node adds."""
    parameter = pt.as_tensor_variable(parameter)
    while (
        parameter.ndim > core_ndim
        and parameter.owner is not None
        and isinstance(parameter.owner.op, DimShuffle)
        and parameter.owner.op.new_order[0] == "x"
        and parameter.owner.op.is_expand_dims
    ):
        inner = parameter.owner.inputs[0]
        if inner.ndim < core_ndim:
            break
        parameter = inner
    batch = parameter.ndim - core_ndim
    if batch > 0 and all(parameter.type.broadcastable[:batch]):
        parameter = parameter.squeeze(tuple(range(batch)))
    return parameter
