"""Many replicas of a discrete model at many temperatures."""

from __future__ import annotations

import time

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import xarray as xr

from numpy.typing import ArrayLike
from rich.progress import Progress

from pymc_ebm.energies.energy import Energy
from pymc_ebm.moves.multi_spin import REPLICAS, fits
from pymc_ebm.replicas import OneReplica, Parameters, Replicas, ReplicasInWords

Method = Literal["auto", "multi_spin", "heat_bath", "swendsen_wang"]


def simulate(
    energy: Energy,
    *,
    betas: ArrayLike = 1.0,
    chains: int = 64,
    draws: int = 1000,
    tune: int = 1000,
    thin: int = 1,
    method: Method = "auto",
    random_seed: Any = None,
    progressbar: bool = True,
) -> xr.DataTree:
    """Simulate many replicas of a pairwise discrete model at known parameters.

    Observables are computed while the replicas run, so memory does not grow with
    ``draws × spins``.

    Parameters
    ----------
    energy : Energy
        Ising, Boltzmann machine, Potts, Blume–Capel or a sum of them, without random parameters.
    betas : float or sequence of float, default 1.0
        Inverse temperatures, positive.
    chains : int, default 64
        Replicas at each temperature.
    draws : int, default 1000
        Records of each replica.
    tune : int, default 1000
        Sweeps before the first record.
    thin : int, default 1
        Sweeps between records.
    method : {"auto", "multi_spin", "heat_bath", "swendsen_wang"}
        ``"multi_spin"`` holds 64 replicas in the bits of a word and needs equal coupling
        strengths (any signs), no field, and four or six neighbours everywhere. ``"heat_bath"``
        fits all; ``"swendsen_wang"`` makes one cluster update and one heat-bath sweep a sweep.
        ``"auto"``: multi-spin coding where it fits, else heat bath.
    random_seed : int or Generator, optional
        Source of randomness.
    progressbar : bool, default True
        Show progress.

    Returns
    -------
    DataTree
        Group ``posterior`` with ``energy`` (E, not multiplied by β) and ``magnetization`` (mean
        value of the entries; for Potts states ``(q f − 1) / (q − 1)``, f being the fraction in the
        commonest state), dims (beta, chain, draw); group ``last_state`` with ``state``, dims
        (beta, chain, and one for each axis of the graph), at most a million entries, else left
        out. Attributes say the method and the spin updates a second. An interrupt returns what
        was recorded so far, NaN elsewhere.

    Raises
    ------
    ValueError
        If the energy is not pairwise and discrete, has random parameters, a beta is not
        positive, or the method does not fit.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> lattice = ebm.energies.Ising(1.0, graph=ebm.Graph.square(8, 8))
    >>> runs = ebm.simulate(lattice, betas=[0.3, 0.4], draws=50, tune=50, random_seed=1,
    ...                     progressbar=False)
    >>> dict(runs["posterior"].sizes)
    {'beta': 2, 'chain': 64, 'draw': 50}
    """
    inverse = np.atleast_1d(np.asarray(betas, dtype=float))
    if not np.all((inverse > 0) & np.isfinite(inverse)):
        wrong = inverse[~((inverse > 0) & np.isfinite(inverse))][0]
        raise ValueError(f"simulate: betas contains {wrong}; inverse temperatures are positive.")
    for name, value in (("chains", chains), ("draws", draws), ("thin", thin)):
        if value < 1:
            raise ValueError(f"simulate: {name} must be 1 or more, got {value}.")
    parameters = Parameters.of(energy)
    graph = parameters.graph
    why = _no_multi_spin(parameters)
    if method == "auto":
        method = "heat_bath" if why else "multi_spin"
    if method == "multi_spin" and why:
        raise ValueError(f"simulate: multi-spin coding does not fit: {why}. Use 'heat_bath'.")
    if method not in ("multi_spin", "heat_bath", "swendsen_wang"):
        raise ValueError(f"simulate: method={method!r} is none of auto, multi_spin, heat_bath, "
                         "swendsen_wang.")  # fmt: skip
    rng = np.random.default_rng(random_seed)
    n = graph.n_vertices
    energies = np.full((inverse.size, chains, draws), np.nan)
    magnetizations = np.full_like(energies, np.nan)
    keep = inverse.size * chains * n <= 1_000_000
    states = np.zeros((inverse.size, chains, n), np.int8) if keep else None
    started, done = time.perf_counter(), 0
    width = REPLICAS if method == "multi_spin" else 1
    groups = [(b, c) for b in range(inverse.size) for c in range(0, chains, width)]
    try:
        with Progress(disable=not progressbar) as progress:
            task = progress.add_task(
                f"{method} × {chains}", total=len(groups) * (tune + draws * thin)
            )
            for b, c in groups:
                lanes = slice(c, min(c + width, chains))
                replicas: Replicas
                if method == "multi_spin":
                    replicas = ReplicasInWords(parameters, inverse[b], rng)
                else:
                    replicas = OneReplica(parameters, inverse[b], method == "swendsen_wang", rng)
                for chunk in _chunks(tune, 64):
                    replicas.advance(chunk)
                    progress.advance(task, chunk)
                used = lanes.stop - lanes.start
                for t in range(draws):
                    replicas.advance(thin)
                    E, m = replicas.measure()
                    energies[b, lanes, t], magnetizations[b, lanes, t] = E[:used], m[:used]
                    progress.advance(task, thin)
                done += (tune + draws * thin) * n * width
                if states is not None:
                    states[b, lanes] = replicas.values()[:used]
    except KeyboardInterrupt:
        pass  # what was recorded is returned
    elapsed = time.perf_counter() - started
    coords = {"beta": inverse, "chain": np.arange(chains), "draw": np.arange(draws)}
    dims = ("beta", "chain", "draw")
    posterior = xr.Dataset(
        {"energy": (dims, energies), "magnetization": (dims, magnetizations)},
        coords=coords,
        attrs={"method": method, "updates_per_second": done / elapsed, "n_spins": n},
    )
    tree = {"posterior": posterior}
    if states is not None:
        axes = [f"axis_{k}" for k in range(len(graph.shape))]
        tree["last_state"] = xr.Dataset(
            {"state": (("beta", "chain", *axes), states.reshape(*states.shape[:2], *graph.shape))},
            coords={"beta": inverse, "chain": np.arange(chains)},
        )
    return xr.DataTree.from_dict(tree)


def _no_multi_spin(parameters: Parameters) -> str | None:
    """Say why a model cannot be coded so; None if it can."""
    if parameters.interaction is not None:
        return "entries have more than two values"
    if np.any(parameters.field):
        return "there is a field"
    if not (parameters.J.size == 1 or parameters.graph.n_edges > 0):
        return "there are no couplings"
    if not fits(parameters.graph, parameters.J):
        return "strengths or numbers of neighbours differ, or are not four or six"
    return None


def _chunks(total: int, size: int) -> Iterator[int]:
    """Split a number of sweeps, so that progress can be shown and a run interrupted."""
    while total > 0:
        yield min(size, total)
        total -= size
