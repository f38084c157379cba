"""The Gaussian–Bernoulli restricted Boltzmann machine, hidden units summed out."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.boltzmann_machine import BoltzmannMachine
from pymc_ebm.energies.energy import as_parameter, require_positive
from pymc_ebm.energies.layered import LayeredEnergy
from pymc_ebm.graphs import Graph

MOST_LISTED = 16  # hidden units whose configurations are listed for exact draws


class GaussianRBM(LayeredEnergy):
    """Restricted Boltzmann machine with real visible units, binary hidden units summed out.

    ``E(v, h) = Σ_i (v_i − b_i)²/(2σ_i²) − Σ_ij v_i W_ij h_j/σ_i² − Σ_j c_j h_j``. Given the hidden
    units v is normal with mean ``b + Wh`` and standard deviations σ: a mixture of ``2^nh`` normals
    whose energy, ``Σ_i (v_i − b_i)²/(2σ_i²) − Σ_j softplus(c_j + Σ_i v_i W_ij/σ_i²)``, is smooth.

    Parameters
    ----------
    W : tensor_like, shape (nv, nh)
        Weights, in the units of v.
    b : tensor_like, shape () or (nv,)
        Biases of the visible units.
    c : tensor_like, shape () or (nh,)
        Biases of the hidden units.
    sigma : tensor_like, shape () or (nv,)
        Standard deviations of the visible units given the hidden ones, positive.

    Raises
    ------
    ValueError
        If W is not a matrix, b, c or sigma do not fit it, or sigma is not positive.

    References
    ----------
    Cho, K., Ilin, A. and Raiko, T. (2011). Improved learning of Gaussian-Bernoulli restricted
    Boltzmann machines. ICANN.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> machine = ebm.energies.GaussianRBM([[2.0]], sigma=0.5)  # two bells, at 0 and at 2
    >>> round(float(ebm.log_partition(machine).eval()), 4)  # log(σ √2π (1 + e^{2²/2σ²}))
    8.2261
    """

    constraints: ClassVar = {"sigma": "positive"}

    def __init__(self, W: Any, b: Any = 0.0, c: Any = 0.0, sigma: Any = 1.0) -> None:
        super().__init__(W, b, c)
        require_positive("GaussianRBM", sigma=sigma)
        (nv,) = self.event_shape or (0,)
        spread = as_parameter(sigma, "GaussianRBM: sigma")
        self.parameters["sigma"] = self._units("sigma", spread, nv)
        self.core_ndims["sigma"] = 1

    @classmethod
    def random(  # type: ignore[override]
        cls, n_visible: int, n_hidden: int, *, sigma: Any = 1.0, **kwargs: Any
    ) -> Self:
        """Draw normal weights; biases are zero.

        Parameters
        ----------
        n_visible, n_hidden : int
            Numbers of units.
        sigma : float or array_like, default 1.0
            Standard deviations to start from.
        **kwargs
            ``scale`` and ``random_seed``, as for `RBM.random`.
        """
        start = super().random(n_visible, n_hidden, **kwargs)
        return cls(start.parameters["W"], sigma=sigma)

    def evaluate(self, x, *, W, b, c, sigma):
        """Return the free energy of the visible units."""
        alone = 0.5 * (((x - b) / sigma) ** 2).sum(axis=-1)
        pushed = x / sigma**2
        inputs = pushed @ W if W.ndim == 2 else (pushed[..., :, None] * W).sum(axis=-2)
        return alone - pt.softplus(c + inputs).sum(axis=-1)

    def hidden_means(self, x: Any) -> TensorVariable:
        """Return ``P(h_j = 1 | v)``, shape ``(..., nv) → (..., nh)``."""
        W, c, sigma = (self.parameters[name] for name in ("W", "c", "sigma"))
        return pt.sigmoid(c + (pt.as_tensor_variable(x) / sigma**2) @ W)

    def hidden_energy(self) -> BoltzmannMachine:
        """Return the energy of the hidden units alone, visible ones integrated out.

        It leaves out ``½ Σ_i log(2πσ_i²)``.
        """
        W, b, c, sigma = (self.parameters[name] for name in ("W", "b", "c", "sigma"))
        scaled = W / pt.shape_padright(sigma**2)
        field = c + (pt.shape_padright(b) * scaled).sum(axis=-2) + 0.5 * (W * scaled).sum(axis=-2)
        graph = Graph.complete(self.n_hidden)
        first, second = graph.edges.T
        couplings = (W[..., first] * scaled[..., second]).sum(axis=-2)
        return BoltzmannMachine(couplings, field, graph=graph)

    def exact_draws(self, rng, size, event_shape, beta, *, W, b, c, sigma):
        """List the hidden units' configurations, if there are few, and draw normals around them."""
        nh = W.shape[1]
        if nh > MOST_LISTED or beta != 1.0 or W.ndim != 2:
            return None
        hidden = (np.arange(1 << nh)[:, None] >> np.arange(nh)) & 1
        means = hidden @ W.T
        log_weights = hidden @ c + ((means * b + 0.5 * means**2) / sigma**2).sum(axis=1)
        weights = np.exp(log_weights - log_weights.max())
        chosen = rng.choice(len(hidden), size, p=weights / weights.sum())
        return b + means[chosen] + sigma * rng.standard_normal((size, *event_shape))
