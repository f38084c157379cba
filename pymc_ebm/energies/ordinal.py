"""The ordinal Markov random field: ratings that go up and down together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt

from pymc_ebm.energies.couplings import read_couplings
from pymc_ebm.energies.energy import as_parameter
from pymc_ebm.energies.pairwise import Pairwise, PairwiseEnergy, per_edge
from pymc_ebm.graphs import Graph
from pymc_ebm.states import States


class Ordinal(PairwiseEnergy):
    """Categories 0, …, q_i − 1 of each item, with products of categories as interactions.

    ``E(x) = −Σ_{(i,j)∈edges} J_ij x_i x_j − Σ_i τ_i[x_i]``, each edge once, with ``τ_i[0] = 0``.

    Parameters
    ----------
    J : tensor_like or scipy.sparse array
        Interactions, in the forms `Ising` takes its couplings.
    thresholds : tensor_like, shape (), (q - 1,) or ``(..., *graph.shape, q - 1)``
        τ of the categories 1, …, q − 1. Of an item with fewer categories the last are not used.
    n_categories : int or array_like of int
        q, or one number an item.
    graph : Graph, optional
        Which items interact.

    Raises
    ------
    ValueError
        For numbers of categories, thresholds or interactions that do not fit.

    References
    ----------
    Marsman, M., van den Bergh, D. and Haslbeck, J. M. B. (2025). Bayesian analysis of the ordinal
    Markov random field. Psychometrika 90, 146-182.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> items = ebm.Graph.complete(3)
    >>> model = ebm.energies.Ordinal(0.5, [0.1, 0.2], n_categories=[2, 3, 3], graph=items)
    >>> round(float(model([1, 2, 0]).eval()), 10)
    -1.3
    """

    support = "categorical"

    def __init__(
        self,
        J: Any,
        thresholds: Any = 0.0,
        *,
        n_categories: int | Sequence[int],
        graph: Graph | None = None,
    ) -> None:
        graph, couplings = read_couplings(J, graph, family="Ordinal", name="J")
        counts = np.asarray(n_categories)
        if counts.ndim and counts.size != graph.n_vertices:
            raise ValueError(
                f"Ordinal: n_categories has {counts.size} entries, and there are "
                f"{graph.n_vertices} items."
            )
        counts = counts.reshape(graph.shape) if counts.ndim else np.full(graph.shape, counts)
        if np.any(counts != counts.astype(int)) or counts.min() < 2:
            raise ValueError(f"Ordinal: n_categories = {n_categories}; each must be 2 or more.")
        q = self.n_states = int(counts.max())
        self._states = States("numbers", range(q), counts)
        tau = as_parameter(thresholds, "Ordinal: thresholds")
        if tau.ndim and tau.type.shape[-1] not in (None, 1, q - 1):
            raise ValueError(
                f"Ordinal: thresholds have shape {tau.type.shape}; the last axis stands for the "
                f"{q - 1} categories above 0."
            )
        core = min(tau.ndim, len(graph.shape) + 1) if tau.ndim != 1 else 1
        wanted = (*graph.shape, q - 1)[len(graph.shape) + 1 - core :]
        if any(
            got not in (None, 1, want)
            for got, want in zip(tau.type.shape[tau.ndim - core :], wanted, strict=True)
        ):
            raise ValueError(
                f"Ordinal: thresholds have shape {tau.type.shape}; pass one value a category, "
                f"shape ({q - 1},), or one an item and category, shape {(*graph.shape, q - 1)}."
            )
        super().__init__(
            graph,
            {"J": couplings, "thresholds": tau},
            {"J": per_edge(couplings), "thresholds": core},
        )

    @property
    def states(self) -> States:
        """The categories, and how many of them each item has."""
        return self._states

    def settings(self) -> dict[str, Any]:
        """Return graph and numbers of categories."""
        counts = self._states.counts
        n_categories = self.n_states if counts is None else counts.reshape(-1).tolist()
        return {**super().settings(), "n_categories": n_categories}

    def pairwise_form(self) -> Pairwise:
        """Couple categories by their product."""
        q = self.n_states
        tau = self.everywhere("thresholds", 1)
        tau = pt.broadcast_to(tau, (*tau.shape[:-1], q - 1))
        field = pt.concatenate([pt.zeros_like(tau[..., :1]), tau], axis=-1)
        product = np.outer(np.arange(q), np.arange(q)).astype(float)
        return Pairwise(self.graph, self._states, product, self.parameters["J"], field)
