"""The deep Boltzmann machine: layers of binary units, each joined to the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pytensor.tensor as pt

from pymc_ebm.energies.boltzmann_machine import PRODUCT
from pymc_ebm.energies.energy import as_parameter
from pymc_ebm.energies.pairwise import Pairwise, PairwiseEnergy
from pymc_ebm.graphs import Graph
from pymc_ebm.states import BINARY


class DeepBoltzmannMachine(PairwiseEnergy):
    """Boltzmann machine in layers, hidden units being part of the configuration.

    ``E(x⁰, x¹, …) = −Σ_k (x^k)ᵀ W_k x^{k+1} − Σ_k b_kᵀ x^k`` over units in {0, 1}; layer 0 is
    visible. A configuration holds all layers one after another. Even layers are independent given
    the odd ones and the other way round, so `BlockGibbs` draws all units in two steps. Hidden
    units of data are gaps: ``ebm.Boltzmann("x", machine, observed=machine.with_gaps(v),
    impute=True)``. `fit` takes the visible units alone.

    Parameters
    ----------
    weights : sequence of tensor_like
        ``W_k`` of shape (n_k, n_{k+1}), of known sizes.
    biases : sequence of tensor_like, optional
        ``b_k`` of shape () or (n_k,), one more than there are weights; zero by default.

    Attributes
    ----------
    sizes : tuple of int
        Units of each layer.
    n_visible : int
        Units of the first one.

    Raises
    ------
    ValueError
        For weights or biases that do not fit each other.

    References
    ----------
    Salakhutdinov, R. and Hinton, G. (2009). Deep Boltzmann machines. AISTATS.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> machine = ebm.energies.DeepBoltzmannMachine.random((4, 3, 2), random_seed=1)
    >>> machine.event_shape, machine.with_gaps([[1, 0, 0, 1]]).shape
    ((9,), (1, 9))
    """

    support = "binary"

    def __init__(self, weights: Sequence[Any], biases: Sequence[Any] | None = None) -> None:
        W = [as_parameter(w, f"DeepBoltzmannMachine: W{k}") for k, w in enumerate(weights)]
        shapes = [w.type.shape for w in W]
        if not W or any(len(shape) != 2 or None in shape for shape in shapes):
            raise ValueError(
                f"DeepBoltzmannMachine: weights have shapes {shapes}; expected matrices of known "
                "size, one for each pair of neighbouring layers."
            )
        for k, (lower, upper) in enumerate(pairwise(shapes)):
            if lower[1] != upper[0]:
                raise ValueError(
                    f"DeepBoltzmannMachine: W{k} ends in {lower[1]} units, and W{k + 1} begins "
                    f"with {upper[0]}."
                )
        self.sizes = tuple(int(n) for n in (*(shape[0] for shape in shapes), shapes[-1][1]))
        given = [0.0] * len(self.sizes) if biases is None else list(biases)
        if len(given) != len(self.sizes):
            raise ValueError(
                f"DeepBoltzmannMachine: {len(given)} biases, and {len(self.sizes)} layers."
            )
        b = [as_parameter(v, f"DeepBoltzmannMachine: b{k}") for k, v in enumerate(given)]
        for k, (bias, n) in enumerate(zip(b, self.sizes, strict=True)):
            if bias.ndim > 1 or (bias.ndim and bias.type.shape[0] not in (None, n)):
                raise ValueError(
                    f"DeepBoltzmannMachine: b{k} has shape {bias.type.shape}; layer {k} has {n} "
                    "units."
                )
        self.n_visible = self.sizes[0]
        layers = [n * pt.ones(size) for n, size in zip(b, self.sizes, strict=True)]
        super().__init__(
            _layered(self.sizes),
            {f"W{k}": w for k, w in enumerate(W)} | {f"b{k}": v for k, v in enumerate(layers)},
            {f"W{k}": 2 for k in range(len(W))} | {f"b{k}": 1 for k in range(len(b))},
        )

    @classmethod
    def random(cls, sizes: Sequence[int], *, scale: float = 0.01, random_seed: Any = None) -> Self:
        """Draw normal weights; biases are zero.

        Parameters
        ----------
        sizes : sequence of int
            Units of each layer, visible ones first.
        scale : float, default 0.01
            Standard deviation of the weights.
        random_seed : int or Generator, optional
            Source of randomness.
        """
        rng = np.random.default_rng(random_seed)
        return cls([rng.normal(0, scale, shape) for shape in pairwise(sizes)])

    @property
    def data_shape(self) -> tuple[int, ...]:
        """The visible units."""
        return (self.n_visible,)

    def with_gaps(self, visible: Any) -> np.ndarray:
        """Return configurations whose hidden units are missing (NaN).

        Parameters
        ----------
        visible : array_like, shape (..., n_visible)
            Visible units.
        """
        rows = np.asarray(visible, float)
        gaps = np.full((*rows.shape[:-1], self.graph.n_vertices - self.n_visible), np.nan)
        return np.concatenate([rows, gaps], axis=-1)

    def settings(self) -> dict[str, Any]:
        """Return nothing: weights say all."""
        return {}

    @classmethod
    def from_settings(cls, parameters: Any, settings: Any) -> Self:
        """Gather the layers."""
        depth = len(parameters) // 2
        return cls(
            [parameters[f"W{k}"] for k in range(depth)],
            [parameters[f"b{k}"] for k in range(depth + 1)],
        )

    def pairwise_form(self) -> Pairwise:
        """Couple units of neighbouring layers by the product of their values."""
        depth, p = len(self.sizes) - 1, self.parameters
        W = [p[f"W{k}"] for k in range(depth)]
        # edges are sorted by their lower end, and so are rows of weights
        J = pt.concatenate([w.reshape((*tuple(w.shape[:-2]), -1)) for w in W], axis=-1)
        slope = pt.concatenate([p[f"b{k}"] for k in range(depth + 1)], axis=-1)
        return Pairwise(self.graph, BINARY, PRODUCT, J, slope=slope)


def _layered(sizes: tuple[int, ...]) -> Graph:
    """Join every unit to all of the next layer."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    pairs = []
    for k, (n, m) in enumerate(pairwise(sizes)):
        lower, upper = np.divmod(np.arange(n * m), m)
        pairs.append(np.column_stack([starts[k] + lower, starts[k + 1] + upper]))
    return Graph.from_edges(np.concatenate(pairs), int(starts[-1]))
