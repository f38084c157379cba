"""Boltzmann distributions as PyMC random variables."""

from __future__ import annotations

import warnings

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from pymc.distributions.distribution import Distribution, _support_point
from pymc.logprob.abstract import _logprob
from pymc.pytensorf import rvs_in_graph
from pytensor.graph.basic import Variable
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import forward
from pymc_ebm.confinement import check_real_energy
from pymc_ebm.energies.custom import custom_energy
from pymc_ebm.energies.energy import Energy, as_parameter, constant_value, require_positive
from pymc_ebm.errors import MissingPartitionError

# Forward draws run in Python on purpose; PyTensor would announce it at every compilation.
warnings.filterwarnings("ignore", message="Numba will use object mode to run boltzmann_rv")

LogPartition = float | TensorVariable | Callable[[Energy], Any] | None


class BoltzmannRV(RandomVariable):
    """The op behind every Boltzmann variable.

    Its inputs are the energy's parameters, then ``beta`` and ``log Z``; its `energy` is a template
    that is bound to those inputs wherever a graph is needed.
    """

    __props__ = ("name", "signature", "dtype", "inplace", "energy", "normalised")  # type: ignore[assignment]
    _print_name: ClassVar[tuple[str, str]] = ("Boltzmann", r"\operatorname{Boltzmann}")

    def __init__(
        self,
        energy: Energy,
        normalised: bool,
        name: str = "boltzmann",
        signature: str | None = None,
        dtype: str | None = None,
        inplace: bool = False,
    ) -> None:
        self.energy = energy
        self.normalised = normalised
        super().__init__(
            name=name,
            signature=signature or _signature(energy),
            dtype=dtype or ("floatX" if energy.support == "real" else "int8"),
            inplace=inplace,
        )

    def __str__(self) -> str:
        """Name the energy."""
        return f"boltzmann_rv{{{type(self.energy).__name__}}}"

    def _supp_shape_from_params(self, dist_params, param_shapes=None):
        event_shape = self.energy.event_shape or ()
        return [pt.constant(length, dtype="int64") for length in event_shape]

    def bind(self, params: Sequence[Variable]) -> tuple[Energy, TensorVariable, TensorVariable]:
        """Return the energy on the given inputs, ``beta`` and ``log Z``.

        Parameters
        ----------
        params : sequence of TensorVariable
            The op's inputs after the generator and the size.
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


@_logprob.register(BoltzmannRV)
def boltzmann_logp(op, values, rng, size, *params, **kwargs):
    """Return ``−βE(x) − log Z`` inside the support and −∞ outside."""
    [value] = values
    energy, beta, log_z = op.bind(params)
    logp = -beta * energy(value) - log_z
    if energy.support == "real":
        return logp
    inside = pt.eq(abs(value), 1) if energy.support == "spin" else pt.eq(value, value**2)
    event_axes = tuple(range(-energy.event_ndim, 0))
    return pt.switch(pt.all(inside, axis=event_axes), logp, -np.inf)


@_support_point.register(BoltzmannRV)
def boltzmann_support_point(op, rv, rng, size, *params):
    """Start real variables at 0 and spins at a random magnetisation.

    One probability of "up" is drawn a chain, so chains start far apart in the order parameter and
    disagree where the sampler cannot carry them between phases.
    """
    shape = rv.shape if None in rv.type.shape else rv.type.shape
    if op.energy.support == "real":
        return pt.zeros(shape)
    up = pm.Bernoulli.dist(p=pm.Uniform.dist(0, 1), shape=shape)
    return up if op.energy.support == "binary" else 2 * up - 1


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
    log_partition : float, TensorVariable or callable, optional
        ``log Z`` of one configuration. A callable receives the energy, already multiplied by
        `beta`, and returns ``log Σ exp(−energy)`` (an integral for real variables).
    **kwargs
        ``total_size`` and what else `pymc.Distribution` takes.

    Raises
    ------
    MissingPartitionError
        If parameters are random and no `log_partition` is given.
    ValueError
        For a shape or dims that do not fit the energy, a `beta` that is not positive, observations
        outside the support, or an energy that is NaN where sampling would start.

    Notes
    -----
    ``logp = −βE(x) − log Z``, and −∞ outside the support. Real variables are sampled by NUTS as any
    other continuous variable; pairwise spins by `ChromaticGibbs`.

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
        energy: Energy | Callable[[TensorVariable], Any],
        *,
        beta: Any = 1.0,
        shape: int | Sequence[int] | None = None,
        dims: str | Sequence[str] | None = None,
        observed: Any = None,
        initval: Any = None,
        log_partition: LogPartition = None,
        **kwargs: Any,
    ) -> TensorVariable:
        """Register the variable in the model on the context stack."""
        model = pm.modelcontext(None)
        owner = f"{cls.__name__} {name!r}"
        require_positive(owner, beta=beta)
        shape = _resolve_shape(owner, model, energy, shape, dims, observed)
        energy = _as_energy(energy, shape, owner)
        if observed is not None:
            _check_support(owner, energy, observed, "observed")
        if initval is not None and not isinstance(initval, str | Variable):
            initval = _checked_initval(owner, energy, initval, shape)
        rv_out = cls.dist(energy, beta=beta, shape=shape, log_partition=log_partition)
        if log_partition is None:
            _require_constant_partition(owner, rv_out, model)
        if energy.support == "real" and observed is None:
            check_real_energy(owner, rv_out.owner.op.energy, rv_out, _point(initval, shape))
        return super().__new__(
            cls,
            name,
            energy,
            beta=beta,
            shape=shape,
            log_partition=log_partition,
            dims=dims,
            observed=observed,
            initval=initval,
            **kwargs,
        )

    @classmethod
    def dist(
        cls,
        energy: Energy | Callable[[TensorVariable], Any],
        *,
        beta: Any = 1.0,
        shape: int | Sequence[int] | None = None,
        log_partition: LogPartition = None,
        **kwargs: Any,
    ) -> TensorVariable:
        """Return the variable without registering it, as other PyMC distributions do.

        Parameters
        ----------
        energy, beta, shape, log_partition
            As for the class.
        **kwargs
            Passed to `pymc.Distribution.dist`.
        """
        require_positive(cls.__name__, beta=beta)
        shape = None if shape is None else tuple(np.atleast_1d(shape).tolist())
        energy = _as_energy(energy, shape, cls.__name__)
        if energy.event_shape is None:
            if shape is None:
                raise ValueError(f"{cls.__name__}: this energy needs shape=, e.g. shape=2.")
            energy = energy.with_event_shape(shape[len(shape) - energy.event_ndim :])
        beta = as_parameter(beta, f"{cls.__name__}: beta")
        log_z = _log_partition(log_partition, energy, beta, cls.__name__)
        parameters = [*energy.parameters.values(), beta, log_z]
        return super().dist(
            parameters,
            shape=shape,
            energy=energy,
            normalised=log_partition is not None,
            **kwargs,
        )

    @classmethod
    def rv_op(cls, *params, energy, normalised, rng=None, size=None, **kwargs):
        """Build the random variable's node."""
        rng = pt.random.shared_rng(seed=None) if rng is None else rng
        op = BoltzmannRV(energy, normalised)
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


def _resolve_shape(
    owner: str, model: pm.Model, energy: Any, shape: Any, dims: Any, observed: Any
) -> tuple[int, ...]:
    """Find the variable's shape in shape, dims, observed or the energy, and hold it to them."""
    event = energy.event_shape if isinstance(energy, Energy) else None
    names = (dims,) if isinstance(dims, str) else dims
    from_dims = None
    if names is not None and None not in names and Ellipsis not in names:
        unknown = [dim for dim in names if dim not in model.dim_lengths]
        if not unknown:
            from_dims = tuple(int(model.dim_lengths[dim].eval()) for dim in names)
        elif shape is None and observed is None and event is None:
            raise ValueError(f"{owner}: no coords are known for dims {unknown}.")
    if shape is not None:
        resolved = tuple(int(length) for length in np.atleast_1d(shape))
    elif from_dims is not None:
        resolved = from_dims
    elif observed is not None:
        resolved = tuple(np.shape(_values(observed)))
    elif event is not None:
        resolved = event
    else:
        raise ValueError(f"{owner}: pass shape= (or dims=, or observed=); this energy fits any.")
    if from_dims is not None and from_dims != resolved:
        raise ValueError(
            f"{owner}: dims {tuple(names)} have lengths {from_dims}, and the shape is {resolved}."
        )
    if event is not None and resolved[len(resolved) - len(event) :] != event:
        source = f"dims {tuple(names)} have lengths" if from_dims is not None else "the shape is"
        fits = getattr(energy, "graph", None)
        what = (
            f"the graph has shape {event}" if fits is not None else f"one event has shape {event}"
        )
        raise ValueError(
            f"{owner}: {source} {resolved}, and {what}. The last {len(event)} dimension(s) must "
            "match it; leading ones are independent copies."
        )
    return resolved


def _as_energy(energy: Any, shape: tuple[int, ...] | None, owner: str) -> Energy:
    if isinstance(energy, Energy):
        return energy
    if not callable(energy):
        raise TypeError(
            f"{owner}: energy is a {type(energy).__name__}; pass an Energy or a function of x. "
            "For an expression over variables that exist already, use ebm.energy_potential."
        )
    if shape is None:
        raise ValueError(f"{owner}: a function as energy needs shape=, e.g. shape=3.")
    try:
        return custom_energy(energy, shape)
    except ValueError as error:
        raise ValueError(f"{owner}: {error}") from None


def _log_partition(
    log_partition: LogPartition, energy: Energy, beta: TensorVariable, owner: str
) -> TensorVariable:
    if log_partition is None:
        return pt.as_tensor_variable(np.asarray(0.0))
    if isinstance(log_partition, str):
        raise ValueError(
            f"{owner}: log_partition={log_partition!r} names a method this version does not have. "
            "Pass a tensor, or a function of the energy that returns one."
        )
    if callable(log_partition):
        constant = constant_value(beta)
        unit = constant is not None and np.all(constant == 1.0)
        log_partition = log_partition(energy if unit else beta * energy)
    log_z = as_parameter(log_partition, f"{owner}: log_partition")
    if log_z.ndim:
        raise ValueError(
            f"{owner}: log_partition has shape {log_z.type.shape}; it is the scalar log Z of one "
            "configuration."
        )
    return log_z


def _require_constant_partition(owner: str, rv: TensorVariable, model: pm.Model) -> None:
    """Raise if an unobserved random variable enters the energy's parameters or beta."""
    _rng, _size, *params = rv.owner.inputs
    random = rvs_in_graph(params) - set(model.observed_RVs)
    if not random:
        return
    names = ", ".join(sorted(repr(v.name) if v.name else "an unnamed variable" for v in random))
    energy = rv.owner.op.energy
    graph = getattr(energy, "graph", None)
    if graph is not None and graph.n_vertices <= 20:
        states = f"all {2**graph.n_vertices:,} configurations of these {graph.n_vertices} spins"
        choice = (
            f"Here log Z is a sum over {states}: pass\n"
            f"    states = 2 * ((np.arange({2**graph.n_vertices})[:, None] >> "
            f"np.arange({graph.n_vertices})) & 1) - 1\n"
            "    log_partition=lambda energy: pt.logsumexp(-energy(states.reshape("
            f"-1, *{graph.shape})))"
            if energy.support == "spin"
            else f"Here log Z is a sum over {states}: pass it as a function of the energy"
        )
    elif energy.support == "real":
        choice = (
            "Pass log_partition= as a tensor or a function of the energy (a Gaussian of scale σ in "
            "d dimensions has d log σ), or fix the parameters"
        )
    else:
        choice = (
            "Pass log_partition= as a tensor (for one parameter: an interpolated table of log Z) "
            "or a function of the energy, or fix the parameters"
        )
    raise MissingPartitionError(
        f"{owner}: the energy depends on {names}, so log Z varies with it and cannot be left out "
        f"of the log-probability. {choice}."
    )


def _checked_initval(
    owner: str, energy: Energy, initval: Any, shape: tuple[int, ...]
) -> np.ndarray:
    """Return a starting point of the right shape, support and dtype."""
    if np.shape(initval) not in ((), shape):
        raise ValueError(
            f"{owner}: initval has shape {np.shape(initval)}, and the variable {shape}."
        )
    _check_support(owner, energy, initval, "initval")
    dtype = float if energy.support == "real" else np.int8
    return np.broadcast_to(np.asarray(initval, dtype=dtype), shape)


def _check_support(owner: str, energy: Energy, given: Any, what: str) -> None:
    """Hold data to the support, and say so when spins come as 0/1."""
    values = _values(given)
    if values is None:
        return
    if np.ma.isMaskedArray(values) or not np.all(np.isfinite(np.asarray(values, dtype=float))):
        raise ValueError(
            f"{owner}: {what} has missing or infinite values. Make the variable latent (no "
            "observed=) and observe the known entries through a likelihood on them."
        )
    if energy.support == "real":
        return
    allowed = (-1, 1) if energy.support == "spin" else (0, 1)
    wrong = ~np.isin(values, allowed)
    if not wrong.any():
        return
    value = np.asarray(values)[wrong].flat[0]
    seen = set(np.unique(values).tolist())
    hint = ""
    if energy.support == "spin" and seen <= {0, 1}:
        hint = f" They look like {{0, 1}}: pass 2 * {what} - 1, or use energies.BoltzmannMachine."
    elif energy.support == "binary" and seen <= {-1, 1}:
        hint = f" They look like {{-1, +1}}: pass ({what} + 1) // 2, or use energies.Ising."
    raise ValueError(
        f"{owner}: {what} contains {value}, and the support is "
        f"{{{allowed[0]}, {allowed[1]}}} ({int(wrong.sum())} of {wrong.size} values outside).{hint}"
    )


def _values(observed: Any) -> Any:
    """Return the current numbers behind data, shared data or a table; None if there are none."""
    if isinstance(observed, Variable):
        if hasattr(observed, "get_value"):
            return observed.get_value(borrow=True)
        constant = constant_value(observed)  # type: ignore[arg-type]
        if constant is not None:
            return constant
        return None if rvs_in_graph([observed]) else observed.eval()
    return observed if np.ma.isMaskedArray(observed) else np.asarray(observed)


def _point(initval: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Where the first evaluation of a real energy takes place."""
    return np.zeros(shape) if initval is None or isinstance(initval, str | Variable) else initval
