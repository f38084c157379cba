"""Forward draws of discrete variables: exact where possible, else chains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.dependence import PY
from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.forward.mixing import Mixing
from pymc_ebm.forward.spins import draw_spins
from pymc_ebm.forward.states import draw_states

ENUMERATED_STATES = 2**18
CHUNK = 2**14


def draw_discrete(
    energy: Energy,
    rng: np.random.Generator,
    parameters: Mapping[str, NDArray],
    beta: float,
    count: int,
) -> tuple[NDArray[np.int64], Mixing | None]:
    """Draw configurations of a discrete energy, shape (count, n).

    `energy` is a template; `parameters` are numbers without batch dimensions. The second result is
    None if the draws are exact.

    Raises
    ------
    ValueError
        If there are too many configurations to enumerate and the energy is not pairwise.
    """
    states = energy.states
    assert states is not None
    assert energy.event_shape is not None
    form = _numeric_form(energy)
    if form is not None:
        code, mixing = form.draw(parameters, beta, rng, count)
        return states.decode(code), mixing
    n = int(np.prod(energy.event_shape))
    if len(states) ** float(n) <= ENUMERATED_STATES:
        values = tuple(
            (parameters[k].tobytes(), parameters[k].shape, parameters[k].dtype.str)
            for k in energy.parameters
        )
        cumulative = _cumulative(energy, values, beta)
        chosen = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
        return states.values[_digits(chosen, len(states), n)], None
    if isinstance(energy, RBM) and beta == 1.0:
        W, b, c = (parameters[name] for name in "Wbc")
        joint = _numeric_form(_joint(*W.shape))
        assert joint is not None
        both = {"W": W.reshape(-1), "b": np.concatenate([b, c])}
        units, mixing = joint.draw(both, 1.0, rng, count)
        return states.decode(units)[:, :n], mixing
    raise ValueError(
        f"{type(energy).__name__}: {len(states)}^{n} configurations are too many to enumerate "
        f"(more than {ENUMERATED_STATES:,}), and this energy is not pairwise, so there is no "
        "forward sampler for it. Sample it with pm.sample instead of pm.draw or prior predictive."
    )


@dataclass(frozen=True)
class _NumericForm:
    """A pairwise form, and the numbers in it as a function of the energy's parameters."""

    form: Coded
    names: tuple[str, ...]
    evaluate: Callable[..., list[NDArray]]

    def draw(
        self, parameters: Mapping[str, NDArray], beta: float, rng: np.random.Generator, count: int
    ) -> tuple[NDArray[np.int8], Mixing | None]:
        """Draw spins or state numbers, shape (count, n)."""
        form, graph = self.form, self.form.graph
        J, field, *tables = self.evaluate(*(parameters[name] for name in self.names))
        coupling = np.ascontiguousarray(np.broadcast_to(beta * J, (graph.n_edges,)), float)
        tail = () if form.is_spin else (len(form.states),)
        field = np.broadcast_to(beta * field, (*graph.shape, *tail)).reshape(-1, *tail)
        absent = form.states.absent()
        if absent is not None:
            field = field + absent.reshape(-1, *tail)
        field = np.ascontiguousarray(field, float)
        if form.is_spin:
            return draw_spins(graph, coupling, field, rng, count)
        K: Any = tables[0] if tables else form.interaction
        return draw_states(graph, coupling, np.ascontiguousarray(K, float), field, rng, count)


@lru_cache(maxsize=32)
def _numeric_form(energy: Energy) -> _NumericForm | None:
    """Compile parameters → couplings, fields and tables of the pairwise form."""
    inputs = _inputs(energy)
    form = Coded.of(energy.replace(**inputs))
    if form is None:
        return None
    outputs = [form.J, form.field]
    if form.has_tables:
        outputs.append(pt.as_tensor_variable(form.interaction))  # type: ignore[arg-type]
    compiled = pytensor.function(list(inputs.values()), outputs, mode=PY, on_unused_input="ignore")
    return _NumericForm(form, tuple(inputs), compiled)


@lru_cache(maxsize=8)
def _joint(n_visible: int, n_hidden: int) -> Energy:
    """Return the energy over both layers of a restricted Boltzmann machine of a given size."""
    return RBM(np.zeros((n_visible, n_hidden))).joint()


def _digits(numbers: NDArray, q: int, n: int) -> NDArray:
    """Write configuration numbers in base q, shape (len(numbers), n)."""
    return (numbers[:, None] // q ** np.arange(n)) % q


@lru_cache(maxsize=8)
def _cumulative(energy: Energy, values: tuple[tuple, ...], beta: float) -> NDArray:
    """Cumulative weights of all configurations of an energy that is not pairwise."""
    parameters = [np.frombuffer(raw, dtype).reshape(shape) for raw, shape, dtype in values]
    assert energy.states is not None
    assert energy.event_shape is not None
    n, q = int(np.prod(energy.event_shape)), len(energy.states)
    x = pt.tensor("x", shape=(None, *energy.event_shape), dtype="float64")
    inputs = _inputs(energy)
    evaluate = pytensor.function(
        [x, *inputs.values()], energy.replace(**inputs)(x), mode=PY, on_unused_input="ignore"
    )
    energies = []
    for start in range(0, q**n, CHUNK):
        digits = _digits(np.arange(start, min(start + CHUNK, q**n)), q, n)
        chunk = energy.states.values[digits].reshape(-1, *energy.event_shape)
        value = evaluate(chunk.astype(float), *parameters)
        inside = energy.states.allowed(chunk).reshape(len(chunk), -1).all(axis=1)
        energies.append(np.where(inside, value, np.inf))
    total = np.concatenate(energies)
    return np.cumsum(np.exp(-beta * (total - total.min())))


def _inputs(energy: Energy) -> dict[str, TensorVariable]:
    """Return free inputs that stand for an energy's parameters, without batch dimensions."""
    return {
        name: pt.tensor(shape=p.type.shape[p.ndim - energy.core_ndims[name] :], dtype=p.dtype)
        for name, p in energy.parameters.items()
    }
