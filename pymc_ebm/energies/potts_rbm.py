"""The restricted Boltzmann machine with categorical visible units, hidden ones summed out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy, as_parameter
from pymc_ebm.energies.layered import bipartite
from pymc_ebm.energies.markov_random_field import MarkovRandomField
from pymc_ebm.states import MOST_STATES


class PottsRBM(Energy):
    """Restricted Boltzmann machine of labels: categorical visible units, binary hidden ones.

    ``E(v, h) = −Σ_i (b_i[v_i] + Σ_j W_i[v_i, j] h_j) − cᵀh``, h summed out:
    ``E(v) = −Σ_i b_i[v_i] − Σ_j softplus(c_j + Σ_i W_i[v_i, j])``. For sequences and answers of
    several kinds.

    Parameters
    ----------
    W : tensor_like, shape (nv, q, nh)
        Weights of each value of each visible unit.
    b : tensor_like, shape () or (nv, q)
        Biases of the values.
    c : tensor_like, shape () or (nh,)
        Biases of the hidden units.

    Raises
    ------
    ValueError
        If W does not have three dimensions of known size, or b or c do not fit it.

    References
    ----------
    Tubiana, J., Cocco, S. and Monasson, R. (2019). Learning protein constitutive motifs from
    sequence data. eLife 8, e39397.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> machine = ebm.energies.PottsRBM(np.eye(3)[None])  # one unit of three values
    >>> machine([[0], [1]]).eval().round(3)
    array([-2.7, -2.7])
    """

    support = "categorical"

    def __init__(self, W: Any, b: Any = 0.0, c: Any = 0.0) -> None:
        W, b, c = (as_parameter(v, f"PottsRBM: {n}") for v, n in ((W, "W"), (b, "b"), (c, "c")))
        if W.ndim != 3 or None in W.type.shape:
            raise ValueError(
                f"PottsRBM: W has shape {W.type.shape}; expected (visible, values, hidden) of "
                "known sizes."
            )
        nv, q, nh = (int(n) for n in W.type.shape)
        if not 2 <= q <= MOST_STATES:
            raise ValueError(f"PottsRBM: W speaks of {q} values; 2 to {MOST_STATES} are possible.")
        for name, bias, shape in (("b", b, (nv, q)), ("c", c, (nh,))):
            if bias.ndim and tuple(bias.type.shape) != shape:
                raise ValueError(
                    f"PottsRBM: {name} has shape {bias.type.shape}; W has shape {(nv, q, nh)}, so "
                    f"it must be a scalar or have shape {shape}."
                )
        self.n_states, self.n_hidden = q, nh
        super().__init__(
            {"W": W, "b": b * pt.ones((nv, q)), "c": c * pt.ones(nh)},
            {"W": 3, "b": 2, "c": 1},
            1,
            (nv,),
        )

    @classmethod
    def random(
        cls,
        n_visible: int,
        n_states: int,
        n_hidden: int,
        *,
        scale: float = 0.01,
        random_seed: Any = None,
    ) -> Self:
        """Draw normal weights; biases are zero.

        Parameters
        ----------
        n_visible, n_states, n_hidden : int
            Visible units, values of each, hidden units.
        scale : float, default 0.01
            Standard deviation of the weights.
        random_seed : int or Generator, optional
            Source of randomness.
        """
        rng = np.random.default_rng(random_seed)
        return cls(rng.normal(0, scale, (n_visible, n_states, n_hidden)))

    def evaluate(self, x, *, W, b, c):
        """Return the free energy of the visible units."""
        one_hot, inputs = self._inputs(x, W, c)
        return -(one_hot * b).sum(axis=(-2, -1)) - pt.softplus(inputs).sum(axis=-1)

    def hidden_means(self, x: Any) -> TensorVariable:
        """Return ``P(h_j = 1 | v)``, shape ``(..., nv) → (..., nh)``."""
        W, c = self.parameters["W"], self.parameters["c"]
        return pt.sigmoid(self._inputs(pt.as_tensor_variable(x), W, c)[1])

    def _inputs(self, x, W, c):
        """Return one-hot visible units (..., nv, q) and the hidden units' log-odds (..., nh)."""
        one_hot = pt.eq(x[..., None], pt.constant(np.arange(self.n_states))).astype(W.dtype)
        if W.ndim > 3:
            return one_hot, c + (one_hot[..., None] * W).sum(axis=(-3, -2))
        (nv,), q = self.event_shape or (0,), self.n_states
        flat = one_hot.reshape((*tuple(x.shape[:-1]), nv * q))
        return one_hot, c + flat @ W.reshape((nv * q, self.n_hidden))

    def with_hidden(self) -> MarkovRandomField:
        """Return the energy of both layers' units, visible ones first."""
        (nv,), nh, q = self.event_shape or (0,), self.n_hidden, self.n_states
        W, b, c = (self.parameters[name] for name in ("W", "b", "c"))
        # h = 0 says nothing; tables are (visible value, hidden value), padded to q columns
        batch = tuple(W.shape[:-3])
        said = pt.moveaxis(W, -1, -2).reshape((*batch, nv * nh, q))
        zeros = [pt.zeros_like(said)] * (q - 1)
        tables = pt.stack([zeros[0], said, *zeros[1:]], axis=-1)
        rest = [pt.zeros_like(c)] * (q - 1)
        hidden = pt.stack([rest[0], c, *rest[1:]], axis=-1)
        return MarkovRandomField(
            tables,
            pt.concatenate([b, hidden], axis=-2),
            graph=bipartite(nv, nh),
            n_states=[q] * nv + [2] * nh,
        )
