"""What a model says about one discrete variable, at the draws of a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from numpy.typing import NDArray
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.conditionals.conditional import Conditional
from pymc_ebm.diagnostics.given import EvaluatedGiven, Given, PairwiseGiven
from pymc_ebm.diagnostics.thinning import thinned
from pymc_ebm.energies.coded import SPIN_PRODUCT
from pymc_ebm.graphs import Graph
from pymc_ebm.variables.boltzmann import is_discrete_boltzmann

MOST_NUMBERS = 1_000_000  # conditional probabilities that are kept
MOST_DRAWS = 4_000
MOST_PAIRWISE_SITES = 16_384
MOST_SITES = 64  # of an energy whose every conditional costs an evaluation
MOST_EVALUATIONS = 200_000


@dataclass(frozen=True)
class DiscreteDraws:
    """Thinned draws of one discrete variable, with the conditionals of its entries."""

    name: str  # the variable
    values: NDArray  # (q,); what each state number stands for
    shape: tuple[int, ...]  # shape of the variable
    graph: Graph | None  # which entries interact, for pairwise energies without a batch
    x: NDArray[np.int8]  # (chains, draws, n); state numbers
    sites: NDArray[np.int64]  # (sites,); the entries that the conditionals are of
    # (chains, draws, sites, q); log of each state's conditional probability given all other entries
    # and variables
    log_probability: NDArray[np.float64]
    given: Given  # the conditional distribution at the last draw
    fixed: bool  # whether it is the same at all draws
    share: float = 1.0  # which part of all draws these are

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
    """The conditional distribution of one discrete variable of a model."""

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
        """Return the conditional distribution at a point."""
        if self._pairwise is None:
            shape = np.shape(point[str(self._value_var.name)])
            others = [np.asarray(point[str(v.name)], dtype=v.dtype) for v in self._others]

            def log_densities(x: NDArray[np.int8]) -> NDArray[np.float64]:
                decoded = self.states[x].reshape(len(x), *shape).astype(self._value_var.dtype)
                return np.asarray(self._function(decoded, *others))

            return EvaluatedGiven(log_densities, sites, len(self.states))
        conditional = self._pairwise
        conditions = conditional.at(point)
        field, interaction = conditions.field, conditions.interaction
        if interaction is None:
            interaction = [SPIN_PRODUCT] * len(field)
            field = np.stack([-field, field], axis=-1)
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
        """Evaluate the conditionals at thinned draws."""
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
    """Return the values an entry of a variable may take, None if there is no finite list."""
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
