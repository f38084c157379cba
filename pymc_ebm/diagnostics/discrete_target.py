"""What a model says about one discrete variable, at the draws of a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from numpy.typing import NDArray
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.boltzmann import is_discrete_boltzmann
from pymc_ebm.diagnostics.thinning import thinned
from pymc_ebm.graphs import Graph
from pymc_ebm.step_methods.conditional import Conditional

MOST_NUMBERS = 1_000_000  # conditional probabilities that are kept
MOST_DRAWS = 4_000
MOST_PAIRWISE_SITES = 16_384
MOST_SITES = 64  # of an energy whose every conditional costs an evaluation
MOST_EVALUATIONS = 200_000


class Given(Protocol):
    """The conditional distribution of a variable, all others being fixed."""

    def log_weights(self, x: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the log-weight of every state of every site, ``(M, n) → (M, sites, q)``."""

    def log_densities(self, x: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the log-density up to a constant, ``(M, n) → (M,)``."""

    def descend(self, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the local maxima that the configurations lead to, ``(M, n) → (M, n)``."""

    def heat_bath(
        self, x: NDArray[np.int8], sweeps: int, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return the configurations after so many sweeps."""


@dataclass(frozen=True)
class PairwiseGiven:
    """Couplings and fields, β and the children included.

    Parameters
    ----------
    graph : Graph
        Which entries interact.
    interaction : ndarray, shape (q, q)
        What couples a pair of states.
    coupling : list of ndarray, shape (m,)
        Couplings of the edges, one array a batch entry.
    field : ndarray, shape (batch, n, q)
        Log-weights.
    sites : ndarray of int, shape (sites,)
        The entries of the variable whose conditionals are wanted.
    """

    graph: Graph
    interaction: NDArray[np.float64]
    coupling: list[NDArray[np.float64]]
    field: NDArray[np.float64]
    sites: NDArray[np.int64]

    @cached_property
    def _adjacency(self) -> list[tuple[NDArray, ...]]:
        """What the kernels want of each batch entry."""
        indptr, indices, numbers = self.graph.neighbors
        return [
            (indptr, indices, coupling[numbers], self.interaction, field)
            for coupling, field in zip(self.coupling, self.field, strict=True)
        ]

    def _parts(self, x: NDArray) -> list[NDArray[np.int8]]:
        """Cut flattened configurations into batch entries."""
        n = self.graph.n_vertices
        return [np.ascontiguousarray(x[:, k * n : (k + 1) * n]) for k in range(len(self.field))]

    def log_weights(self, x: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the log-weight of every state of every site."""
        columns, n = [], self.graph.n_vertices
        for b, (part, arguments) in enumerate(zip(self._parts(x), self._adjacency, strict=True)):
            sites = self.sites[self.sites // n == b] - b * n
            out = np.empty((len(part), len(sites), len(self.interaction)))
            kernels.conditional.log_weights(part, sites, *arguments, out)
            columns.append(out)
        return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)

    def log_densities(self, x: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the log-density up to a constant."""
        first, second = np.ascontiguousarray(self.graph.edges.T, dtype=np.int32)
        total = np.zeros(len(x))
        for part, coupling, field in zip(self._parts(x), self.coupling, self.field, strict=True):
            for m, configuration in enumerate(part):
                total[m] += kernels.log_weight.states_log_weight(
                    configuration, first, second, coupling, self.interaction, field
                )
        return total

    def descend(self, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the local maxima that the configurations lead to."""
        columns = []
        for part, arguments in zip(self._parts(x.copy()), self._adjacency, strict=True):
            kernels.conditional.descend(part, *arguments, 1000)
            columns.append(part)
        return np.concatenate(columns, axis=1)

    def heat_bath(
        self, x: NDArray[np.int8], sweeps: int, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return the configurations after so many sweeps."""
        sites = np.arange(self.graph.n_vertices, dtype=np.uint32)
        state = kernels.xoshiro.seed_state(rng)
        columns = []
        for part, arguments in zip(self._parts(x.copy()), self._adjacency, strict=True):
            indptr, indices, weights, interaction, field = arguments
            for configuration in part:
                kernels.heat_bath_states.states_sweeps(
                    configuration, indptr, indices, weights, interaction, False, sites, field,
                    sweeps, state,
                )  # fmt: skip
            columns.append(part)
        return np.concatenate(columns, axis=1)


@dataclass(frozen=True)
class EvaluatedGiven:
    """A log-density that has to be evaluated configuration by configuration.

    Parameters
    ----------
    function : callable
        State numbers of shape (M, n) → log-densities of shape (M,).
    sites : ndarray of int
        The sites whose conditionals are looked at.
    q : int
        Number of states.
    """

    function: Callable[[NDArray[np.int8]], NDArray[np.float64]]
    sites: NDArray[np.int64]
    q: int

    def log_densities(self, x: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the log-density up to a constant."""
        return self.function(x)

    def log_weights(self, x: NDArray[np.int8], sites: NDArray | None = None) -> NDArray[np.float64]:
        """Return the log-weight of every state of the chosen sites."""
        sites = self.sites if sites is None else sites
        neighbors = np.repeat(x[:, None], len(sites) * self.q, axis=1)
        rows = np.arange(len(sites) * self.q)
        neighbors[:, rows, np.repeat(sites, self.q)] = np.tile(np.arange(self.q), len(sites))
        values = self.function(neighbors.reshape(-1, x.shape[1]))
        return values.reshape(len(x), len(sites), self.q)

    def descend(self, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the local maxima that the configurations lead to, by steepest steps."""
        x = x.copy()
        active = np.arange(len(x))
        everywhere = np.arange(x.shape[1])
        for _ in range(10 * x.shape[1]):
            if not len(active):
                break
            weights = self.log_weights(x[active], everywhere)
            own = np.take_along_axis(weights, x[active][..., None].astype(int), axis=2)
            gain = (weights - own).reshape(len(active), -1)
            best = gain.argmax(axis=1)
            better = gain[np.arange(len(active)), best] > 1e-12
            active, best = active[better], best[better]
            x[active, best // self.q] = best % self.q
        return x

    def heat_bath(
        self, x: NDArray[np.int8], sweeps: int, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return the configurations after so many sweeps."""
        x = x.copy()
        for _ in range(sweeps):
            for i in range(x.shape[1]):
                weights = self.log_weights(x, np.array([i]))[:, 0]
                x[:, i] = np.argmax(weights + rng.gumbel(size=weights.shape), axis=1)
        return x


@dataclass(frozen=True)
class DiscreteDraws:
    """Thinned draws of one discrete variable, with the conditionals of its entries.

    Parameters
    ----------
    name : str
        The variable.
    values : ndarray, shape (q,)
        What each state number stands for.
    shape : tuple of int
        Shape of the variable.
    graph : Graph or None
        Which entries interact, for pairwise energies without a batch.
    x : ndarray of int8, shape (chains, draws, n)
        State numbers.
    sites : ndarray of int, shape (sites,)
        The entries that the conditionals are of.
    log_probability : ndarray, shape (chains, draws, sites, q)
        Log of each state's conditional probability given all other entries and variables.
    given : Given
        The conditional distribution at the last draw.
    fixed : bool
        Whether it is the same at all draws.
    share : float, default 1
        Which part of all draws these are.
    """

    name: str
    values: NDArray
    shape: tuple[int, ...]
    graph: Graph | None
    x: NDArray[np.int8]
    sites: NDArray[np.int64]
    log_probability: NDArray[np.float64]
    given: Given
    fixed: bool
    share: float = 1.0

    @cached_property
    def probability(self) -> NDArray[np.float64]:
        """Conditional probability of each state."""
        return np.exp(self.log_probability)

    @cached_property
    def expected_changes(self) -> NDArray[np.float64]:
        """How often a heat bath would change each site in all draws, shape (chains, sites)."""
        chosen = self.x[..., self.sites][..., None].astype(np.int64)
        own = np.take_along_axis(self.probability, chosen, axis=-1)[..., 0]
        return (1 - own).sum(axis=1) / self.share

    @cached_property
    def surprise(self) -> NDArray[np.float64]:
        """What the heat-bath identity says is zero on average: ``1[x_i = a] − p_i(a)``."""
        chosen = self.x[..., self.sites].astype(np.int64)
        residual = -self.probability
        np.put_along_axis(
            residual,
            chosen[..., None],
            np.take_along_axis(residual, chosen[..., None], axis=-1) + 1,
            axis=-1,
        )
        return residual


class DiscreteTarget:
    """The conditional distribution of one discrete variable of a model.

    Parameters
    ----------
    rv : TensorVariable
        The variable.
    model : Model
        Its model.
    """

    def __init__(self, rv: TensorVariable, model: pm.Model) -> None:
        self.rv, self.name = rv, str(rv.name)
        self._model = model
        states = states_of(rv)
        if states is None:
            raise ValueError(f"{rv.name} has no finite list of states")
        self.states = np.asarray(states)
        self._value_var = model.rvs_to_values[rv]
        self._pairwise: Conditional | None = None
        if is_discrete_boltzmann(rv):
            try:
                self._pairwise = Conditional("ergodicity", rv, model, None)
            except ValueError:  # not pairwise, or children that tie entries together
                self._pairwise = None
        if self._pairwise is None:
            self._compile()

    def _compile(self) -> None:
        """Compile the log-probability of many configurations at once."""
        value = self._value_var
        terms = [t for t in self._model.logp(sum=False) if value in ancestors([t])]
        density = sum(t.sum() for t in terms)
        batch = pt.tensor("batch", dtype=value.dtype, shape=(None, *value.type.shape))
        self._others = [
            v for v in self._model.value_vars if v is not value and v in ancestors([density])
        ]
        batched = vectorize_graph(density, {value: batch})
        self._function = pm.compile([batch, *self._others], batched)

    @property
    def fixed(self) -> bool:
        """Whether no other free variable enters the conditional distribution."""
        if self._pairwise is not None:
            return self._pairwise.couplings_constant and self._pairwise.children_constant
        return not self._others

    def forget(self) -> None:
        """Compute constant fields again: the data may have changed."""
        if self._pairwise is not None:
            self._pairwise.forget()

    def at(self, point: Mapping[str, NDArray], sites: NDArray) -> Given:
        """Return the conditional distribution at a point.

        Parameters
        ----------
        point : mapping of str to ndarray
            Values of the model's value variables.
        sites : ndarray of int
            The sites whose conditionals are wanted, where each costs an evaluation.
        """
        if self._pairwise is None:
            shape = np.shape(point[str(self._value_var.name)])
            others = [np.asarray(point[str(v.name)], dtype=v.dtype) for v in self._others]

            def log_densities(x: NDArray[np.int8]) -> NDArray[np.float64]:
                decoded = self.states[x].reshape(len(x), *shape).astype(self._value_var.dtype)
                return np.asarray(self._function(decoded, *others))

            return EvaluatedGiven(log_densities, sites, len(self.states))
        conditional = self._pairwise
        conditions = conditional.at(point)
        interaction, field = conditional.interaction, conditions.field
        if interaction is None:
            interaction, field = np.array([[1.0, -1], [-1, 1]]), np.stack([-field, field], axis=-1)
        m = conditional.graph.n_edges
        coupling = [np.ascontiguousarray(np.broadcast_to(J, (m,))) for J in conditions.coupling]
        return PairwiseGiven(
            conditional.graph, interaction, coupling, np.ascontiguousarray(field), sites
        )

    def draws(
        self,
        values: xr.DataArray,
        points: Callable[[int, int], Mapping[str, NDArray]],
        rng: np.random.Generator,
    ) -> DiscreteDraws:
        """Evaluate the conditionals at thinned draws.

        Parameters
        ----------
        values : DataArray
            Draws of the variable, dims (chain, draw, ...).
        points : callable
            Values of the value variables at a chain and a draw.
        rng : numpy.random.Generator
            Chooses sites where not all can be looked at.
        """
        n_chains, n_draws, *shape = values.shape
        n, q = int(np.prod(shape)), len(self.states)
        sites = np.arange(n)
        looked_at = MOST_SITES if self._pairwise is None else MOST_PAIRWISE_SITES
        if n > looked_at:
            sites = np.sort(rng.choice(n, looked_at, replace=False))
        most = min(MOST_DRAWS, MOST_NUMBERS // (len(sites) * q))
        if self._pairwise is None:
            most = min(most, MOST_EVALUATIONS // (len(sites) * q))
        # at least forty draws a chain, or an autocorrelation cannot be told
        kept = thinned(n_draws, max(most // n_chains, 40))
        thin = values.isel(draw=kept).values.reshape(n_chains, len(kept), n)
        x = self._encode(thin)
        if self.fixed:
            given = self.at(points(0, 0), sites)
            flat = x.reshape(-1, n)
            weights = given.log_weights(flat).reshape(n_chains, len(kept), len(sites), q)
        else:
            weights = np.empty((n_chains, len(kept), len(sites), q))
            for chain in range(n_chains):
                for k, draw in enumerate(kept):
                    given = self.at(points(chain, int(draw)), sites)
                    weights[chain, k] = given.log_weights(x[chain, k][None])[0]
        kernels.conditional.normalise(weights.reshape(-1, q))
        graph = self._pairwise.graph if self._pairwise is not None else None
        if graph is not None and graph.n_vertices != n:
            graph = None
        return DiscreteDraws(
            self.name,
            self.states,
            tuple(shape),
            graph,
            x,
            sites,
            weights,
            given,
            self.fixed,
            len(kept) / n_draws,
        )

    def _encode(self, values: NDArray) -> NDArray[np.int8]:
        codes = np.searchsorted(self.states, values).astype(np.int8)
        codes = np.minimum(codes, len(self.states) - 1).astype(np.int8)
        wrong = self.states[codes] != values
        if wrong.any():
            seen = values[tuple(np.argwhere(wrong)[0])]
            raise ValueError(
                f"ergodicity: {self.name!r} has the draw {seen}, and its values are "
                f"{self.states.tolist()}. Is this the model that was sampled?"
            )
        return codes


def states_of(rv: TensorVariable) -> tuple[int, ...] | None:
    """Return the values an entry of a variable may take, None if there is no finite list.

    Parameters
    ----------
    rv : TensorVariable
        Any free variable.
    """
    op: Any = getattr(rv.owner, "op", None)
    if is_discrete_boltzmann(rv):
        return op.energy.states
    name = type(op).__name__
    if name == "BernoulliRV":
        return (0, 1)
    if name == "CategoricalRV":
        length = rv.owner.inputs[-1].type.shape[-1]
        return None if length is None else tuple(range(length))
    return None
