"""The two layers of a restricted Boltzmann machine, each given the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.conditionals.children import Children
from pymc_ebm.conditionals.evaluated import Evaluated
from pymc_ebm.energies.energy import constant_value
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.states import BINARY
from pymc_ebm.variables.boltzmann import BoltzmannRV


def is_rbm(rv: TensorVariable) -> bool:
    """Tell whether a variable is the visible layer of an RBM."""
    op = getattr(rv.owner, "op", None)
    return isinstance(op, BoltzmannRV) and isinstance(op.energy, RBM)


class TwoLayers:
    """Weights and biases of an RBM, and what children say about its visible units.

    `owner`: what error messages call the step; `rv`: the visible units; `model`: its model;
    `compile_kwargs`: passed to the compilation.
    """

    def __init__(
        self, owner: str, rv: TensorVariable, model: pm.Model, compile_kwargs: dict | None
    ) -> None:
        self._owner, self._name, self._rv = owner, str(rv.name), rv
        self._model, self._compile_kwargs = model, compile_kwargs
        op: Any = rv.owner.op
        energy, beta, _log_z = op.bind(rv.owner.inputs[2:])
        constant = constant_value(beta)
        if constant is None or not np.all(constant == 1.0):
            raise ValueError(
                f"{owner}: {rv.name!r} scales a free energy by beta, and that is no RBM. Pass "
                "beta to ebm.RBM, which scales the joint energy."
            )
        self._sizes = op.energy.event_shape[0], op.energy.n_hidden
        parameters = [energy.parameters[name] for name in ("W", "b", "c")]
        self._parameters = Evaluated(model.replace_rvs_by_values(parameters), model, compile_kwargs)
        self._read_children()

    def describe(self) -> str:
        """Say how large the layers are."""
        return f"{self._sizes[0]} visible and {self._sizes[1]} hidden units"

    def _read_children(self) -> None:
        self._found = Children.of(self._model, self._rv)
        self._found.require_elementwise(self._owner, self._rv)
        said = self._found.terms.half_log_odds(BINARY)
        self._said = None if said is None else Evaluated([said], self._model, self._compile_kwargs)

    def forget(self) -> None:
        """Compute everything again at the next call: data may have changed."""
        if not self._found.terms.dependence.fresh():
            self._read_children()
        self._parameters.forget()
        if self._said is not None:
            self._said.forget()

    def update(
        self,
        visible: NDArray,
        point: Mapping[str, NDArray],
        sweeps: int,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float64], float]:
        """Draw hidden units, then visible ones, `sweeps` times; return these and their energy."""
        W, b, c = self._parameters(point)
        visible = np.array(visible, dtype=float)
        bias: NDArray = b
        if self._said is not None:
            (said,) = self._said(point)
            if np.isnan(said).any():
                raise ValueError(
                    f"{self._owner}: the likelihood of {self._name!r} gives an entry probability "
                    "zero (or NaN) at both values. Check the data and the parameters' priors there."
                )
            bias = b + 2.0 * said
        states = rng.integers(1, 2**64, (max(visible.size // visible.shape[-1], 1), 4), np.uint64)
        for _ in range(sweeps):
            hidden = _draw(c + _forward(visible, W), states)
            visible = _draw(bias + _backward(hidden, W), states)
        inputs = c + _forward(visible, W)
        return visible, float(-np.sum(visible * b) - np.sum(np.logaddexp(0.0, inputs)))


def _draw(inputs: NDArray, states: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Draw units with log-odds `inputs`, a row of `states` for each row of them."""
    flat = inputs.reshape(-1, inputs.shape[-1])
    units, ones = np.empty_like(flat), np.ones(len(flat))
    kernels.bernoulli.draw_units(flat, np.zeros(flat.shape[1]), ones, states, units)
    return units.reshape(inputs.shape)


def _forward(visible: NDArray, W: NDArray) -> NDArray:
    """Return ``vᵀW`` for a batch of units and, possibly, of weights."""
    return visible @ W if W.ndim == 2 else (visible[..., None, :] @ W)[..., 0, :]


def _backward(hidden: NDArray, W: NDArray) -> NDArray:
    """Return ``Wh``."""
    return hidden @ W.T if W.ndim == 2 else (W @ hidden[..., :, None])[..., 0]
