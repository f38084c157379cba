"""Many replicas of a discrete model at many temperatures."""

from __future__ import annotations

import time
import warnings

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import xarray as xr

from numpy.typing import ArrayLike, NDArray
from rich.progress import Progress

from pymc_ebm.energies.energy import Energy
from pymc_ebm.forward.agreement import describe_disagreement
from pymc_ebm.forward.records import Records
from pymc_ebm.forward.replicas import OneReplica, Parameters, Replicas, ReplicasInWords
from pymc_ebm.moves.multi_spin import REPLICAS

Method = Literal["auto", "multi_spin", "heat_bath", "swendsen_wang"]
METHODS = ("auto", "multi_spin", "heat_bath", "swendsen_wang")


def simulate(
    energy: Energy,
    *,
    betas: ArrayLike = 1.0,
    chains: int = 64,
    draws: int = 1000,
    tune: int = 1000,
    thin: int = 1,
    method: Method = "auto",
    initval: ArrayLike | None = None,
    schedule: ArrayLike | None = None,
    random_seed: Any = None,
    progressbar: bool = True,
) -> xr.DataTree:
    """Simulate many replicas of a pairwise discrete model at known parameters.

    Observables are computed while the replicas run, so memory does not grow with
    ``draws × spins``. Chains that disagree at the end are warned about, with what they show.

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
        ``"swendsen_wang"`` makes one cluster update and one heat-bath sweep a sweep.
        ``"multi_spin"`` is a heat bath that holds 64 replicas in the bits of a word; it needs equal
        coupling strengths (any signs), no field, and four or six neighbours everywhere, is some
        fifty times faster a sweep, and does not cross between phases. ``"heat_bath"`` fits all.
        ``"auto"``: clusters where the couplings are unfrustrated, else multi-spin coding where it
        fits, else heat bath.
    initval : array_like, shape ``(..., *graph.shape)``, optional
        States to start from; leading axes broadcast against (betas, chains), so
        ``runs["last_state"]["state"]`` of an earlier run fits. By default random, each replica at
        a magnetisation of its own.
    schedule : array_like, shape (steps,) or (betas, steps), optional
        Inverse temperatures that are passed through while tuning, ``tune / steps`` sweeps at each:
        ``np.outer(betas, np.linspace(0, 1, 50))`` anneals. Records are made at `betas`.
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
        was recorded so far, NaN elsewhere, and says how far it came; ``last_state`` then has the
        temperatures at which every chain has run.

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
    inverse = _checked_betas(betas)
    for name, value, least in (
        ("chains", chains, 1), ("draws", draws, 1), ("tune", tune, 0), ("thin", thin, 1)
    ):  # fmt: skip
        _require_count(name, value, least)
    parameters = Parameters.of(energy)
    chosen = _checked_method(method, parameters)
    start = _checked_states(initval, parameters, inverse.size, chains)
    stages = _stages(schedule, inverse, tune)
    rng = np.random.default_rng(random_seed)
    replicas: Replicas
    if chosen == "multi_spin":
        width, replicas = REPLICAS, ReplicasInWords(parameters, rng)
    else:
        width, replicas = 1, OneReplica(parameters, chosen == "swendsen_wang", rng)
    n = parameters.graph.n_vertices
    records = Records.empty(inverse.size, chains, draws, n)
    groups = [(b, c) for b in range(inverse.size) for c in range(0, chains, width)]
    total = len(groups) * (tune + draws * thin)
    started, done, t = time.perf_counter(), 0, 0
    where: tuple[int, int] | None = None
    try:
        with Progress(disable=not progressbar) as progress:
            task = progress.add_task(f"{chosen} × {chains}", total=total)
            for b, c in groups:
                where, t = (b, c), 0
                lanes = slice(c, min(c + width, chains))
                replicas.start(None if start is None else start[b, lanes])
                for beta, sweeps in stages[b]:
                    replicas.set_beta(beta)
                    for chunk in _chunks(sweeps, 64):
                        replicas.advance(chunk)
                        progress.advance(task, chunk)
                replicas.set_beta(inverse[b])
                for t in range(draws):
                    replicas.advance(thin)
                    records.note(b, lanes, t, replicas)
                    progress.advance(task, thin)
                done += (tune + draws * thin) * n * width
                records.keep(b, lanes, replicas)
                where = None
    except KeyboardInterrupt:
        _warn_of_interrupt(where, t, inverse, chains, draws, width)
    _warn_of_disagreement(records, inverse, parameters, chosen)
    speed = done / (time.perf_counter() - started)
    attrs = {"method": chosen, "updates_per_second": speed, "n_spins": n}
    return records.to_tree(inverse, parameters.graph.shape, attrs)


def _checked_betas(betas: ArrayLike) -> NDArray[np.float64]:
    inverse = np.atleast_1d(np.asarray(betas, dtype=float))
    if inverse.ndim != 1 or inverse.size == 0:
        raise ValueError(
            f"simulate: betas has shape {inverse.shape}; pass one inverse temperature or several, "
            "betas=[0.4, 0.5]."
        )
    wrong = inverse[~((inverse > 0) & np.isfinite(inverse))]
    if wrong.size:
        raise ValueError(f"simulate: betas contains {wrong[0]}; inverse temperatures are positive.")
    return inverse


def _require_count(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int | np.integer):
        raise ValueError(f"simulate: {name} must be a whole number, got {value!r}.")
    if value < least:
        raise ValueError(f"simulate: {name} must be {least} or more, got {value}.")


def _checked_method(method: str, parameters: Parameters) -> str:
    """Choose a method, or refuse the one asked for."""
    if method not in METHODS:
        raise ValueError(f"simulate: method={method!r} is none of {', '.join(METHODS)}.")
    why_no_words = parameters.why_no_words()
    if method == "multi_spin" and why_no_words:
        raise ValueError(
            f"simulate: multi-spin coding does not fit: {why_no_words}. Use 'heat_bath'."
        )
    if method != "auto":
        return method
    if parameters.why_no_clusters() is None:
        return "swendsen_wang"
    return "heat_bath" if why_no_words else "multi_spin"


def _checked_states(
    initval: ArrayLike | None, parameters: Parameters, betas: int, chains: int
) -> NDArray | None:
    """Return initial values, shape (betas, chains, n)."""
    if initval is None:
        return None
    values, shape = np.asarray(initval), parameters.graph.shape
    wanted = (betas, chains, *shape)
    try:
        whole = np.broadcast_to(values, wanted) if values.ndim >= len(shape) else None
    except ValueError:
        whole = None
    if whole is None or values.shape[values.ndim - len(shape) :] != shape:
        raise ValueError(
            f"simulate: initval has shape {values.shape}; pass {shape}, or with leading axes that "
            f"broadcast against {(betas, chains)} temperatures and chains."
        )
    wrong = values[~parameters.states.allowed(values)]
    if wrong.size:
        raise ValueError(
            f"simulate: initval contains {wrong.flat[0]}; states are {parameters.states}."
        )
    return whole.reshape(betas, chains, -1)


def _stages(
    schedule: ArrayLike | None, inverse: NDArray[np.float64], tune: int
) -> list[list[tuple[float, int]]]:
    """Return (beta, sweeps) of the tuning, a list for each temperature."""
    if schedule is None:
        return [[(beta, tune)] for beta in inverse]
    steps = np.asarray(schedule, dtype=float)
    if (
        steps.ndim not in (1, 2)
        or steps.size == 0
        or (steps.ndim == 2 and len(steps) != len(inverse))
    ):
        raise ValueError(
            f"simulate: schedule has shape {steps.shape}; pass (steps,), or a row for each of "
            f"{len(inverse)} betas."
        )
    if not np.all((steps >= 0) & np.isfinite(steps)):
        wrong = steps[~((steps >= 0) & np.isfinite(steps))][0]
        raise ValueError(f"simulate: schedule contains {wrong}; it holds inverse temperatures.")
    if steps.shape[-1] > tune:
        raise ValueError(
            f"simulate: schedule has {steps.shape[-1]} steps and tune={tune} sweeps are fewer. "
            f"Pass tune={10 * steps.shape[-1]}."
        )
    shares = [len(part) for part in np.array_split(np.arange(tune), steps.shape[-1])]
    rows = np.broadcast_to(steps, (len(inverse), steps.shape[-1]))
    return [list(zip(row.tolist(), shares, strict=True)) for row in rows]


def _warn_of_interrupt(
    where: tuple[int, int] | None, t: int, inverse: NDArray, chains: int, draws: int, width: int
) -> None:
    """Say how far an interrupted run came."""
    b, c = where or (0, 0)
    last = min(c + width, chains) - 1
    which = f"chain {c}" if last == c else f"chains {c} to {last}"
    warnings.warn(
        f"simulate: interrupted at beta = {inverse[b]:.4g} ({b + 1} of {len(inverse)}), {which} of "
        f'{chains}, about draw {t} of {draws}. What is missing is NaN; runs["last_state"] has the '
        "temperatures that were finished.",
        UserWarning,
        stacklevel=3,
    )


def _warn_of_disagreement(
    records: Records, inverse: NDArray, parameters: Parameters, method: str
) -> None:
    """Warn if chains do not show the same energies and order parameters."""
    order = {"magnetization": records.order}
    if parameters.symmetric:
        middle = np.mean(parameters.states[:1] + parameters.states[-1:])
        name = "|magnetization|" if middle == 0 else f"|magnetization - {middle:g}|"
        order = {name: np.abs(records.order - middle)}
    seen = describe_disagreement(inverse, {"energy": records.energy, **order})
    if seen is None:
        return
    way = 'Pass method="swendsen_wang"'
    if method == "swendsen_wang" or parameters.why_no_clusters() is not None:
        way = "Pass a larger tune= and draws=, or schedule=np.outer(betas, np.linspace(0, 1, 50))"
    warnings.warn(
        f"simulate: {seen}. Means over chains are not to be trusted there. {way}; between valleys "
        "that stay apart, ebm.ParallelTempering moves.",
        UserWarning,
        stacklevel=3,
    )


def _chunks(total: int, size: int) -> Iterator[int]:
    """Split a number of sweeps, so that progress can be shown and a run interrupted."""
    while total > 0:
        yield min(size, total)
        total -= size
