"""Energies over variables that exist already."""

from __future__ import annotations

from typing import Any

import pymc as pm
import pytensor.tensor as pt

from pymc.pytensorf import rvs_in_graph
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import as_parameter, require_positive
from pymc_ebm.errors import MissingPartitionError


def energy_potential(name: str, value: Any, *, beta: Any = 1.0) -> TensorVariable:
    """Add ``−beta * value`` to the model's log-probability.

    Parameters
    ----------
    name : str
        Name of the potential.
    value : tensor_like
        Energy as an expression over the model's variables; all entries count.
    beta : scalar tensor_like, default 1.0
        Inverse temperature, positive and not random.

    Returns
    -------
    TensorVariable
        The `pymc.Potential`.

    Raises
    ------
    MissingPartitionError
        If `beta` is random: the normaliser of the energy would then depend on it.
    ValueError
        For an energy that is complex, integer or constant, or a beta that is not positive.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     a, b = pm.Normal("a"), pm.Normal("b")
    ...     pull = ebm.energy_potential("coupling", (a * b - 1) ** 2, beta=2.0)
    >>> [p.name for p in model.potentials]
    ['coupling']
    """
    owner = f"energy_potential {name!r}"
    model = pm.modelcontext(None)
    require_positive(owner, beta=beta)
    beta = as_parameter(beta, f"{owner}: beta")
    random = rvs_in_graph([beta]) - set(model.observed_RVs)
    if random:
        names = ", ".join(sorted(str(v.name) for v in random))
        raise MissingPartitionError(
            f"{owner}: beta depends on {names!r}, so the normaliser of exp(-beta * energy) varies "
            "with it. Declare the coupled variables with ebm.Boltzmann(..., log_partition=...), or "
            f"write pm.Potential({name!r}, -beta * value) if the unnormalised factor is meant."
        )
    value = pt.as_tensor_variable(value)
    if not value.dtype.startswith("float"):
        raise ValueError(
            f"{owner}: the energy is {value.dtype}; it must be a real floating-point expression."
        )
    if not rvs_in_graph([value]):
        raise ValueError(f"{owner}: the energy depends on no variable of the model.")
    return pm.Potential(name, -beta * value)
