"""Energies in files: arrays, the family's name, and what else its constructor takes."""

from __future__ import annotations

import json
import zlib

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from pymc_ebm import energies
from pymc_ebm.dependence import PY
from pymc_ebm.energies.energy import Energy
from pymc_ebm.graphs import Graph
from pymc_ebm.learn.netcdf import FORMAT_VERSION, arrays_of, pack, read_netcdf, write_netcdf

if TYPE_CHECKING:
    from pymc_ebm.learn.result import FitResult

KIND = "pymc_ebm energy"


def save(path: str | Path, energy: Energy, history: xr.Dataset) -> None:
    """Write an energy with numbers for parameters, and the history of its fit."""
    parameters = {
        name: np.asarray(value.eval(mode=PY)) for name, value in energy.parameters.items()
    }
    settings, graph = {}, {}
    for name, value in energy.settings().items():
        if isinstance(value, Graph):
            graph = _graph_arrays(value)
            settings["graph_facts"] = _graph_facts(value)
        else:
            settings[name] = value
    columns = {str(name): v.values for name, v in history.data_vars.items()}
    write_netcdf(
        Path(path),
        {**pack("parameter", parameters), **pack("graph", graph), **pack("history", columns)},
        kind=KIND,
        pymc_ebm_version=version("pymc_ebm"),
        family=type(energy).__name__,
        settings=json.dumps(settings, default=_plain),
        event_shape=json.dumps(energy.event_shape),
        history=json.dumps(history.attrs, default=_plain),
    )


def fingerprint_of(energy: Energy) -> str:
    """Return a checksum of an energy's numbers and of what else its constructor takes."""
    parts = [json.dumps(list(energy.parameters))]
    parts += [str(np.asarray(v.eval(mode=PY)).tolist()) for v in energy.parameters.values()]
    for name, value in energy.settings().items():
        if isinstance(value, Graph):
            value = [_graph_facts(value), np.asarray(value.edges).tolist()]
        parts.append(json.dumps([name, value], default=_plain))
    return f"{zlib.crc32(''.join(parts).encode()):08x}"


def load(path: str | Path, *, energy: Energy | None = None) -> FitResult:
    """Read what `FitResult.save` wrote.

    Parameters
    ----------
    path : path-like
        The file: netCDF, arrays and text only; reading it runs no code.
    energy : Energy, optional
        What the parameters are put into: needed for `Custom` energies and families of your own,
        whose functions are in no file.

    Returns
    -------
    FitResult
        Energy and history.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is truncated, of a newer version, of another kind, or of an energy that does not fit
        the one given.

    Examples
    --------
    >>> import tempfile, numpy as np, pymc_ebm as ebm
    >>> rows = np.array([[0, 1], [1, 1]])
    >>> found = ebm.fit(ebm.energies.RBM.random(2, 1), rows, epochs=2, progressbar=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found.save(f"{folder}/machine.nc")
    ...     ebm.load(f"{folder}/machine.nc").energy
    RBM(W(2, 1), b(2,), c(1,))
    """
    from pymc_ebm.learn.result import FitResult

    arrays, attrs = read_netcdf(Path(path), KIND, FORMAT_VERSION)
    parameters = arrays_of("parameter", arrays)
    if energy is not None:
        found = _into(energy, parameters, attrs["family"])
    else:
        found = _rebuilt(attrs, parameters, arrays_of("graph", arrays))
    columns = arrays_of("history", arrays)
    epochs = len(next(iter(columns.values()), ()))
    history = xr.Dataset(
        {name: ("epoch", values) for name, values in columns.items()},
        coords={"epoch": np.arange(1, epochs + 1, dtype=np.int32)},
        attrs=json.loads(attrs["history"]),
    )
    return FitResult(found, history)


def _rebuilt(attrs: dict[str, Any], parameters: dict, graph: dict) -> Energy:
    """Call the family's constructor."""
    family = attrs["family"]
    if family not in energies.__all__ or family == "Custom":
        raise ValueError(
            f"load: the file holds a {family}, which is no family of this library. Pass "
            f"energy=, a {family} with any numbers of the same shapes."
        )
    settings = json.loads(attrs["settings"])
    facts = settings.pop("graph_facts", None)
    if facts is not None:
        settings["graph"] = _graph(graph, facts)
    found: Energy = getattr(energies, family).from_settings(parameters, settings)
    shape = json.loads(attrs["event_shape"])
    return found if shape is None else found.with_event_shape(tuple(shape))


def _into(energy: Energy, parameters: dict, family: str) -> Energy:
    """Put parameters into an energy that fits them."""
    have = {name: tuple(value.type.shape) for name, value in energy.parameters.items()}
    stored = {name: value.shape for name, value in parameters.items()}
    if type(energy).__name__ != family or have.keys() != stored.keys():
        raise ValueError(
            f"load: the file holds {family} with {stored}, and energy= is "
            f"{type(energy).__name__} with {have}."
        )
    for name, shape in stored.items():
        if any(n not in (None, k) for n, k in zip(have[name], shape, strict=True)):
            raise ValueError(f"load: {name} has shape {shape} in the file, and {have[name]} here.")
    return energy.replace(**parameters)


def _graph_arrays(graph: Graph) -> dict[str, Any]:
    found = {"edges": np.asarray(graph.edges, np.int32)}
    return found if graph.weights is None else {**found, "weights": graph.weights}


def _graph_facts(graph: Graph) -> dict[str, Any]:
    names = None if graph.names is None else [_plain(name) for name in graph.names]
    return {
        "shape": list(graph.shape),
        "names": names,
        "lattice": graph.lattice,
        "periodic": list(graph.periodic),
    }


def _graph(arrays: dict[str, Any], facts: dict[str, Any]) -> Graph:
    names = facts["names"]
    if names is not None:
        names = [tuple(name) if isinstance(name, list) else name for name in names]
    graph = Graph(arrays["edges"].reshape(-1, 2), facts["shape"], names, arrays.get("weights"))
    lattice = facts["lattice"]
    if lattice is not None:
        maker = getattr(Graph, "square" if lattice == "king" else lattice)
        options = {"neighbors": 8} if lattice == "king" else {}
        periodic = facts["periodic"]
        made: Graph = maker(*facts["shape"], periodic=tuple(map(bool, periodic)), **options)
        if np.array_equal(made.edges, graph.edges):
            return made
    return graph


def _plain(value: Any) -> Any:
    """Turn NumPy values into what JSON knows."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value)
