"""A neural energy: a multilayer perceptron with a confining quadratic."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytensor.tensor as pt

from pymc_ebm.energies.energy import Energy, require_positive

ACTIVATIONS = {
    "tanh": pt.tanh,
    "softplus": pt.softplus,
    "silu": lambda x: x * pt.sigmoid(x),
}


class MLP(Energy):
    """Neural energy, confined so that it always normalises.

    ``E(x) = W_L a(… a(x W_1 + b_1) …) + b_L + ½ confinement |x|²``. Every activation grows at most
    linearly, so the quadratic wins far out and Z is finite for any weights.

    Parameters
    ----------
    weights : sequence of tensor_like
        ``W_k`` of shape (inputs, outputs); the last has one output.
    biases : sequence of tensor_like
        ``b_k`` of shape (outputs,).
    confinement : scalar tensor_like
        Strength of the quadratic, positive.
    activation : {"tanh", "softplus", "silu"}
        The nonlinearity a; smooth, as gradient samplers need.

    Raises
    ------
    ValueError
        For layers that do not fit each other, an unknown activation, or a confinement that is
        not positive.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> energy = ebm.energies.MLP.random((2, 16, 1), random_seed=1)
    >>> energy([[0.0, 1.0], [2.0, 3.0]]).type.shape
    (2,)
    """

    constraints: ClassVar = {"confinement": "fixed"}

    def __init__(
        self,
        weights: Sequence[Any],
        biases: Sequence[Any],
        *,
        confinement: Any = 1.0,
        activation: str = "tanh",
    ) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"MLP: activation {activation!r} is not one of {list(ACTIVATIONS)}.")
        require_positive("MLP", confinement=confinement)
        if len(weights) != len(biases):
            raise ValueError(f"MLP: {len(weights)} weights but {len(biases)} biases.")
        W = [pt.as_tensor_variable(w) for w in weights]
        b = [pt.as_tensor_variable(v) for v in biases]
        widths = [w.type.shape for w in W]
        for k, (left, right) in enumerate(pairwise(widths)):
            if left[1] != right[0]:
                raise ValueError(
                    f"MLP: layer {k} gives {left[1]} outputs, the next takes {right[0]}."
                )
        if widths[-1][1] != 1:
            raise ValueError(f"MLP: the last layer has {widths[-1][1]} outputs; an energy is one.")
        self.activation = activation
        self.n_layers = len(W)
        super().__init__(
            {
                **{f"W{k}": w for k, w in enumerate(W)},
                **{f"b{k}": v for k, v in enumerate(b)},
                "confinement": confinement,
            },
            {**{f"W{k}": 2 for k in range(len(W))}, **{f"b{k}": 1 for k in range(len(b))}}
            | {"confinement": 0},
            1,
            None if widths[0][0] is None else (widths[0][0],),
        )

    @classmethod
    def random(
        cls,
        layers: Sequence[int],
        *,
        confinement: Any = 1.0,
        activation: str = "tanh",
        random_seed: int | np.random.Generator | None = None,
    ) -> MLP:
        """Random network: weights N(0, 1/inputs), biases zero.

        Parameters
        ----------
        layers : sequence of int
            Widths from the input to the single output, e.g. ``(64, 256, 256, 1)``.
        confinement, activation
            As for the constructor.
        random_seed : int or Generator, optional
            Seed of the weights.
        """
        rng = np.random.default_rng(random_seed)
        pairs = list(pairwise(layers))
        return cls(
            [rng.normal(0, 1 / np.sqrt(inputs), (inputs, outputs)) for inputs, outputs in pairs],
            [np.zeros(outputs) for _, outputs in pairs],
            confinement=confinement,
            activation=activation,
        )

    def settings(self) -> dict[str, Any]:
        """Return the nonlinearity."""
        return {"activation": self.activation}

    @classmethod
    def from_settings(cls, parameters, settings):
        """Gather the layers."""
        weights, biases = (
            [parameters[f"{kind}{k}"] for k in range(len(parameters) // 2)] for kind in "Wb"
        )
        return cls(weights, biases, confinement=parameters["confinement"], **settings)

    def evaluate(self, x, *, confinement, **layers):
        """Run the network on the last axis and add the quadratic."""
        activate = ACTIVATIONS[self.activation]
        signal = x
        for k in range(self.n_layers - 1):
            signal = activate(_linear(signal, layers[f"W{k}"]) + layers[f"b{k}"])
        last = self.n_layers - 1
        output = (_linear(signal, layers[f"W{last}"]) + layers[f"b{last}"])[..., 0]
        return output + 0.5 * confinement * pt.sum(x**2, axis=-1)


def _linear(signal, W):
    """Apply one weight matrix, or one to each batch entry."""
    return signal @ W if W.ndim == 2 else (signal[..., None, :] @ W)[..., 0, :]
