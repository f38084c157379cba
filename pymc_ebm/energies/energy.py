"""The energy protocol and its algebra."""

from __future__ import annotations

import copy

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import pytensor.tensor as pt

from pytensor import config
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.tensor.variable import TensorConstant, TensorVariable

from pymc_ebm.states import SUPPORTS, States, labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pymc_ebm.energies.pairwise import Pairwise

Support = Literal["real", "spin", "spin-1", "binary", "categorical"]


class Energy(ABC):
    """A function ``E(x; θ)`` as a PyTensor graph, low where configurations are probable.

    An energy is called on configurations of shape ``(..., *event)`` and returns ``(...)``.
    Energies add (a product of experts) and scale: ``E1 + E2``, ``λ * E``.

    Parameters
    ----------
    parameters : mapping of str to tensor_like
        The parameters θ. Constants must be finite.
    core_ndims : mapping of str to int
        Number of trailing dimensions of each parameter that belong to one event; leading
        dimensions are batches and broadcast against those of the configuration.
    event_ndim : int
        Number of trailing dimensions that make up one configuration.
    event_shape : tuple of int, optional
        Shape of one configuration, where the parameters determine it.

    Attributes
    ----------
    support : {"real", "spin", "spin-1", "binary", "categorical"}
        The values a coordinate may take: ℝ, {-1, +1}, {-1, 0, +1}, {0, 1} or {0, …, q-1}.
    states : States or None
        The same as a tuple that knows what kind of values they are; None for real values.
    parameters : dict of str to TensorVariable
        The parameters θ by name.
    event_ndim, event_shape
        As above.
    """

    support: ClassVar[Support] = "real"
    # on parameters, for those who learn: "positive", "simplex", "positive definite" or "fixed"
    constraints: ClassVar[Mapping[str, str]] = {}
    n_states: int = 0  # of a categorical energy
    __array_ufunc__ = None  # or `array * energy` would become an array of scaled energies

    def __init__(
        self,
        parameters: Mapping[str, Any],
        core_ndims: Mapping[str, int],
        event_ndim: int = 1,
        event_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.parameters = {
            name: as_parameter(value, f"{type(self).__name__}: {name}")
            for name, value in parameters.items()
        }
        self.core_ndims = dict(core_ndims)
        self.event_ndim = event_ndim
        self.event_shape = event_shape

    @property
    def states(self) -> States | None:
        """The values a coordinate may take, in increasing order; None if it is real."""
        if self.support == "categorical":
            return labels(self.n_states)
        return SUPPORTS.get(self.support)

    @abstractmethod
    def evaluate(self, x: TensorVariable, **parameters: TensorVariable) -> TensorVariable:
        """Write E(x; θ) as a graph; `x` and the parameters may carry leading dimensions."""

    def __call__(self, x: Any) -> TensorVariable:
        """Return the energy of `x`, shape ``(..., *event) → (...)``."""
        x = pt.as_tensor_variable(x)
        if x.dtype in ("bool", "int8", "int16", "int32", "uint8", "uint16", "uint32"):
            x = x.astype("int64")  # products of small integers wrap
        if x.ndim < self.event_ndim:
            raise ValueError(
                f"{type(self).__name__}: a configuration has {self.event_ndim} dimension(s), "
                f"and the value has shape {x.type.shape}."
            )
        event = x.type.shape[x.ndim - self.event_ndim :]
        if self.event_shape is not None and any(
            got is not None and got != want
            for got, want in zip(event, self.event_shape, strict=True)
        ):
            raise ValueError(
                f"{type(self).__name__}: a configuration has shape {self.event_shape}, "
                f"and the value ends in {event}."
            )
        return self.evaluate(x, **self.parameters)

    def replace(self, **parameters: Any) -> Self:
        """Return the same energy with some parameters replaced."""
        unknown = set(parameters) - set(self.parameters)
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has the parameters {list(self.parameters)}, "
                f"not {sorted(unknown)}."
            )
        new = copy.copy(self)
        new.parameters = {
            name: pt.as_tensor_variable(parameters.get(name, value))
            for name, value in self.parameters.items()
        }
        return new

    def with_event_shape(self, event_shape: tuple[int, ...]) -> Self:
        """Return the same energy with the shape of a configuration fixed."""
        new = copy.copy(self)
        new.event_shape = tuple(event_shape)
        return new

    def exact_draws(
        self,
        rng: np.random.Generator,
        size: int,
        event_shape: tuple[int, ...],
        beta: float,
        /,
        **parameters: NDArray[np.float64],
    ) -> NDArray[np.float64] | None:
        """Draw independently from ``exp(-beta E)``, shape ``(size, *event)``.

        None where no exact method is known; forward sampling then runs a chain.
        """
        return None

    def pairwise_form(self) -> Pairwise | None:
        """Return the couplings and fields that make up this energy, if it is discrete and pairwise.

        It may leave out a constant.
        """
        return None

    @property
    def data_shape(self) -> tuple[int, ...] | None:
        """Shape of what is observed of a configuration: all of it, unless units are hidden."""
        return self.event_shape

    def with_hidden(self) -> Energy:
        """Return the energy over visible and hidden variables; itself if none are summed out."""
        return self

    def settings(self) -> dict[str, Any]:
        """Return what the constructor takes besides the parameters."""
        return {}

    @classmethod
    def from_settings(cls, parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> Self:
        """Call the constructor with what `parameters` and `settings` hold."""
        return cls(**parameters, **settings)

    def __add__(self, other: Energy) -> SumEnergy:
        """Add two energies: the product of their experts."""
        return SumEnergy(self, other) if isinstance(other, Energy) else NotImplemented

    def __radd__(self, other: Any) -> Energy:
        """Let ``sum(energies)`` start from 0."""
        return self if other == 0 else NotImplemented

    def __mul__(self, factor: Any) -> ScaledEnergy:
        """Scale by a number or a scalar tensor."""
        return NotImplemented if isinstance(factor, Energy) else ScaledEnergy(self, factor)

    __rmul__ = __mul__

    def __repr__(self) -> str:
        """Name the family and its parameters."""
        shapes = ", ".join(f"{k}{v.type.shape}" for k, v in self.parameters.items())
        return f"{type(self).__name__}({shapes})"


class SumEnergy(Energy):
    """The sum of two energies over the same configurations.

    `first`, `second`: must agree in support and in the shape of a configuration.
    """

    def __init__(self, first: Energy, second: Energy) -> None:
        if first.support != second.support:
            raise ValueError(
                f"Cannot add an energy on {first.support} and one on {second.support} values."
            )
        if first.states is not None and not first.states.same_as(second.states):
            raise ValueError(
                f"Cannot add energies of the states {first.states} ({first.states.kind}) and "
                f"{second.states}."
            )
        shapes = {e.event_shape for e in (first, second) if e.event_shape is not None}
        if first.event_ndim != second.event_ndim or len(shapes) > 1:
            raise ValueError(
                f"Cannot add energies of configurations shaped {first.event_shape} "
                f"and {second.event_shape}."
            )
        self.terms = (first, second)
        self.support = first.support  # type: ignore[misc]
        super().__init__(
            _prefixed(e.parameters for e in self.terms),
            _prefixed(e.core_ndims for e in self.terms),
            first.event_ndim,
            shapes.pop() if shapes else None,
        )

    @property
    def states(self) -> States | None:
        """Those of the terms."""
        return self.terms[0].states

    @property
    def constraints(self) -> Mapping[str, str]:  # type: ignore[override]
        """Those of the terms."""
        return _prefixed(term.constraints for term in self.terms)

    def _bound_terms(self, parameters: Mapping[str, Any]) -> list[Energy]:
        return [
            term.replace(**{name: parameters[f"{k}_{name}"] for name in term.parameters})
            for k, term in enumerate(self.terms)
        ]

    def evaluate(self, x: TensorVariable, **parameters: TensorVariable) -> TensorVariable:
        """Return the sum of the terms."""
        first, second = self._bound_terms(parameters)
        return first(x) + second(x)

    def pairwise_form(self) -> Pairwise | None:
        """Merge the terms' couplings and fields."""
        first, second = (term.pairwise_form() for term in self._bound_terms(self.parameters))
        return None if first is None or second is None else first.merge(second)


class ScaledEnergy(Energy):
    """An energy times a scalar.

    `energy`: the energy that is scaled; `factor`: the factor λ.
    """

    def __init__(self, energy: Energy, factor: Any) -> None:
        self.inner = energy
        self.support = energy.support  # type: ignore[misc]
        super().__init__(
            {"factor": factor, **{f"inner_{k}": v for k, v in energy.parameters.items()}},
            {"factor": 0, **{f"inner_{k}": v for k, v in energy.core_ndims.items()}},
            energy.event_ndim,
            energy.event_shape,
        )
        if self.parameters["factor"].ndim:
            raise ValueError(
                f"An energy is scaled by a scalar, not by shape {np.shape(factor)}. "
                "Per-coordinate strengths belong in the energy's own parameters."
            )

    def evaluate(
        self, x: TensorVariable, *, factor: TensorVariable, **parameters: TensorVariable
    ) -> TensorVariable:
        """Return the scaled energy."""
        return factor * self._bound_inner(parameters)(x)

    @property
    def states(self) -> States | None:
        """Those of the energy that is scaled."""
        return self.inner.states

    @property
    def constraints(self) -> Mapping[str, str]:  # type: ignore[override]
        """Those of the energy that is scaled, whose parameters hold its scale."""
        inner = {f"inner_{name}": rule for name, rule in self.inner.constraints.items()}
        return {"factor": "fixed", **inner}

    def _bound_inner(self, parameters: Mapping[str, Any]) -> Energy:
        return self.inner.replace(
            **{name: parameters[f"inner_{name}"] for name in self.inner.parameters}
        )

    def pairwise_form(self) -> Pairwise | None:
        """Scale the couplings and the fields."""
        form = self._bound_inner(self.parameters).pairwise_form()
        return None if form is None else form.scale(self.parameters["factor"])


def constant_value(variable: TensorVariable) -> NDArray | None:
    """Return the value of a constant tensor, None for anything symbolic."""
    return variable.data if isinstance(variable, TensorConstant) else None


def require_positive(owner: str, **parameters: Any) -> None:
    """Raise for constants, and shared data as they are now, that are not positive, NaN included."""
    for name, value in parameters.items():
        variable = pt.as_tensor_variable(value)
        constant = constant_value(variable)
        if isinstance(variable, SharedVariable):
            constant = np.asarray(variable.get_value(borrow=True))
        if constant is not None and not np.all(constant > 0):
            wrong = np.asarray(constant)[~(np.asarray(constant) > 0)].flat[0]
            raise ValueError(f"{owner}: {name} must be positive, got {wrong}.")


def _prefixed(parts: Any) -> dict[str, Any]:
    """Merge mappings under numbered keys."""
    return {f"{k}_{name}": value for k, part in enumerate(parts) for name, value in part.items()}


def as_parameter(value: Any, what: str) -> TensorVariable:
    """Turn a parameter into a float tensor; refuse NaN and infinite constants."""
    variable = pt.as_tensor_variable(value)
    constant = constant_value(variable)
    if constant is None:
        return variable if variable.dtype == config.floatX else variable.astype(config.floatX)
    if not np.all(np.isfinite(constant)):
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(constant))[0])
        place = f"[{', '.join(map(str, where))}]" if where else ""
        raise ValueError(
            f"{what}{place} = {constant[where]}; parameters of an energy must be finite."
        )
    return pt.as_tensor_variable(np.asarray(constant, dtype=config.floatX))
