"""Many replicas of a discrete model at many temperatures."""

from __future__ import annotations

import time

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import xarray as xr

from numpy.typing import ArrayLike, NDArray
from pytensor.compile.mode import Mode
from rich.progress import Progress

from pymc_ebm import kernels
from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.ising import Ising
from pymc_ebm.moves.clusters import SwendsenWang
from pymc_ebm.moves.heat_bath import HeatBath
from pymc_ebm.moves.multi_spin import REPLICAS, MultiSpin, fits

Method = Literal["auto", "multi_spin", "heat_bath", "swendsen_wang"]
PY = Mode(linker="py", optimizer="fast_compile")


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
    """Simulate many replicas of an Ising model or Boltzmann machine at known parameters.

    Observables are computed while the replicas run, so memory does not grow with
    ``draws × spins``.

    Parameters
    ----------
    energy : Energy
        A two-valued pairwise energy without random parameters.
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
        value of the entries), dims (beta, chain, draw); group ``last_state`` with ``state``, dims
        (beta, chain, and one for each axis of the graph), at most a million entries, else left
        out. Attributes say the method and the spin updates a second. An interrupt returns what
        was recorded so far, NaN elsewhere.

    Raises
    ------
    ValueError
        If the energy is not pairwise and two-valued, has random parameters, a beta is not
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
    form, J, h, offset = _numeric_form(energy)
    graph = form.graph
    with_field = bool(np.any(h))
    multi_spin = not with_field and (J.size == 1 or graph.n_edges > 0) and fits(graph, J)
    if method == "auto":
        method = "multi_spin" if multi_spin else "heat_bath"
    if method == "multi_spin" and not multi_spin:
        why = "there is a field" if with_field else "strengths or numbers of neighbours differ"
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
                if method == "multi_spin":
                    runner = _multi_spin(graph, J, inverse[b], rng)
                else:
                    runner = _one_replica(graph, J, h, inverse[b], method, rng)
                advance, measure, state = runner
                for chunk in _chunks(tune, 64):
                    advance(chunk)
                    progress.advance(task, chunk)
                for t in range(draws):
                    advance(thin)
                    E, m = measure()
                    energies[b, lanes, t] = E[: lanes.stop - lanes.start]
                    magnetizations[b, lanes, t] = m[: lanes.stop - lanes.start]
                    progress.advance(task, thin)
                done += (tune + draws * thin) * n * width
                if states is not None:
                    states[b, lanes] = state()[: lanes.stop - lanes.start]
    except KeyboardInterrupt:
        pass  # what was recorded is returned
    elapsed = time.perf_counter() - started
    if energy.states == (0, 1):
        magnetizations = (magnetizations + 1) / 2
        states = None if states is None else ((states + 1) // 2).astype(np.int8)
    coords = {"beta": inverse, "chain": np.arange(chains), "draw": np.arange(draws)}
    dims = ("beta", "chain", "draw")
    posterior = xr.Dataset(
        {"energy": (dims, energies + offset), "magnetization": (dims, magnetizations)},
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


def _numeric_form(energy: Energy) -> tuple[Ising, NDArray, NDArray, float]:
    """Return the Ising form, J, h and the constant it leaves out."""
    form = energy.ising_form() if isinstance(energy, Energy) else None
    if form is None:
        raise ValueError(
            f"simulate: {type(energy).__name__} is no pairwise energy of two-valued variables. Use "
            "pm.sample, which has samplers for the others."
        )
    try:
        J, h = (np.asarray(form.parameters[name].eval(mode=PY)) for name in ("J", "h"))
    except Exception:
        raise ValueError(
            "simulate: the energy's parameters are symbolic. Pass numbers; use pm.sample for "
            "random parameters."
        ) from None
    offset = 0.0
    if energy.states == (0, 1):
        all_low = np.zeros(form.graph.shape)
        offset = float((energy(all_low) - form(all_low - 1)).eval(mode=PY))
    return form, J, h, offset


def _multi_spin(graph: Any, J: NDArray, beta: float, rng: np.random.Generator) -> tuple:
    """Return what advances, measures and unpacks 64 replicas."""
    replicas = MultiSpin(graph, beta * J, rng)
    strength = float(np.abs(J.reshape(-1)[0]))

    def measure() -> tuple[NDArray, NDArray]:
        satisfied, total = replicas.measure()
        return -strength * satisfied, total / graph.n_vertices

    return replicas.sweep, measure, replicas.spins


def _one_replica(
    graph: Any, J: NDArray, h: NDArray, beta: float, method: str, rng: np.random.Generator
) -> tuple:
    """Return what advances, measures and shows one replica."""
    n = graph.n_vertices
    x = np.where(rng.random(n) < rng.random(), 1, -1).astype(np.int8)
    field = np.ascontiguousarray(np.broadcast_to(beta * h, graph.shape), dtype=float).reshape(-1)
    sweeper = HeatBath(graph, beta * J)
    clusters = SwendsenWang(graph, beta * J) if method == "swendsen_wang" else None
    state = kernels.xoshiro.seed_state(rng)
    first, second = np.ascontiguousarray(graph.edges.T, dtype=np.int32)

    def advance(sweeps: int) -> None:
        if clusters is None:
            sweeper.sweep(x, field, sweeps, state)
            return
        for _ in range(sweeps):
            clusters.sweep(x, field, 1, state)
            sweeper.sweep(x, field, 1, state)

    def measure() -> tuple[NDArray, NDArray]:
        energy, magnetization = kernels.ising_energy.ising_energy(
            x, first, second, J.reshape(-1), h.reshape(-1)
        )
        return np.array([energy]), np.array([magnetization])

    return advance, measure, lambda: x[None]


def _chunks(total: int, size: int) -> Iterator[int]:
    """Split a number of sweeps, so that progress can be shown and a run interrupted."""
    while total > 0:
        yield min(size, total)
        total -= size
