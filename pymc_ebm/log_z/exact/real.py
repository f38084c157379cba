"""log Z of energies over real values: closed forms, and integrals along one coordinate."""

from __future__ import annotations

from functools import cache
from math import lgamma, log, pi
from typing import Any

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.graph.basic import equal_computations
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.double_well import DoubleWell
from pymc_ebm.energies.energy import (
    Energy,
    ScaledEnergy,
    SumEnergy,
    as_parameter,
    constant_value,
)
from pymc_ebm.energies.gaussian import Gaussian
from pymc_ebm.energies.gaussian_mixture import GaussianMixture
from pymc_ebm.energies.gaussian_rbm import GaussianRBM
from pymc_ebm.energies.modern_hopfield import ModernHopfield
from pymc_ebm.energies.ring import Ring
from pymc_ebm.log_z.exact.enumeration import ENUMERATE
from pymc_ebm.log_z.exact.problem import Problem

NODES = 96  # of Gauss and Legendre, 16 digits for a bell curve between its ends
REACH = 9.0  # standard deviations to either side: e^{-40} of the density is beyond


def closed_form_log_z(energy: Energy, beta: Any = 1.0) -> TensorVariable | None:
    """Return ``log ∫ exp(−β E(x)) dx``, exact to ten digits and differentiable; None if unknown.

    Known are `Gaussian` (sums of those with scales, too), `GaussianMixture` and `GaussianRBM` at
    β = 1, `ModernHopfield` at its own β, `Ring` and `DoubleWell`, and these times a factor; the
    length of x must be known. Batches of parameters give a batch of values.
    """
    if energy.states is not None or energy.event_shape is None or len(energy.event_shape) != 1:
        return None
    if isinstance(energy, ModernHopfield):
        same = equal_computations([energy.parameters["beta"]], [as_parameter(beta, "beta")])
        return _modern_hopfield_log_z(energy) if same else None
    [d], known = energy.event_shape, constant_value(pt.as_tensor_variable(beta))
    beta = pt.as_tensor_variable(beta).astype("float64")
    if isinstance(energy, ScaledEnergy):
        inner = _part(energy, energy.inner, "inner_").with_event_shape((d,))
        return closed_form_log_z(inner, energy.parameters["factor"] * beta)
    normal = _normal(energy, d)
    if normal is not None:
        _, scale, least = normal
        return pt.log(scale).sum(axis=-1) + 0.5 * d * (log(2 * pi) - pt.log(beta)) - beta * least
    parameters = energy.parameters
    if isinstance(energy, Gaussian):
        root = pt.linalg.cholesky(parameters["precision"], on_error="nan")
        half_det = pt.log(pt.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
        return 0.5 * d * (log(2 * pi) - pt.log(beta)) - half_det
    if isinstance(energy, GaussianMixture):
        if known is None or not np.all(known == 1.0):
            return None
        return 0.5 * d * log(2 * pi) + pt.log(parameters["weights"].sum(axis=-1))
    if isinstance(energy, GaussianRBM):
        one = known is not None and bool(np.all(known == 1.0))
        return _gaussian_rbm_log_z(energy) if one else None
    if isinstance(energy, Ring):
        return ring_log_z(parameters["radius"], parameters["width"] / pt.sqrt(beta), d)
    if isinstance(energy, DoubleWell):
        return d * double_well_log_z(beta * parameters["a"])
    return None


def _modern_hopfield_log_z(energy: ModernHopfield) -> TensorVariable:
    """Return log Z of a mixture of normals around the memories."""
    xi, beta, w = (energy.parameters[name] for name in ("patterns", "beta", "weights"))
    squared, [d] = (xi**2).sum(axis=-1), energy.event_shape or (0,)
    logs = pt.log(w / w.sum(axis=-1, keepdims=True)) + 0.5 * beta[..., None] * squared
    constant = 0.5 * d * (log(2 * pi) - pt.log(beta)) - 0.5 * beta * squared.max(axis=-1)
    return pt.logsumexp(logs, axis=-1) + constant


def _gaussian_rbm_log_z(energy: GaussianRBM) -> TensorVariable | None:
    """Sum over the hidden units' configurations, if they are few enough."""
    hidden = Problem(energy.hidden_energy())
    if ENUMERATE.obstacle(hidden) is not None:
        return None
    log_sigma = pt.log(energy.parameters["sigma"]).sum(axis=-1)
    [d] = energy.event_shape or (0,)
    return ENUMERATE.build(hidden) + log_sigma + 0.5 * d * log(2 * pi)


def _part(energy: Energy, part: Energy, prefix: str) -> Energy:
    """Return a part of an energy with the parameters that the whole has for it."""
    return part.replace(**{name: energy.parameters[prefix + name] for name in part.parameters})


def _normal(energy: Energy, d: int) -> tuple[TensorVariable, TensorVariable, TensorVariable] | None:
    """Return mean and scale, shape (..., d), and the least energy, of sums of scaled Gaussians."""
    if isinstance(energy, SumEnergy):
        first, second = (
            _normal(_part(energy, term, f"{k}_"), d) for k, term in enumerate(energy.terms)
        )
        if first is None or second is None:
            return None
        (mean, scale, least), (other, spread, more) = first, second
        total = pt.sqrt(scale**2 + spread**2)
        share = (spread / total) ** 2
        gap = 0.5 * (((mean - other) / total) ** 2).sum(axis=-1)
        return share * mean + (1 - share) * other, scale * (spread / total), least + more + gap
    if isinstance(energy, ScaledEnergy):
        inner = _normal(_part(energy, energy.inner, "inner_"), d)
        if inner is None:
            return None
        factor = energy.parameters["factor"]
        return inner[0], inner[1] / pt.sqrt(factor), factor * inner[2]
    if not isinstance(energy, Gaussian) or "scale" not in energy.parameters:
        return None
    mean, scale = (
        pt.zeros(d) + (p if energy.core_ndims[name] else p[..., None])
        for name, p in ((name, energy.parameters[name]) for name in ("mean", "scale"))
    )
    return mean, scale, pt.zeros(())


def ring_log_z(radius: TensorVariable, spread: TensorVariable, d: int) -> TensorVariable:
    """Return ``log ∫ exp(−(|x| − radius)² / 2 spread²) dx`` over d dimensions.

    The integral over ``r^{d−1}`` is taken around its mode, in units of the spread: its logarithm
    bends down at least as fast as that of a bell curve of that width.
    """
    ratio = radius / spread
    shift = (
        2 * (d - 1) / (ratio + pt.sqrt(ratio**2 + 4 * (d - 1))) if d > 1 else pt.zeros_like(ratio)
    )
    mode = ratio + shift
    low = -pt.minimum(mode, REACH)
    nodes, log_weights = _gauss_legendre()
    half = 0.5 * (REACH - low)[..., None]
    beyond = low[..., None] + half * (1 + nodes)  # distance from the mode
    terms = log_weights - 0.5 * (shift[..., None] + beyond) ** 2
    if d > 1:
        terms = terms + (d - 1) * pt.log(mode[..., None] + beyond)
    area = log(2) + 0.5 * d * log(pi) - lgamma(0.5 * d)
    return area + d * pt.log(spread) + pt.log(half[..., 0]) + pt.logsumexp(terms, axis=-1)


def double_well_log_z(height: TensorVariable) -> TensorVariable:
    """Return ``log ∫ exp(−height (x² − 1)²) dx``, twice the integral over one well."""
    width = REACH / pt.sqrt(2 * height)  # where x² − 1 is so large, nothing is left
    inside = width < 1 - 1e-9
    bottom = pt.switch(inside, pt.sqrt(1 - pt.switch(inside, width, 0.0)), 0.0)
    # positions relative to the minimum at 1, so that no digits are lost in narrow wells
    low = pt.switch(inside, -width / (1 + bottom), -1.0)
    high = width / (1 + pt.sqrt(1 + width))
    nodes, log_weights = _gauss_legendre()
    half = 0.5 * (high - low)[..., None]
    e = low[..., None] + half * (1 + nodes)
    terms = log_weights - height[..., None] * (e * (2 + e)) ** 2
    return log(2) + pt.log(half[..., 0]) + pt.logsumexp(terms, axis=-1)


@cache
def _gauss_legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return nodes in (−1, 1) and the logs of their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return nodes, np.log(weights)
