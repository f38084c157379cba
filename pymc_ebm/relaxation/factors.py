"""Matrix square roots: ``L Lᵀ = A + D`` for couplings A and a diagonal D that makes it positive.

A is the symmetric matrix with ``A_ij = w_ij`` for every edge. Each factor knows how many columns L
has, applies it to coordinates, and tells the diagonal D.

References
----------
Zhang, Y., Sutton, C., Storkey, A. and Ghahramani, Z. (2012). Continuous relaxations for discrete
Hamiltonian Monte Carlo. Advances in Neural Information Processing Systems 25.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, Protocol

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.graphs import Graph

SMOOTHING = 0.1  # of the square roots of couplings whose sign is not known
NULL = 1e-13  # eigenvalues below it, relative to the largest, are zero


class Factor(Protocol):
    """A matrix square root."""

    kind: str
    size: int
    diagonal: TensorVariable  # shape (n,)

    def apply(self, z: TensorVariable) -> TensorVariable:
        """Return ``L z``, shape (..., n), for z of shape (..., size)."""

    def apply_transposed(self, s: TensorVariable) -> TensorVariable:
        """Return ``Lᵀ s``, shape (..., size), for s of shape (..., n)."""


class Edges:
    """One column an edge: ``√|w|`` at one end and ``±√|w|`` at the other.

    `graph`: the graph; `J` () or (m,): known couplings; `scale` (): ``w = scale · J``; positive.
    """

    kind = "edges"

    def __init__(self, graph: Graph, J: NDArray[np.float64], scale: TensorVariable) -> None:
        self._n = graph.n_vertices
        self._first, self._second = graph.edges.T
        self.size = graph.n_edges
        J = np.broadcast_to(J, graph.n_edges)
        # the root of the scale alone: that of a coupling of 0 has no derivative
        self._root = pt.sqrt(scale) * np.sqrt(np.abs(J))
        self._signed_root = pt.sqrt(scale) * (np.sign(J) * np.sqrt(np.abs(J)))
        strength = np.bincount(graph.edges.reshape(-1), np.repeat(np.abs(J), 2), self._n)
        self.diagonal = scale * pt.as_tensor(strength)

    def apply(self, z: TensorVariable) -> TensorVariable:
        """Return ``L z``, shape (..., n), for z of shape (..., size)."""
        return _scatter(self._n, self._first, self._root * z, self._second, self._signed_root * z)

    def apply_transposed(self, s: TensorVariable) -> TensorVariable:
        """Return ``Lᵀ s``, shape (..., size), for s of shape (..., n)."""
        return self._root * s[..., self._first] + self._signed_root * s[..., self._second]


class SmoothEdges:
    """Two columns an edge, smooth functions of couplings that may change sign.

    With ``d = √(w² + ε²)`` the two-by-two matrix ``[[d, w], [w, d]]`` has the eigenvalues
    ``d ± w > 0``; a single column would have the square root of ``|w|``, with a cusp at 0.

    `graph`: the graph; `w` (m,): couplings.
    """

    kind = "smooth_edges"

    def __init__(self, graph: Graph, w: TensorVariable) -> None:
        self._n = graph.n_vertices
        self._first, self._second = graph.edges.T
        self.size = 2 * graph.n_edges
        d = pt.sqrt(w**2 + SMOOTHING**2)
        sign = pt.switch(w >= 0, 1.0, -1.0)  # where pt.abs would have no derivative at 0
        large = 0.5 * (d + sign * w)
        small = 0.25 * SMOOTHING**2 / large  # ½ (d − |w|) without cancellation
        self._even = pt.sqrt(pt.switch(w >= 0, large, small))
        self._odd = pt.sqrt(pt.switch(w >= 0, small, large))
        self.diagonal = _to_ends(self._n, graph, d, d)

    def apply(self, z: TensorVariable) -> TensorVariable:
        """Return ``L z``, shape (..., n), for z of shape (..., size)."""
        m = self.size // 2
        even, odd = self._even * z[..., :m], self._odd * z[..., m:]
        return _scatter(self._n, self._first, even + odd, self._second, even - odd)

    def apply_transposed(self, s: TensorVariable) -> TensorVariable:
        """Return ``Lᵀ s``, shape (..., size), for s of shape (..., n)."""
        first, second = s[..., self._first], s[..., self._second]
        return pt.concatenate(
            [self._even * (first + second), self._odd * (first - second)], axis=-1
        )


class Modes:
    """The eigenbasis of ``J + D``, D being the smallest multiple of 1 that is enough.

    Slow collective motions become single coordinates. At most n − 1 columns.

    `graph`: the graph; `J` () or (m,): known couplings; `scale` (): ``w = scale · J``; positive.
    """

    kind = "modes"

    def __init__(self, graph: Graph, J: NDArray[np.float64], scale: TensorVariable) -> None:
        n = graph.n_vertices
        matrix = np.zeros((n, n))
        i, j = graph.edges.T
        matrix[i, j] = matrix[j, i] = J
        values, vectors = np.linalg.eigh(matrix)
        shifted = values - min(values[0], 0.0)
        kept = shifted > NULL * max(shifted[-1], 1e-300)
        self._basis = vectors[:, kept] * np.sqrt(shifted[kept])
        self.size = int(kept.sum())
        self._root = pt.sqrt(scale)
        self.diagonal = scale * pt.as_tensor(np.full(n, -min(values[0], 0.0)))

    def apply(self, z: TensorVariable) -> TensorVariable:
        """Return ``L z``, shape (..., n), for z of shape (..., size)."""
        return self._root * (z @ self._basis.T)

    def apply_transposed(self, s: TensorVariable) -> TensorVariable:
        """Return ``Lᵀ s``, shape (..., size), for s of shape (..., n)."""
        return self._root * (s @ self._basis)


class Fourier:
    """The eigenbasis of a periodic square or cubic lattice with one coupling.

    Along each axis it is the real Fourier (Hartley) basis, so applying L takes one small matrix
    product an axis instead of a matrix with n² entries.

    `graph`: A lattice, periodic along every axis; `J`: the known coupling of all edges; `scale` ():
    ``w = scale · J``; positive.
    """

    kind = "fourier"

    def __init__(self, graph: Graph, J: float, scale: TensorVariable) -> None:
        self._shape = graph.shape
        self.size = graph.n_vertices
        angles = [2 * np.pi * np.arange(length) / length for length in graph.shape]
        self._bases = [
            (np.cos(np.outer(a, np.arange(a.size))) + np.sin(np.outer(a, np.arange(a.size))))
            / np.sqrt(a.size)
            for a in angles
        ]
        values = 2 * J * reduce(np.add.outer, [np.cos(a) for a in angles])
        shift = -min(float(values.min()), 0.0)
        self._roots = np.sqrt(np.maximum(values + shift, 0.0))
        self._root = pt.sqrt(scale)
        self.diagonal = scale * pt.as_tensor(np.full(self.size, shift))

    def _transform(self, x: TensorVariable) -> TensorVariable:
        for k, basis in enumerate(self._bases):
            axis = k - len(self._bases)
            x = pt.moveaxis(pt.moveaxis(x, axis, -1) @ basis, -1, axis)
        return x

    def apply(self, z: TensorVariable) -> TensorVariable:
        """Return ``L z``, shape (..., n), for z of shape (..., size)."""
        batch = tuple(z.shape[: z.ndim - 1])
        grid = z.reshape((*batch, *self._shape))
        return self._root * self._transform(self._roots * grid).reshape((*batch, self.size))

    def apply_transposed(self, s: TensorVariable) -> TensorVariable:
        """Return ``Lᵀ s``, shape (..., size), for s of shape (..., n)."""
        batch = tuple(s.shape[: s.ndim - 1])
        grid = s.reshape((*batch, *self._shape))
        return self._root * (self._roots * self._transform(grid)).reshape((*batch, self.size))


class Patterns:
    """One column a pattern of a Hopfield network: ``√(β/N) ξ``.

    `patterns` (M, N): the patterns; `scale` (): β.
    """

    kind = "patterns"

    def __init__(self, patterns: TensorVariable, scale: TensorVariable) -> None:
        self.size, n = (int(length) for length in patterns.type.shape)
        self._columns = pt.sqrt(scale / n) * patterns
        self.diagonal = (scale / n) * (patterns**2).sum(axis=0)

    def apply(self, z: TensorVariable) -> TensorVariable:
        """Return ``L z``, shape (..., n), for z of shape (..., size)."""
        return z @ self._columns

    def apply_transposed(self, s: TensorVariable) -> TensorVariable:
        """Return ``Lᵀ s``, shape (..., size), for s of shape (..., n)."""
        return s @ self._columns.T


def _to_ends(
    n: int, graph: Graph, at_first: TensorVariable, at_second: TensorVariable
) -> TensorVariable:
    first, second = graph.edges.T
    everywhere = pt.zeros(graph.n_edges)
    return _scatter(n, first, everywhere + at_first, second, everywhere + at_second)


def _scatter(
    n: int, first: Any, at_first: TensorVariable, second: Any, at_second: TensorVariable
) -> TensorVariable:
    """Add up values an edge at its two ends, along the last axis."""
    if at_first.ndim == 1:
        return pt.zeros(n)[first].inc(at_first)[second].inc(at_second)
    leading = tuple(at_first.shape[: at_first.ndim - 1])
    total = pt.zeros((n, *leading))
    total = total[first].inc(pt.moveaxis(at_first, -1, 0))
    return pt.moveaxis(total[second].inc(pt.moveaxis(at_second, -1, 0)), 0, -1)
