"""Which variables of a model leave their log Z unknown, and which parameters that concerns."""

from __future__ import annotations

import pymc as pm

from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.log_z.unknown import has_unknown
from pymc_ebm.variables.boltzmann import BoltzmannRV


def exchange_variables(model: pm.Model) -> list[TensorVariable]:
    """Return the observed variables whose log Z was left unknown.

    `model`: the model.
    """
    return [
        rv
        for rv in model.observed_RVs
        if isinstance(getattr(rv.owner, "op", None), BoltzmannRV)
        and has_unknown(rv.owner.inputs[-1])
    ]


def parameters_of(model: pm.Model, rv: TensorVariable) -> list[TensorVariable]:
    """Return the free variables that enter an energy directly, not through other variables.

    `model`: the model; `rv`: A Boltzmann variable of it.
    """
    free = set(model.free_RVs)
    found = set(ancestors(rv.owner.inputs[2:], blockers=list(free)))
    return [v for v in model.free_RVs if v in found]
