"""One discrete variable of a model as a Gaussian field, its children taken in."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.children import Children
from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy, constant_value
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.relaxation.gaussian_field import GaussianField
from pymc_ebm.states import States


class RelaxedVariable:
    """The field of one variable, as expressions over its model's value variables.

    `model`: the model. Expressions use its value variables; `rv`: A free discrete Boltzmann
    variable of it; `kind`: which factor of the couplings; `owner`: what error messages call the
    caller. `name`, `field_name`: of the variable, and of its coordinates; `field`: the field;
    `children`: the variables and potentials taken in; `shape`, `batch`: shapes of the variable and
    of its batch.

    Raises
    ------
    ValueError
        If the energy is not pairwise, an RBM's free energy is scaled, or a child ties entries
        together.
    """

    def __init__(self, model: pm.Model, rv: TensorVariable, kind: str, owner: str) -> None:
        op = rv.owner.op
        self.name, self.field_name = str(rv.name), f"{rv.name}_field"
        if None in rv.type.shape:
            raise ValueError(f"{owner} needs the shape of {rv.name!r} fixed, got {rv.type.shape}.")
        self.shape = tuple(int(length) for length in rv.type.shape)
        self.dtype = rv.dtype
        params = model.replace_rvs_by_values(list(rv.owner.inputs[2:]))
        energy, beta, log_z = op.bind(params)
        self.batch = self.shape[: len(self.shape) - energy.event_ndim]
        _require_pairwise(owner, self.name, energy, beta)
        self._energy, self._log_z = energy, log_z
        self.field = GaussianField(energy, beta, kind, self.name, owner)
        self.size = self.field.size
        found = Children.of(model, rv, jacobian=False)
        found.require_elementwise(owner, rv)
        self.children = found.all
        self._columns = found.terms.columns(energy.states)
        self._rest = found.terms.rest_sum()

    @property
    def states(self) -> States:
        """The variable's values."""
        return self.field.states

    def fields(self, z: TensorVariable) -> TensorVariable:
        """Return the fields, children included, shape (*batch, n) or (*batch, n, q).

        `z` (*batch, size): coordinates.
        """
        return self._with_children(self.field.fields(z))[0]

    def log_weight(self, z: TensorVariable) -> TensorVariable:
        """Return the log-density of field and children without ``N(z; 0, 1)``, a scalar.

        `z` (*batch, size): coordinates.
        """
        f, constant = self._with_children(self.field.fields(z))
        log_z = pt.broadcast_to(self._log_z, self.batch).sum()  # one value, or one a row
        return self.field.log_weight(f).sum() + constant.sum() - log_z + self._rest

    def fields_at_zero(self) -> TensorVariable:
        """Return the fields, children included, where z = 0."""
        return self._with_children(self.field.own_fields(self.batch))[0]

    def _with_children(self, f: TensorVariable) -> tuple[TensorVariable, TensorVariable]:
        """Add the children to fields; return also what they add to the log-density besides."""
        if self._columns is None:
            return f, pt.zeros(())
        return self.field.with_children(f, self._columns)

    def energy(self, value: TensorVariable) -> TensorVariable:
        """Return E summed over the batch, not multiplied by β.

        `value`: the variable's value.
        """
        return self._energy(value).sum()

    def encode(self, value: NDArray, hidden: NDArray | None = None) -> NDArray:
        """Turn a value of the variable into what `centre` takes, shape (*batch, n).

        `value`: the variable's value; `hidden` (*batch, nh): an RBM's hidden units.
        """
        flat = value.reshape(*self.batch, -1)
        if hidden is not None:
            flat = np.concatenate([flat, hidden], axis=-1)
        return self.states.encode(flat)

    def draw(self, f: NDArray[np.float64], rng: np.random.Generator) -> NDArray:
        """Draw the variable given its fields.

        `f` (*batch, n) or (*batch, n, q): fields; hidden units at the end; `rng`: source of
        randomness.
        """
        visible = self.field.graph.n_vertices - self.field.n_hidden
        states = np.asarray(self.states)
        if self.field.is_spin:
            f = f[..., :visible].reshape(self.shape)
            up = rng.logistic(size=f.shape) < 2 * f
            return states[up.astype(np.intp)].astype(self.dtype)
        f = f.reshape(*self.shape, states.size)
        return states[np.argmax(f + rng.gumbel(size=f.shape), axis=-1)].astype(self.dtype)

    def mean(self, f: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the variable's mean given its fields, for states their probabilities.

        `f` (*batch, n) or (*batch, n, q): fields; hidden units at the end.
        """
        visible = self.field.graph.n_vertices - self.field.n_hidden
        if self.field.is_spin:
            low, high = self.states
            f = f[..., :visible].reshape(self.shape)
            return 0.5 * (low + high) + 0.5 * (high - low) * np.tanh(f)
        f = f.reshape(*self.shape, len(self.states))
        weight = np.exp(f - f.max(axis=-1, keepdims=True))
        return weight / weight.sum(axis=-1, keepdims=True)

    def centre(self, x: TensorVariable) -> TensorVariable:
        """Return the mean of z given a configuration, shape (*batch, size).

        `x` (*batch, n): spins in {-1, +1}, or state numbers; hidden units at the end.
        """
        return self.field.centre(x)

    def hidden_log_odds(self, value: TensorVariable) -> TensorVariable | None:
        """Return the log-odds of an RBM's hidden units, shape (*batch, nh); else None.

        `value` (*batch, nv): the variable's value.
        """
        if not isinstance(self._energy, RBM):
            return None
        W, c = (self._energy.parameters[name] for name in ("W", "c"))
        return c + value.astype(W.dtype) @ W


def _require_pairwise(owner: str, name: str, energy: Energy, beta: TensorVariable) -> None:
    if isinstance(energy, RBM):
        unit = constant_value(beta)
        if unit is None or not np.all(unit == 1.0):
            raise ValueError(
                f"{owner}: {name!r} scales a free energy by beta, and that is no RBM. Pass beta to "
                "ebm.RBM instead, which scales weights and biases."
            )
    elif Coded.of(energy) is None:
        raise ValueError(
            f"{owner}: {name!r} is not pairwise ({type(energy).__name__}), and only pairs have an "
            f"exact Gaussian field. Sample it with step=ebm.GibbsWithGradients([{name}])."
        )
