"""What energies of two layers share: a matrix of weights, biases, hidden units summed out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy, as_parameter
from pymc_ebm.graphs import Graph


class LayeredEnergy(Energy):
    """An energy of visible units with weights W (nv, nh) and biases b (nv,), c (nh,).

    Biases may be scalars. `n_hidden` is the number of hidden units.
    """

    def __init__(self, W: Any, b: Any = 0.0, c: Any = 0.0) -> None:
        family = type(self).__name__
        W, b, c = (as_parameter(v, f"{family}: {n}") for v, n in ((W, "W"), (b, "b"), (c, "c")))
        if W.ndim != 2 or None in W.type.shape:
            raise ValueError(
                f"{family}: W has shape {W.type.shape}; expected a matrix (visible, hidden) of "
                "known size."
            )
        nv, nh = W.type.shape
        super().__init__(
            {"W": W, "b": self._units("b", b, nv), "c": self._units("c", c, nh)},
            {"W": 2, "b": 1, "c": 1},
            1,
            (int(nv),),
        )
        self.n_hidden = int(nh)

    @classmethod
    def random(
        cls, n_visible: int, n_hidden: int, *, scale: float = 0.01, random_seed: Any = None
    ) -> Self:
        """Draw normal weights; biases are zero.

        Parameters
        ----------
        n_visible, n_hidden : int
            Numbers of units.
        scale : float, default 0.01
            Standard deviation of the weights.
        random_seed : int or Generator, optional
            Source of randomness.
        """
        rng = np.random.default_rng(random_seed)
        return cls(rng.normal(0, scale, (n_visible, n_hidden)))

    def _units(self, name: str, value: TensorVariable, size: int) -> TensorVariable:
        """Return one value a unit, shape (size,), of such values or of one for all."""
        if value.ndim > 1 or (value.ndim and value.type.shape[0] not in (None, size)):
            raise ValueError(
                f"{type(self).__name__}: {name} has shape {value.type.shape}; the layer has {size} "
                f"units, so it must be a scalar or have shape ({size},)."
            )
        return value * pt.ones(size)


def bipartite(n_visible: int, n_hidden: int) -> Graph:
    """Join every visible unit to every hidden one, edges in the order of a flattened W."""
    visible, hidden = np.divmod(np.arange(n_visible * n_hidden), n_hidden)
    pairs = np.column_stack([visible, n_visible + hidden])
    return Graph.from_edges(pairs, n_visible + n_hidden)
