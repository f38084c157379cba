"""The Hopfield network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy, as_parameter
from pymc_ebm.energies.ising import PRODUCT
from pymc_ebm.energies.pairwise import Pairwise
from pymc_ebm.graphs import Graph
from pymc_ebm.states import SIGNS


class Hopfield(Energy):
    r"""Spins in {-1, +1} that remember patterns by Hebb's rule.

    ``E(s) = −½ sᵀ W s − bᵀ s`` with ``W = (1/N) Σ_μ ξ^μ ξ^μᵀ`` and an empty diagonal. Evaluated
    through the overlaps ``ξ^μ · s``, in O(M N) operations for M patterns.

    Parameters
    ----------
    patterns : tensor_like, shape (M, N)
        The patterns ξ, usually of ±1.
    b : tensor_like, shape () or (N,)
        Bias.

    Raises
    ------
    ValueError
        If the patterns are no matrix of known size, or b does not fit it.

    References
    ----------
    Hopfield, J. J. (1982). Neural networks and physical systems with emergent collective
    computational abilities. PNAS 79, 2554-2558.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> memory = ebm.energies.Hopfield([[1, 1, -1, -1]])
    >>> memory([[1, 1, -1, -1], [1, 1, 1, 1]]).eval()
    array([-1.5,  0.5])
    """

    support = "spin"

    def __init__(self, patterns: Any, b: Any = 0.0) -> None:
        xi, b = as_parameter(patterns, "Hopfield: patterns"), as_parameter(b, "Hopfield: b")
        if xi.ndim != 2 or None in xi.type.shape:
            raise ValueError(
                f"Hopfield: patterns have shape {xi.type.shape}; expected a matrix (pattern, spin) "
                "of known size."
            )
        n = xi.type.shape[1]
        if b.ndim > 1 or (b.ndim and b.type.shape[0] not in (None, n)):
            raise ValueError(
                f"Hopfield: b has shape {b.type.shape}; the patterns have {n} spins, so it must be "
                f"a scalar or have shape ({n},)."
            )
        super().__init__(
            {"patterns": xi, "b": b * pt.ones(n)}, {"patterns": 2, "b": 1}, 1, (int(n),)
        )

    def evaluate(
        self, x: TensorVariable, *, patterns: TensorVariable, b: TensorVariable
    ) -> TensorVariable:
        """Return minus half the squared overlaps, without the diagonal, minus the bias term."""
        x = x.astype(patterns.dtype)
        n = x.shape[-1]
        overlaps = (x[..., None, :] * patterns).sum(axis=-1)
        diagonal = (patterns**2).sum(axis=(-2, -1))
        return -0.5 * ((overlaps**2).sum(axis=-1) - diagonal) / n - (x * b).sum(axis=-1)

    def pairwise_form(self) -> Pairwise:
        """Write the Hebb weights as couplings on the complete graph."""
        xi, b = self.parameters["patterns"], self.parameters["b"]
        assert self.event_shape is not None
        (n,) = self.event_shape
        i, j = np.triu_indices(n, k=1)
        weights = (xi.mT @ xi)[..., i, j] / n
        return Pairwise(Graph.complete(n), SIGNS, PRODUCT, weights, slope=b)
