"""Heat-bath chains of pairwise discrete energies."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.energies.coded import Coded
from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.chains.chains import Chains
from pymc_ebm.moves.heat_bath import HeatBath


class PairwiseChains(Chains):
    """Sweeps of heat bath over every chain; couplings and fields are read at each call."""

    def __init__(self, energy: Energy, states: NDArray, betas: NDArray[np.float64]) -> None:
        super().__init__(states, betas)
        form = Coded.of(energy)
        assert form is not None
        self._form, graph, q = form, form.graph, len(form.states)
        tail = () if form.is_spin else (q,)
        field = pt.broadcast_to(form.field, (*graph.shape, *tail)).reshape((-1, *tail))
        parts = [pt.broadcast_to(form.J, (graph.n_edges,)), field]
        if form.interaction is not None:
            parts.append(pt.as_tensor(form.interaction))
        self._read = pytensor.function([], parts)
        self._energy = _energy_of(energy, states.shape[2:])
        absent = form.states.absent()
        self._absent = 0.0 if absent is None else absent.reshape(-1, q)
        self._heat_bath: HeatBath | None = None

    def advance(self, sweeps: int, rng: np.random.Generator) -> None:
        """Sweep."""
        J, field, *K = (np.asarray(part, float) for part in self._read())
        interaction = K[0] if K else None
        if self._heat_bath is None:
            self._heat_bath = HeatBath(self._form.graph, J, interaction)
        elif interaction is not None:
            self._heat_bath.set_interaction(interaction)
        state = kernels.xoshiro.seed_state(rng)
        shape = self.states.shape
        x = self._form.states.encode(self.states).reshape(*shape[:2], -1)
        for beta, row in zip(self.betas, x, strict=True):
            self._heat_bath.set_coupling(beta * J)
            felt = np.ascontiguousarray(beta * field + self._absent)
            for chain in row:
                self._heat_bath.sweep(chain, felt, sweeps, state)
        self.states = self._form.states.decode(x).reshape(shape).astype(self.states.dtype)

    def energies(self) -> NDArray[np.float64]:
        """Evaluate the energy."""
        return np.asarray(self._energy(self.states))


def _energy_of(energy: Energy, event: tuple[int, ...]) -> pytensor.compile.Function:
    """Compile E of states (R, C, *event) under shared parameters."""
    x = pt.tensor("x", shape=(None, None, *event), dtype="int64")
    compiled = pytensor.function([x], energy(x))
    return lambda states: compiled(np.asarray(states, np.int64))  # type: ignore[return-value]
