"""The energy of a mixture of spherical Gaussians."""

from typing import Any, ClassVar

import numpy as np
import pytensor.tensor as pt

from pymc_ebm.energies.energy import Energy, constant_value, require_positive


class GaussianMixture(Energy):
    """Energy whose density at β = 1 is a mixture of spherical normals.

    ``E(x) = −log Σ_k w_k σ_k^{-d} exp(−|x − μ_k|² / (2 σ_k²))``

    Parameters
    ----------
    means : tensor_like, shape (k, d)
        Centres μ.
    scales : tensor_like, shape () or (k,)
        Standard deviations σ.
    weights : tensor_like, shape (k,), optional
        Weights w, proportional to the probability of each component; equal by default.

    Raises
    ------
    ValueError
        For scales or weights that are not positive, or of another length than `means`.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> two = ebm.energies.GaussianMixture([[-3.0], [3.0]], weights=[0.8, 0.2])
    >>> bool(two([-3.0]).eval() < two([3.0]).eval())
    True
    """

    constraints: ClassVar = {"scales": "positive", "weights": "simplex"}

    def __init__(self, means: Any, scales: Any = 1.0, weights: Any = None) -> None:
        means = pt.as_tensor_variable(means)
        if means.ndim != 2:
            raise ValueError(
                f"GaussianMixture: means have shape {means.type.shape}, expected "
                "(components, dimensions)."
            )
        components, dimensions = means.type.shape
        if weights is None:
            weights = pt.full((means.shape[0],), 1.0) if components is None else np.ones(components)
        scales, weights = pt.as_tensor_variable(scales), pt.as_tensor_variable(weights)
        require_positive("GaussianMixture", scales=scales, weights=weights)
        for name, parameter in {"scales": scales, "weights": weights}.items():
            if parameter.ndim and parameter.type.shape[-1] not in (None, components):
                raise ValueError(
                    f"GaussianMixture: {name} has length {parameter.type.shape[-1]}, "
                    f"and there are {components} means."
                )
        known = constant_value(weights)
        if known is not None:
            weights = known / known.sum()
        super().__init__(
            {"means": means, "scales": scales, "weights": weights},
            {"means": 2, "scales": min(scales.ndim, 1), "weights": 1},
            1,
            None if dimensions is None else (dimensions,),
        )

    def evaluate(self, x, *, means, scales, weights):
        """Return minus the log of the mixture density, up to (2π)^{d/2}."""
        if self.core_ndims["scales"] == 0:
            scales = scales[..., None]
        squared = pt.sum((x[..., None, :] - means) ** 2, axis=-1)
        offsets = pt.log(weights) - means.shape[-1] * pt.log(scales)
        return -pt.logsumexp(offsets - squared / (2 * scales**2), axis=-1)

    def exact_draws(self, rng, size, event_shape, beta, *, means, scales, weights):
        """Draw a component, then a normal; at β ≠ 1 the density is no mixture."""
        if beta != 1.0:
            return None
        component = rng.choice(len(means), size=size, p=weights / weights.sum())
        spread = np.broadcast_to(scales, (len(means),))[component, None]
        return means[component] + spread * rng.standard_normal((size, *event_shape))
