"""Hidden variables of a pairwise energy, drawn while the visible ones stand still."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.energies.coded import SPIN_PRODUCT, Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.hidden_vertices import HiddenVertices
from pymc_ebm.moves.heat_bath import HeatBath


class ClampedChains:
    """A chain a row over some vertices of a pairwise energy.

    What the other vertices say is a field on these, which are swept by heat bath; hidden vertices
    that no edge joins are drawn exactly by one sweep.
    """

    def __init__(self, energy: Energy, hidden: NDArray[np.int64]) -> None:
        form = Coded.of(energy)
        assert form is not None
        self._form, graph, q = form, form.graph, len(form.states)
        self._parts = HiddenVertices(graph, hidden, type(energy).__name__)
        tail = () if form.is_spin else (q,)
        field = pt.broadcast_to(form.field, (*graph.shape, *tail)).reshape((-1, *tail))
        interaction: Any = SPIN_PRODUCT if form.is_spin else form.interaction
        tables = pt.broadcast_to(pt.as_tensor(interaction), (graph.n_edges, q, q))
        self._read = pytensor.function(
            [], [pt.broadcast_to(form.J, (graph.n_edges,)), field, tables]
        )
        absent = form.states.absent()
        self._absent = 0.0 if absent is None else absent.reshape(-1, q)[self._parts.hidden]

    def draw(
        self, visible: NDArray, sweeps: int, rng: np.random.Generator, beta: float = 1.0
    ) -> NDArray:
        """Return whole configurations (rows, n), hidden entries swept from a random start."""
        J, field, tables = (np.asarray(part, float) for part in self._read())
        J, field = beta * J, beta * field
        form, parts, rows = self._form, self._parts, len(visible)
        edge, seen, unseen = parts.across.T
        q, nv, nh = tables.shape[-1], parts.visible.size, parts.hidden.size
        facing = J[edge, None, None] * tables[edge]
        facing = np.where(parts.forward[:, None, None], facing, facing.swapaxes(-1, -2))
        weights = np.zeros((nv, nh, q, q))
        weights[seen, unseen] = facing
        weights = weights.swapaxes(1, 2)
        code = form.states.encode(visible.astype(np.int64)).reshape(rows, nv)
        numbers = (code + 1) // 2 if form.is_spin else code
        one_hot = (numbers[:, :, None] == np.arange(q)).reshape(rows, -1).astype(float)
        said = (one_hot @ weights.reshape(nv * q, nh * q)).reshape(rows, nh, q)
        if form.is_spin:
            felt = field[parts.hidden] + 0.5 * (said[..., 1] - said[..., 0])
            hidden = rng.choice(np.array([-1, 1], np.int8), size=(rows, nh))
        else:
            felt = field[parts.hidden] + said + self._absent
            hidden = np.argmax(felt + rng.gumbel(size=felt.shape), axis=-1).astype(np.int8)
        among = None if form.is_spin else tables[parts.among]
        bath = HeatBath(parts.hidden_graph, J[parts.among], among)
        state = kernels.xoshiro.seed_state(rng)
        for chain, one in zip(hidden, np.ascontiguousarray(felt), strict=True):
            bath.sweep(chain, one, sweeps, state)
        whole = np.empty((rows, nv + nh), np.int8)
        whole[:, parts.visible], whole[:, parts.hidden] = code, hidden
        return form.states.decode(whole)
