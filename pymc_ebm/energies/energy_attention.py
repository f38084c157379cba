"""Attention and feed-forward layers as one energy over tokens."""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy, as_parameter, require_positive

EPSILON = 1e-5  # added to a token's variance


class EnergyAttention(Energy):
    r"""Tokens that attend to each other: a transformer block is a step down this energy.

    Tokens x (T, D) are normalised, ``g = γ (x − mean)/√(var + ε) + δ``, and

    ``E(x) = −β⁻¹ Σ_h Σ_c log Σ_{b∈A(c)} exp(β K_hb·Q_hc) − ½ Σ_c Σ_k relu(ξ_k·g_c)² + ½ λ |x|²``

    with keys ``K_hb = W_h^K g_b``, queries ``Q_hc = W_h^Q g_c``, and A(c) the tokens that c attends
    to. ``−∂E/∂g`` (without the last term) is multi-head attention whose values are tied to its
    keys, its transpose, and a feed-forward layer of tied weights; see `forces` and `step`.

    Parameters
    ----------
    queries, keys : tensor_like, shape (H, Y, D)
        W^Q and W^K of H heads.
    memories : tensor_like, shape (K, D), optional
        ξ of the feed-forward layer; without it there is none.
    n_tokens : int
        Number T of tokens.
    beta : tensor_like, optional
        Sharpness of attention, positive; by default ``1/√Y``.
    gain : scalar tensor_like, default 1.0
        γ of the normalisation, positive.
    offset : tensor_like, shape () or (D,)
        δ.
    mask : {"others", "all", "causal"} or array_like of bool, shape (T, T), default "others"
        Whom a token attends to: all but itself, all, itself and those before it; or
        ``mask[c, b]``, whether c attends to b.
    confinement : float, default 0.0
        λ. Normalised tokens do not feel their length: without λ > 0 there is no Boltzmann
        distribution.

    Raises
    ------
    ValueError
        For shapes that do not fit, or a token that attends to none.

    References
    ----------
    Hoover, B. et al. (2023). Energy transformer. Advances in Neural Information Processing
    Systems 36.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> block = ebm.energies.EnergyAttention.random(4, 6, heads=2, width=3, memories=8,
    ...                                             random_seed=1)
    >>> x = np.random.default_rng(1).normal(size=(4, 6))
    >>> bool(block(block.step(x, 0.1)).eval() < block(x).eval())
    True
    """

    def __init__(
        self,
        queries: Any,
        keys: Any,
        memories: Any = None,
        *,
        n_tokens: int,
        beta: Any = None,
        gain: Any = 1.0,
        offset: Any = 0.0,
        mask: Literal["others", "all", "causal"] | NDArray = "others",
        confinement: float = 0.0,
    ) -> None:
        family = "EnergyAttention"
        Q, K = (
            as_parameter(v, f"{family}: {k}") for v, k in ((queries, "queries"), (keys, "keys"))
        )
        if Q.ndim != 3 or Q.type.shape != K.type.shape or None in Q.type.shape:
            raise ValueError(
                f"{family}: queries have shape {Q.type.shape} and keys {K.type.shape}; expected "
                "(heads, width, entries) of known size, the same for both."
            )
        _, width, d = (int(length) for length in Q.type.shape)
        if memories is None:
            memories = np.zeros((0, d))
        xi = as_parameter(memories, f"{family}: memories")
        if xi.ndim != 2 or xi.type.shape[1] != d:
            raise ValueError(
                f"{family}: memories have shape {xi.type.shape}; expected (memories, {d})."
            )
        if isinstance(n_tokens, bool) or n_tokens != int(n_tokens) or n_tokens < 1:
            raise ValueError(f"{family}: n_tokens must be 1 or more, got {n_tokens!r}.")
        self.mask = _checked_mask(mask, int(n_tokens))
        if not 0 <= confinement < np.inf:
            raise ValueError(f"{family}: confinement must be 0 or more, got {confinement}.")
        self.confinement = float(confinement)
        parameters = {
            "queries": Q,
            "keys": K,
            "memories": xi,
            "beta": as_parameter(1 / np.sqrt(width) if beta is None else beta, f"{family}: beta"),
            "gain": as_parameter(gain, f"{family}: gain"),
            "offset": as_parameter(offset, f"{family}: offset"),
        }
        require_positive(family, beta=parameters["beta"], gain=parameters["gain"])
        delta = parameters["offset"]
        if parameters["gain"].ndim or parameters["beta"].ndim:
            raise ValueError(f"{family}: beta and gain are one number each.")
        if delta.ndim > 1 or (delta.ndim and delta.type.shape[0] != d):
            raise ValueError(
                f"{family}: offset has shape {delta.type.shape}; tokens have {d} entries."
            )
        parameters["offset"] = delta * pt.ones(d)
        ndims = {"queries": 3, "keys": 3, "memories": 2, "beta": 0, "gain": 0, "offset": 1}
        super().__init__(parameters, ndims, 2, (int(n_tokens), d))

    @classmethod
    def random(
        cls,
        n_tokens: int,
        n_entries: int,
        *,
        heads: int = 1,
        width: int = 8,
        memories: int = 0,
        random_seed: Any = None,
        **settings: Any,
    ) -> EnergyAttention:
        """Draw normal weights, each of variance one over the number of entries.

        Parameters
        ----------
        n_tokens, n_entries : int
            T and D.
        heads, width, memories : int
            H, Y and K.
        random_seed : int or Generator, optional
            Source of randomness.
        **settings
            As for the class.
        """
        rng = np.random.default_rng(random_seed)
        scale = 1 / np.sqrt(n_entries)
        Q, K = rng.normal(0, scale, (2, heads, width, n_entries))
        xi = rng.normal(0, scale, (memories, n_entries))
        return cls(Q, K, xi, n_tokens=n_tokens, **settings)

    def settings(self) -> dict[str, Any]:
        """Return what the energy is besides its parameters."""
        (n_tokens, _) = self.event_shape or (0, 0)
        return {"n_tokens": n_tokens, "mask": self.mask, "confinement": self.confinement}

    def normalise(self, x: Any) -> TensorVariable:
        """Return g of tokens x, shape (..., T, D)."""
        return _normalised(
            pt.as_tensor_variable(x), self.parameters["gain"], self.parameters["offset"]
        )

    def evaluate(self, x: TensorVariable, **parameters: TensorVariable) -> TensorVariable:
        """Return the energy of attention, of the feed-forward layer, and of confinement."""
        g = _normalised(x, parameters["gain"], parameters["offset"])
        beta = parameters["beta"]
        scores = self._scores(g, parameters)
        attention = -pt.logsumexp(scores, axis=-1).sum(axis=(-2, -1)) / beta
        hidden = pt.maximum(g @ parameters["memories"].mT, 0.0)
        energy = attention - 0.5 * (hidden**2).sum(axis=(-2, -1))
        if self.confinement:
            energy = energy + 0.5 * self.confinement * (x**2).sum(axis=(-2, -1))
        return energy

    def _scores(self, g: TensorVariable, parameters: dict[str, TensorVariable]) -> TensorVariable:
        """Return ``β K_hb·Q_hc``, shape (..., H, T of c, T of b), −∞ where c does not attend."""
        # g (..., 1, T, D) @ W (H, D, Y) -> (..., H, T, Y)
        q, k = (g[..., None, :, :] @ parameters[name].mT for name in ("queries", "keys"))
        scores = parameters["beta"][..., None, None, None] * (q @ k.mT)
        return pt.switch(self.mask, scores, -np.inf)

    def forces(self, g: Any) -> tuple[TensorVariable, TensorVariable]:
        """Return attention and feed-forward, which add up to ``−∂E/∂g``.

        Parameters
        ----------
        g : tensor_like, shape (..., T, D)
            Normalised tokens.

        Returns
        -------
        attention, feed_forward : TensorVariable, shape (..., T, D)
            ``Σ_h W_hᵠᵀ Σ_b p_hcb K_hb + Σ_h W_hᴷᵀ Σ_b p_hbc Q_hb``, p being the softmax of scores
            over b; and ``Σ_k relu(ξ_k·g_c) ξ_k``.
        """
        g, p = pt.as_tensor_variable(g), self.parameters
        weights = pt.special.softmax(self._scores(g, p), axis=-1)
        q, k = (g[..., None, :, :] @ p[name].mT for name in ("queries", "keys"))
        as_query = ((weights @ k) @ p["queries"]).sum(axis=-3)
        as_key = ((weights.mT @ q) @ p["keys"]).sum(axis=-3)
        xi = p["memories"]
        return as_query + as_key, pt.maximum(g @ xi.mT, 0.0) @ xi

    def step(self, x: Any, size: Any = 0.1, preconditioner: Any = None) -> TensorVariable:
        """Return tokens after one block, ``x + size · P (attention + feed-forward)``.

        The forces are taken at g, not through it: a gradient step that leaves out the Jacobian of
        the normalisation. That is symmetric and has no negative eigenvalue, so without P small
        steps go downhill (confinement, which is no part of a block, left out).

        Parameters
        ----------
        x : tensor_like, shape (..., T, D)
            Tokens.
        size : tensor_like, default 0.1
            Step size.
        preconditioner : tensor_like, shape (D, D), optional
            P, applied to the forces on every token.

        Returns
        -------
        TensorVariable, shape (..., T, D)
        """
        x = pt.as_tensor_variable(x)
        attention, feed_forward = self.forces(self.normalise(x))
        push = attention + feed_forward
        if preconditioner is not None:
            push = push @ pt.as_tensor_variable(preconditioner).mT
        return cast(TensorVariable, x + size * push)


def _normalised(x: TensorVariable, gain: TensorVariable, offset: TensorVariable) -> TensorVariable:
    centered = x - x.mean(axis=-1, keepdims=True)
    spread = pt.sqrt((centered**2).mean(axis=-1, keepdims=True) + EPSILON)
    return gain[..., None, None] * centered / spread + offset[..., None, :]


def _checked_mask(mask: Any, n_tokens: int) -> NDArray[np.bool_]:
    known = {
        "all": np.ones((n_tokens, n_tokens), bool),
        "others": ~np.eye(n_tokens, dtype=bool),
        "causal": np.tri(n_tokens, dtype=bool),
    }
    if isinstance(mask, str):
        if mask not in known:
            raise ValueError(f"EnergyAttention: mask={mask!r} is none of {', '.join(known)}.")
        mask = known[mask]
    mask = np.asarray(mask)
    if mask.shape != (n_tokens, n_tokens) or mask.dtype != bool:
        raise ValueError(
            f"EnergyAttention: mask has shape {mask.shape} and type {mask.dtype}; expected bool of "
            f"shape ({n_tokens}, {n_tokens})."
        )
    alone = np.flatnonzero(~mask.any(axis=1))
    if alone.size:
        raise ValueError(f"EnergyAttention: token {alone[0]} attends to none.")
    return mask
