"""Modes found by optimisation, each a normal with its own curvature.

A narrow mode beside a wide one has a small weight at every power of the density but the last, so no
pilot run that tempers by powers alone meets it. Optimisers do not weigh volumes.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import chi2

from pymc_ebm.tempering.base_density import FULL_COVARIANCE, INFLATION, Base, Density

SCALES = (1.0, 3.0, 10.0)  # of dispersed starts, in deviations of the broad base
STARTS = 10  # at each scale, and from the pilot run
RADII = np.geomspace(0.5, 100.0, 30)  # along a ray, in deviations
CORNERS = 10  # coordinates, up to which there is a ray to each corner of a cube
RAYS = 512  # at random, each of corners and of normal directions
MOST_DIPS = 24  # that are followed down
MOST_MODES = 16
UNDONE = 0.01  # energy that one more step would gain, if an optimiser has not arrived
SAME = 0.05  # distance in deviations, a coordinate, that an optimiser may leave
MERGED = 1.0  # the same, below which two minima are one mode
NO_BARRIER = 0.5  # energy that a way between two flat minima may climb if they are to be one mode
NEGLIGIBLE = 1e-8  # weight, by Laplace's method, beside the heaviest mode
BROAD = 0.1  # weight of the broad normal beside the modes, where it is needed
COVERED = 0.99  # share of the pilot's draws that makes it needless, if within the modes' reach,
OUTSIDE = 1e-4  # where a mode of that width has all but this
EVEN = 0.5  # share of weights that is equal for all modes, as Laplace's method may be far off
FLAT = 1e-3  # curvature, that of the broad base being 1: a mode some thirty times as wide
DIFFERENCE = 1e-4  # for finite differences, in deviations of the broad base
FARTHEST = 1e4  # deviations from the broad base, where an optimiser has run away


def find_modes(
    minus_logp: Density,
    broad: Base,
    seen: NDArray[np.float64],
    target: NDArray[np.float64],
    rng: np.random.Generator,
) -> Base:
    """Return a mixture of Laplace approximations, or the broad base where there is one mode.

    `minus_logp` maps (n, d) to values and gradients. `seen` (n, d) are draws of a pilot run at all
    powers of the density, `target` those of the density itself.
    """
    d = broad.means.shape[1]
    if d > FULL_COVARIANCE:
        return broad
    search = _Search(minus_logp, broad)
    some = seen[rng.choice(len(seen), min(STARTS, len(seen)), replace=False)]
    zero = np.zeros(max(len(some), 1), int)
    starts = [broad.whiten(zero, some), np.zeros((1, d))]
    starts += [scale * rng.standard_normal((STARTS, d)) for scale in SCALES]
    for start in np.concatenate(starts):
        search.descend(start)
    if not search.modes:
        return broad
    widest = max(search.modes, key=lambda mode: mode.log_volume)
    # rays in the coordinates of the model, scaled one by one: there modes differ in few ways
    root = broad.roots[0]
    deviations = np.sqrt(np.diagonal(root @ widest.covariance @ root.T))
    rays = np.linalg.solve(root, (_directions(d, rng) * deviations).T).T
    for start in search.dips(widest.y, rays):
        search.descend(start)
    modes = search.heaviest()
    return broad if len(modes) < 2 else _mixture(modes, broad, target)


class _Mode:
    """A minimum y (d,) of the energy, in the broad base's coordinates, and its curvature there."""

    def __init__(self, y: NDArray, energy: float, hessian: NDArray) -> None:
        values, vectors = np.linalg.eigh(hessian)
        self.flat, self.saddle = bool(values[0] < FLAT), bool(values[0] < -FLAT)
        # flat or bent downwards: as wide as the broad base; and no narrower than differences tell
        values = np.where(values < FLAT, 1.0, np.minimum(values, 1 / DIFFERENCE**2))
        self.y, self.energy = y, energy
        self.hessian = (vectors * values) @ vectors.T
        self.covariance = (vectors / values) @ vectors.T
        self.log_volume = -0.5 * float(np.log(values).sum())

    @property
    def log_weight(self) -> float:
        """Laplace's approximation of log Z, up to a constant."""
        return self.log_volume - self.energy

    def distance(self, y: NDArray) -> float:
        """Root mean squared distance a coordinate, in this mode's deviations."""
        away = y - self.y
        return float(np.sqrt(away @ self.hessian @ away / away.size))


class _Search:
    """Minima found so far, in coordinates where the broad base is standard normal."""

    def __init__(self, minus_logp: Density, broad: Base) -> None:
        self._minus_logp, self._broad = minus_logp, broad
        self.modes: list[_Mode] = []

    def evaluate(self, y: NDArray) -> tuple[NDArray, NDArray]:
        """Return energies and gradients of y (n, d); infinite where undefined."""
        zero = np.zeros(len(y), int)
        with np.errstate(all="ignore"):
            energy, gradient = self._minus_logp(self._broad.place(zero, y))
            gradient = self._broad.pull(zero, gradient)
        fine = np.isfinite(energy) & np.isfinite(gradient).all(axis=1)
        return np.where(fine, energy, np.inf), np.where(fine[:, None], gradient, 0.0)

    def _one(self, y: NDArray) -> tuple[float, NDArray]:
        energy, gradient = self.evaluate(y[None])
        return float(min(energy[0], 1e100)), gradient[0]  # or line searches compute inf − inf

    def descend(self, start: NDArray) -> None:
        """Add the minimum that a start leads to, unless it is there, or there is none."""
        found = minimize(
            self._one, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "gtol": 1e-4}
        )
        y = found.x
        if not found.fun < 1e100 or np.abs(y).max() > FARTHEST:
            return
        if any(mode.distance(y) < SAME for mode in self.modes):
            return
        shifts = DIFFERENCE * np.eye(y.size)
        gradients = self.evaluate(np.concatenate([y + shifts, y - shifts]))[1]
        forward, backward = gradients[: y.size], gradients[y.size :]
        hessian = (forward - backward) / (2 * DIFFERENCE)
        new = _Mode(y, float(found.fun), 0.5 * (hessian + hessian.T))
        # where a valley runs away, there is something left to gain by going on
        left = found.jac @ new.covariance @ found.jac
        if (
            left < UNDONE
            and not new.saddle
            and not any(self._one_mode(new, mode) for mode in self.modes)
        ):
            self.modes.append(new)

    def _one_mode(self, a: _Mode, b: _Mode) -> bool:
        """Whether two minima are close in the deviations of both, or of one flat valley."""
        if max(a.distance(b.y), b.distance(a.y)) < MERGED:
            return True
        return (a.flat or b.flat) and self._connected(a, b)

    def _connected(self, a: _Mode, b: _Mode) -> bool:
        """Whether the lowest point halfway between two minima is about as low as the higher one.

        Every way from one to the other crosses the plane halfway. Around a ring of minima it is
        crossed without a climb.
        """
        axis = (b.y - a.y) / np.linalg.norm(b.y - a.y)
        middle = 0.5 * (a.y + b.y)

        def within(y: NDArray) -> tuple[float, NDArray]:
            energy, gradient = self._one(y - axis * (axis @ (y - middle)))
            return energy, gradient - axis * (axis @ gradient)

        low = minimize(within, middle, jac=True, method="L-BFGS-B", options={"maxiter": 200})
        return bool(low.fun < max(a.energy, b.energy) + NO_BARRIER)

    def dips(self, y: NDArray, rays: NDArray) -> NDArray:
        """Return points from which rays (n, d) out of a minimum lead downhill, lowest first."""
        points = y + RADII[:, None, None] * rays
        energy, gradient = self.evaluate(points.reshape(-1, y.size))
        slope = np.einsum("rnd,nd->rn", gradient.reshape(points.shape), rays)
        down = (slope < 0) & np.isfinite(energy.reshape(slope.shape))
        energy = np.where(down, energy.reshape(slope.shape), np.inf)
        lowest = energy.argmin(axis=0), np.arange(len(rays))
        order = np.argsort(energy[lowest])[:MOST_DIPS]
        order = order[np.isfinite(energy[lowest][order])]
        return points[lowest][order]

    def heaviest(self) -> list[_Mode]:
        """Return modes that matter, the heaviest first."""
        modes = sorted(self.modes, key=lambda mode: -mode.log_weight)
        least = modes[0].log_weight + np.log(NEGLIGIBLE)
        return [mode for mode in modes if mode.log_weight > least][:MOST_MODES]


def _directions(d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return rays (n, d): to corners of a cube, along axes, and at random."""
    if d <= CORNERS:
        corners = np.array(list(product((-1.0, 1.0), repeat=d)))
    else:
        ones = np.ones((1, d))
        corners = np.concatenate([ones, -ones, rng.choice([-1.0, 1.0], (2 * RAYS, d))])
    axes = np.sqrt(d) * np.concatenate([np.eye(d), -np.eye(d)])
    return np.concatenate([corners, axes, rng.standard_normal((RAYS, d))])


def _mixture(modes: list[_Mode], broad: Base, target: NDArray[np.float64]) -> Base:
    """Mix the modes, a bit wider than Laplace's method has them, and the broad base where needed.

    It is needed where draws `target` (n, d) of the pilot are out of the modes' reach, or where
    there are more modes than are kept.
    """
    log_w = np.array([mode.log_weight for mode in modes])
    w = np.exp(log_w - log_w.max())
    w = (1 - EVEN) * w / w.sum() + EVEN / len(modes)
    means = broad.place(np.zeros(len(modes), int), np.array([mode.y for mode in modes]))
    L = broad.roots[0]
    roots = INFLATION * np.array([np.linalg.cholesky(L @ m.covariance @ L.T) for m in modes])
    narrow = Base(w, means, roots)
    every = np.repeat(np.arange(len(modes)), len(target))
    y = narrow.whiten(every, np.tile(target, (len(modes), 1)))
    nearest = (y**2).sum(axis=1).reshape(len(modes), -1).min(axis=0)
    within = np.mean(nearest < chi2.isf(OUTSIDE, target.shape[1]))
    if within > COVERED and len(modes) < MOST_MODES:
        return narrow
    return Base(
        np.append((1 - BROAD) * w, BROAD),
        np.concatenate([means, broad.means]),
        np.concatenate([roots, broad.roots]),
    )
