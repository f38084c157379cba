"""The Gaussian energy."""

from typing import Any, ClassVar

import numpy as np
import pytensor.tensor as pt

from pymc_ebm.energies.energy import Energy, constant_value, require_positive


class Gaussian(Energy):
    """Quadratic energy, the one everything can be checked against.

    ``E(x) = ½ Σ_i ((x_i − mean_i) / scale_i)²``, or ``½ (x − mean)ᵀ precision (x − mean)``.
    At inverse temperature β the density is normal with covariance divided by β.

    Parameters
    ----------
    mean : tensor_like, shape () or (d,)
        Location of the minimum.
    scale : tensor_like, shape () or (d,)
        Standard deviation of each coordinate at β = 1.
    precision : tensor_like, shape (d, d), optional
        Inverse covariance; takes the place of `scale`.

    Raises
    ------
    ValueError
        For a scale that is not positive, both scale and precision, or a precision that is not
        symmetric positive definite.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> float(ebm.energies.Gaussian(mean=1.0, scale=2.0)([1.0, 3.0]).eval())
    0.5
    """

    constraints: ClassVar = {"scale": "positive", "precision": "positive definite"}

    def __init__(self, mean: Any = 0.0, scale: Any = None, *, precision: Any = None) -> None:
        if scale is not None and precision is not None:
            raise ValueError("Gaussian: pass scale or precision, not both.")
        mean = pt.as_tensor_variable(mean)
        if precision is None:
            spread = {"scale": pt.as_tensor_variable(1.0 if scale is None else scale)}
            require_positive("Gaussian", **spread)
        else:
            spread = {"precision": pt.as_tensor_variable(precision)}
            _require_positive_definite(constant_value(spread["precision"]))
        parameters = {"mean": mean, **spread}
        core_ndims = {name: min(p.ndim, 1) for name, p in parameters.items()}
        if precision is not None:
            core_ndims["precision"] = 2
        lengths = {p.type.shape[-1] for p in parameters.values() if p.ndim} - {None, 1}
        if len(lengths) > 1:
            raise ValueError(f"Gaussian: parameters have different lengths {sorted(lengths)}.")
        super().__init__(parameters, core_ndims, 1, (lengths.pop(),) if lengths else None)

    def evaluate(self, x, *, mean, scale=None, precision=None):
        """Return the quadratic form."""
        if self.core_ndims["mean"] == 0:
            mean = mean[..., None]
        if precision is None:
            if self.core_ndims["scale"] == 0:
                scale = scale[..., None]
            return 0.5 * pt.sum(((x - mean) / scale) ** 2, axis=-1)
        deviation = x - mean
        return 0.5 * pt.sum(deviation * pt.matvec(precision, deviation), axis=-1)

    def exact_draws(self, rng, size, event_shape, beta, *, mean, scale=None, precision=None):
        """Draw from the normal with covariance divided by beta."""
        noise = rng.standard_normal((size, *event_shape)) / np.sqrt(beta)
        if precision is None:
            return mean + scale * noise
        # precision = L Lᵀ, so L⁻ᵀ noise has covariance precision⁻¹
        factor = np.linalg.cholesky(precision)
        return mean + np.linalg.solve(factor.T, noise.T).T


def _require_positive_definite(precision: np.ndarray | None) -> None:
    if precision is None:
        return
    if precision.ndim != 2 or precision.shape[0] != precision.shape[1]:
        raise ValueError(f"Gaussian: precision has shape {precision.shape}, not (d, d).")
    if not np.allclose(precision, precision.T):
        raise ValueError("Gaussian: precision is not symmetric.")
    smallest = np.linalg.eigvalsh(precision)[0]
    if not smallest > 0:
        raise ValueError(
            f"Gaussian: precision has the eigenvalue {smallest:.3g}; the energy does not confine."
        )
