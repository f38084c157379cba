"""The form in which samplers read a pairwise energy: two values as spins, more as state numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytensor.tensor as pt

from numpy.typing import NDArray
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy
from pymc_ebm.graphs import Graph


@dataclass(frozen=True)
class Coded:
    """Couplings and fields, not multiplied by β.

    Parameters
    ----------
    graph : Graph
        Which entries interact.
    J : TensorVariable, shape () or (..., m)
        Couplings.
    field : TensorVariable, shape (..., *shape) or (..., *shape, q)
        Fields.
    interaction : ndarray, shape (q, q), or None
        What couples a pair of states; None for two values, which are coded as spins.
    offset : TensorVariable
        Constant that the form leaves out of the energy.
    """

    graph: Graph
    J: TensorVariable
    field: TensorVariable
    interaction: NDArray[np.float64] | None
    offset: TensorVariable

    @classmethod
    def of(cls, energy: Energy) -> Coded | None:
        """Read it off an energy; None if that is not pairwise and discrete.

        Parameters
        ----------
        energy : Energy
            Any energy.
        """
        if energy.states is None:
            return None
        spins = energy.ising_form()
        if spins is not None:
            offset = pt.zeros(())
            if energy.states == (0, 1):
                all_low = pt.zeros(spins.graph.shape)
                offset = energy(all_low) - spins(all_low - 1)
            return cls(spins.graph, spins.parameters["J"], spins.parameters["h"], None, offset)
        form = energy.pairwise_form()
        if form is None:
            return None
        interaction = np.ascontiguousarray(form.interaction)
        return cls(form.graph, form.J, form.field, interaction, pt.zeros(()))
