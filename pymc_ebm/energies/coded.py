"""How samplers read a pairwise energy: two values as spins, more as state numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.pairwise import Interaction, Pairwise
from pymc_ebm.graphs import Graph
from pymc_ebm.states import States

SPIN_PRODUCT = np.array([[1.0, -1.0], [-1.0, 1.0]])


@dataclass(frozen=True)
class Coded:
    """Couplings and fields, not multiplied by β.

    `graph`: which entries interact; `states`: the values behind the code; `J` () or (..., m):
    couplings; `field` (..., *shape) or (..., *shape, q): fields; log-weights of q states;
    `interaction` (q, q) or (..., m, q, q): what couples a pair of states; None for two values,
    which are coded as spins; `offset` (...): constant that the form leaves out of the energy.
    """

    graph: Graph
    states: States
    J: TensorVariable
    field: TensorVariable
    interaction: Interaction | None
    offset: TensorVariable

    @classmethod
    def of(cls, energy: Energy) -> Coded | None:
        """Read it off an energy; None if that is not pairwise and discrete."""
        if energy.states is None:
            return None
        form = energy.pairwise_form()
        if form is None:
            return None
        form = replace(form, states=energy.states)
        return _as_spins(form) if energy.states.two_valued else _as_numbers(form)

    @property
    def is_spin(self) -> bool:
        """Whether entries are coded as spins."""
        return self.interaction is None

    @property
    def has_tables(self) -> bool:
        """Whether each edge has a table of its own, or a table is symbolic."""
        return self.interaction is not None and not (
            isinstance(self.interaction, np.ndarray) and self.interaction.ndim == 2
        )


def _as_numbers(form: Pairwise) -> Coded:
    """Write slopes as part of the table of fields."""
    states, event_ndim = form.states, len(form.graph.shape)
    field = form.field
    if form.slope is not None:
        linear = pt.shape_padright(form.slope) * np.asarray(states, float)
        field = linear if field is None else field + linear
    if field is None:
        field = pt.zeros((*(1,) * event_ndim, len(states)))
    interaction: Any = form.interaction
    if isinstance(interaction, np.ndarray):
        interaction = np.ascontiguousarray(interaction, dtype=float)
    return Coded(form.graph, states, form.J, field, interaction, pt.zeros(()))


def _as_spins(form: Pairwise) -> Coded:
    """Write two values as spins.

    ``K(a, b) = k + r s_a + c s_b + κ s_a s_b`` with ``κ = (K₁₁ + K₀₀ − K₀₁ − K₁₀) / 4``, so pairs
    add ``J r`` to the field of their first vertex and ``J c`` to that of their second.
    """
    states, graph = form.states, form.graph
    low, high = (float(value) for value in states)
    K: Any = form.interaction
    (k00, k01), (k10, k11) = ([K[..., a, b] for b in (0, 1)] for a in (0, 1))
    kappa, mean = (k11 + k00 - k01 - k10) / 4, (k11 + k00 + k01 + k10) / 4
    row, column = (k11 + k10 - k01 - k00) / 4, (k11 + k01 - k10 - k00) / 4
    constant = isinstance(K, np.ndarray)
    unit = constant and bool(np.all(kappa == 1))
    J = form.J if unit else form.J * pt.as_tensor(kappa)
    field, offset = None, pt.zeros(())
    if form.slope is not None:
        field = 0.5 * (high - low) * form.slope if (low, high) != (-1.0, 1.0) else form.slope
        if low + high:
            offset = offset - 0.5 * (low + high) * _total(form.slope, graph)
    if form.field is not None:
        odd = 0.5 * (form.field[..., 1] - form.field[..., 0])
        field = odd if field is None else field + odd
        offset = offset - _total(0.5 * (form.field[..., 1] + form.field[..., 0]), graph)
    for ends, strength in ((graph.edges[:, 0], row), (graph.edges[:, 1], column)):
        if constant and not np.any(strength):
            continue
        pull = _gathered(form.J * pt.as_tensor(strength), ends, graph)
        field = pull if field is None else field + pull
    if not (constant and not np.any(mean)):
        per_edge = form.J * pt.as_tensor(mean)
        uniform = per_edge.ndim == 0 or per_edge.type.broadcastable[-1]
        total = per_edge.sum(axis=-1) if per_edge.ndim else per_edge
        offset = offset - (graph.n_edges * total if uniform else total)
    if field is None:
        field = pt.zeros((1,) * len(graph.shape))
    return Coded(graph, states, J, field, None, offset)


def _gathered(strength: TensorVariable, ends: NDArray, graph: Graph) -> TensorVariable:
    """Add up what edges do to the vertices at one of their ends, shape (..., *graph.shape)."""
    n, m = graph.n_vertices, graph.n_edges
    if strength.ndim == 0 or strength.type.broadcastable[-1]:
        counts = np.bincount(ends, minlength=n).astype(float)
        total = (strength if strength.ndim else pt.shape_padright(strength)) * counts
    else:
        batch = tuple(strength.shape[: strength.ndim - 1])
        strength = pt.broadcast_to(strength, (*batch, m))
        total = pt.zeros((*batch, n))[..., ends].inc(strength)
    return total.reshape((*total.shape[:-1], *graph.shape))


def _total(field: TensorVariable, graph: Graph) -> TensorVariable:
    """Sum a field over the vertices, also where axes of length one stand for all."""
    event_ndim = len(graph.shape)
    axes = tuple(range(-event_ndim, 0))
    short = zip(field.type.broadcastable[field.ndim - event_ndim :], graph.shape, strict=True)
    copies = int(np.prod([length for once, length in short if once]))
    return copies * field.sum(axis=axes)
