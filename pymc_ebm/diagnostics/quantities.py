"""Which scalars of a trace are judged."""

from __future__ import annotations

import numpy as np
import pymc as pm
import xarray as xr

from pymc_ebm.diagnostics.finding import Series
from pymc_ebm.thermo.observables import observables

ENTRIES_LIMIT = 64  # a larger array is judged by its energy and order parameters


def collect(idata: xr.DataTree, model: pm.Model | None) -> tuple[list[Series], list[str]]:
    """Gather energies, order parameters and the entries of small variables.

    Parameters
    ----------
    idata : DataTree
        With a posterior group.
    model : Model or None
        Without it there are no energies.

    Returns
    -------
    series : list of Series
    notes : list of str
        What was left out, and why.
    """
    if "posterior" not in idata.children:
        raise ValueError(f"ergodicity: there is no posterior group, only {list(idata.children)}.")
    posterior = idata["posterior"].to_dataset()
    notes = []
    series: list[Series] = []
    if model is None:
        notes.append("No model was given: energies and order parameters were not judged.")
    elif _has_energies(model):
        for name, values in observables(idata, model).data_vars.items():
            repeats = any(_same_up_to_sign(values.values, s.values) for s in series)
            if not repeats:  # |m| says nothing new where m keeps its sign
                series.append(Series(str(name), values.attrs["kind"], values.values))
    else:
        notes.append("The model declares no energy; its variables were judged alone.")
    for name, variable in posterior.data_vars.items():
        entries = variable.transpose("chain", "draw", ...)
        size = int(np.prod(entries.shape[2:]))
        if size > ENTRIES_LIMIT:
            mean = entries.mean(dim=[d for d in entries.dims if d not in ("chain", "draw")])
            if not any(s.name == f"{name}_magnetization" for s in series):
                series.append(Series(f"{name} (mean)", "variable", mean.values))
            notes.append(
                f"{name} has {size} entries: judged by its mean, energy and order parameters, not "
                "entry by entry."
            )
            continue
        for index in np.ndindex(*entries.shape[2:]):
            label = f"{name}[{', '.join(map(str, index))}]" if index else str(name)
            column = entries.values[(slice(None), slice(None), *index)]
            if not any(_same_up_to_sign(column, s.values) for s in series if s.kind != "variable"):
                series.append(Series(label, "variable", np.asarray(column, dtype=float)))
    broken = [s.name for s in series if not np.all(np.isfinite(s.values))]
    if broken:
        raise ValueError(
            f"ergodicity: {broken[0]!r} has NaN or infinite draws ({len(broken)} quantities do). "
            "Nothing can be judged; find where the model's log-probability is undefined."
        )
    return series, notes


def _same_up_to_sign(first: np.ndarray, second: np.ndarray) -> bool:
    return np.array_equal(first, second) or np.array_equal(first, -second)


def _has_energies(model: pm.Model) -> bool:
    from pymc_ebm.boltzmann import BoltzmannRV

    return bool(model.potentials) or any(
        isinstance(getattr(rv.owner, "op", None), BoltzmannRV) for rv in model.free_RVs
    )
