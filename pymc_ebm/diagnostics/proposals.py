"""Distributions around minima, from which basins are weighed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.real_target import RealDraws

DEGREES = 5.0  # of freedom: tails that cover those of most densities
WIDER = 1.2
FLATTEST = 1e-2  # curvature, per spread of the draws
SOFTENED = 0.02  # share of a uniform distribution, per site


@dataclass(frozen=True)
class Student:
    """Student's t around a minimum of −log p, as wide as the curvature there says.

    `center` (d,); `root` (d, d), whose product with its transpose is the scale matrix.
    """

    center: NDArray[np.float64]
    root: NDArray[np.float64]

    def sample(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return points, shape (count, d)."""
        normal = rng.normal(size=(count, len(self.center)))
        stretch = np.sqrt(DEGREES / rng.chisquare(DEGREES, size=(count, 1)))
        return self.center + (normal * stretch) @ self.root.T

    def log_density(self, x: NDArray) -> NDArray[np.float64]:
        """Return log q up to a constant that only d enters, ``(..., d) → (...)``."""
        z = (x - self.center) @ np.linalg.inv(self.root).T
        log_volume = np.linalg.slogdet(self.root)[1]
        squares = np.sum(z**2, axis=-1) / DEGREES
        return -(DEGREES + len(self.center)) / 2 * np.log1p(squares) - log_volume


def student_at(draws: RealDraws, minimum: NDArray) -> Student:
    """Measure the curvature at a minimum by differences of the score."""
    d = len(minimum)
    spread = np.maximum(draws.x.reshape(-1, d).std(axis=0), 1e-12)
    hessian = np.empty((d, d))
    for j, step in enumerate(1e-4 * spread):
        shift = step * np.eye(d)[j]
        up, down = draws.density(minimum + shift)[1], draws.density(minimum - shift)[1]
        hessian[j] = (down - up) / (2 * step)
    scaled = np.nan_to_num((hessian + hessian.T) / 2 * np.outer(spread, spread))
    roots, axes = np.linalg.eigh(scaled)
    roots = np.maximum(roots, FLATTEST)
    return Student(minimum, WIDER * spread[:, None] * axes / np.sqrt(roots))


@dataclass(frozen=True)
class Product:
    """Independent sites, each with its conditional distribution at a minimum: `log_q` (n, q)."""

    log_q: NDArray[np.float64]

    def sample(self, count: int, rng: np.random.Generator) -> NDArray[np.int8]:
        """Return configurations, shape (count, n)."""
        noise = rng.gumbel(size=(count, *self.log_q.shape))
        return np.argmax(self.log_q + noise, axis=-1).astype(np.int8)

    def log_density(self, x: NDArray) -> NDArray[np.float64]:
        """Return log q, ``(..., n) → (...)``."""
        return self.log_q[np.arange(len(self.log_q)), x.astype(int)].sum(axis=-1)


def products_at(draws: DiscreteDraws, minima: NDArray[np.int8]) -> list[Product]:
    """Return one a minimum; every site's conditional must have been asked for."""
    weights = draws.given.log_weights(np.ascontiguousarray(minima))
    q = np.exp(weights - np.logaddexp.reduce(weights, axis=-1)[..., None])
    softened = (1 - SOFTENED) * q + SOFTENED / q.shape[-1]
    return [Product(np.log(own)) for own in softened]
