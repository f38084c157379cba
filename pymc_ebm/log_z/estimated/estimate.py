"""log Z with a standard error: annealing, integration, exchange."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import xarray as xr

from arviz_stats.base import array_stats
from numpy.typing import NDArray
from rich.progress import Progress
from scipy.interpolate import CubicSpline

from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.log_z.estimated.paths import AnnealingPath, LayersPath, PairwisePath, RealPath
from pymc_ebm.log_z.exact.problem import Problem, known_value, one_set
from pymc_ebm.tempering.ratios import bennett, bennett_influence

PILOT_POINTS = 41
PILOT_CHAINS = 64
SLOPE_STEP = 1e-4  # of t, over which a slope is taken
NODES = 25  # of an integral over t
RUNG_LENGTH = 0.6  # of the path between rungs: swaps are rejected about as one in three
FEWEST_RUNGS, MOST_RUNGS = 5, 24  # of a ladder
FEWEST_DRAWS = 40  # of an exchange run, for an autocorrelation to be seen
LEAST_ESS = 10.0


def estimate_log_partition(
    energy: Energy,
    *,
    beta: Any = 1.0,
    method: Literal["ais", "ti", "tempering"] = "ais",
    chains: int = 100,
    temperatures: int = 1000,
    draws: int = 2000,
    base: Literal["modes", "normal"] = "modes",
    random_seed: Any = None,
    progressbar: bool = True,
) -> xr.Dataset:
    r"""Estimate ``log Z = log Σ_x exp(−β E(x))`` (an integral for real variables).

    All methods walk a path from a density whose log Z is known: discrete variables with their
    fields alone, an RBM without its weights, or for real variables a normal fitted to pilot draws;
    where optimisation finds several modes, a mixture with one normal for each, as in `temper`.

    Parameters
    ----------
    energy : Energy
        Discrete and pairwise, an RBM, or real with a known event shape; without random parameters.
    beta : float, default 1.0
        Inverse temperature.
    method : {"ais", "ti", "tempering"}
        - ``"ais"``: annealed importance sampling; the schedule makes all steps equally long, as
          judged by a pilot run.
        - ``"ti"``: thermodynamic integration, ``∫ ⟨d log p_t/dt⟩ dt``, by a cubic spline.
        - ``"tempering"``: replica exchange along the path, and Bennett's ratios of neighbours. The
          choice where chains would not find all modes by annealing.
    chains : int, default 100
        Independent chains of ``"ais"`` and ``"ti"``.
    temperatures : int, default 1000
        Steps of ``"ais"``.
    draws : int, default 2000
        Rounds of ``"tempering"``, 40 or more; of ``"ti"``, records over all its nodes.
    base : {"modes", "normal"}, default "modes"
        ``"normal"`` does not look for modes of a real energy.
    random_seed : int or Generator, optional
        Source of randomness.
    progressbar : bool, default True
        Show progress.

    Returns
    -------
    Dataset
        ``log_z``, ``log_z_se``; ``ess`` (effective weights of ``"ais"``), and the schedule ``t``.

    Raises
    ------
    ValueError
        If the energy has random parameters, no sampler or does not grow far out; if fewer than 10
        weights are effective, in which case the standard error could not be trusted.

    See Also
    --------
    log_partition : exact, where that is possible.

    Notes
    -----
    A mode that neither pilot nor optimisers meet is missing from all three methods, and from their
    errors; `temper` says which are out of reach.

    References
    ----------
    Neal, R. M. (2001). Annealed importance sampling. Statistics and Computing 11, 125-139.
    Bennett, C. H. (1976). Journal of Computational Physics 22, 245-268.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> torus = ebm.energies.Ising(0.3, graph=ebm.Graph.square(8, 8))
    >>> found = ebm.estimate_log_partition(torus, temperatures=200, random_seed=1,
    ...                                    progressbar=False)
    >>> exact = float(ebm.log_partition(torus).eval())
    >>> bool(abs(found.log_z - exact) < 5 * found.log_z_se)
    True
    """
    if method not in ("ais", "ti", "tempering"):
        raise ValueError(
            f"estimate_log_partition: method={method!r} is none of ais, ti, tempering."
        )
    if base not in ("modes", "normal"):
        raise ValueError(f"estimate_log_partition: base={base!r} is neither 'modes' nor 'normal'.")
    least = {"chains": 2, "temperatures": 2, "draws": FEWEST_DRAWS if method == "tempering" else 2}
    for name, value in (("chains", chains), ("temperatures", temperatures), ("draws", draws)):
        if value != int(value) or value < least[name]:
            raise ValueError(
                f"estimate_log_partition: {name} must be {least[name]} or more, and whole, got "
                f"{value}."
            )
    rng = np.random.default_rng(random_seed)
    path = _path(energy, beta, base, rng)
    methods: dict[str, Callable[..., tuple]] = {
        "ais": _anneal,
        "ti": _integrate,
        "tempering": _exchange,
    }
    with Progress(disable=not progressbar) as progress:
        task = progress.add_task(f"log Z: {method}", total=None)
        if isinstance(path, RealPath):
            path.tune(min(chains, PILOT_CHAINS), rng)
        result = methods[method](
            path, rng, chains=chains, temperatures=temperatures, draws=draws,
            advance=lambda: progress.advance(task),
        )  # fmt: skip
    log_z, error, ess, t = result
    dataset = xr.Dataset(
        {"log_z": path.log_z_base + log_z, "log_z_se": error},
        coords={"t": t},
        attrs={"method": method, "chains": chains},
    )
    return dataset if ess is None else dataset.assign(ess=ess)


def _path(energy: Energy, beta: Any, base: str, rng: np.random.Generator) -> AnnealingPath:
    """Choose the path that fits an energy."""
    problem = Problem(energy, beta)
    random = [k for k, v in energy.parameters.items() if known_value(v) is None]
    inverse = known_value(problem.beta)
    if random or inverse is None:
        names = ", ".join(random) or "beta"
        raise ValueError(
            f"estimate_log_partition: {names} is symbolic. Pass numbers; for a posterior use "
            "log_partition= of the random variable."
        )
    batched = one_set(problem)
    if batched is not None:
        raise ValueError(f"estimate_log_partition: {batched}, so there is no one log Z.")
    if energy.event_shape is None:
        raise ValueError(
            "estimate_log_partition: this energy fits any shape; fix it with "
            "energy.with_event_shape((2,))."
        )
    if energy.states is None:
        return RealPath(energy, float(inverse), base, rng)
    if isinstance(energy, RBM) and inverse == 1.0:
        return LayersPath(energy)
    if problem.form is None:
        raise ValueError(
            f"estimate_log_partition: {type(energy).__name__} is discrete and not pairwise, and "
            "has no path. log_partition='enumerate' sums over all configurations if they are few."
        )
    return PairwisePath(problem)


def _length(
    path: AnnealingPath, rng: np.random.Generator, chains: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places on the path, and its thermodynamic length up to each, by a pilot run."""
    grid = np.linspace(0.0, 1.0, PILOT_POINTS) ** 2  # where a base is broad, most happens near 0
    path.start(min(chains, PILOT_CHAINS), rng)
    ones = np.ones(min(chains, PILOT_CHAINS))
    rates = []
    for t in grid:
        for _ in range(5):
            path.advance(t * ones)
        near = min(t, 1.0 - SLOPE_STEP)
        rates.append(path.change(near * ones, (near + SLOPE_STEP) * ones).std() / SLOPE_STEP)
    speed = np.array(rates)
    speed = np.maximum(speed, 0.02 * speed.max() + 1e-12)
    return grid, np.append(0.0, np.cumsum(np.diff(grid) * (speed[1:] + speed[:-1]) / 2))


def _equal_steps(
    path: AnnealingPath, rng: np.random.Generator, points: int, chains: int
) -> NDArray[np.float64]:
    """Space points on the path at equal thermodynamic length."""
    grid, length = _length(path, rng, chains)
    return np.interp(np.linspace(0.0, length[-1], points), length, grid)


def _anneal(
    path: AnnealingPath,
    rng: np.random.Generator,
    *,
    chains: int,
    temperatures: int,
    advance: Callable,
    **unused: Any,
) -> tuple:
    """Return log-mean of the weights, its error, the effective weights, and the schedule."""
    t = _equal_steps(path, rng, temperatures + 1, chains)
    path.start(chains, rng)
    ones, log_w = np.ones(chains), np.zeros(chains)
    for before, after in pairwise(t):
        log_w += path.change(before * ones, after * ones)
        path.advance(after * ones)
        advance()
    w = np.exp(log_w - log_w.max())
    ess = w.sum() ** 2 / (w**2).sum()
    if ess < min(LEAST_ESS, chains / 4):
        raise ValueError(
            f"estimate_log_partition: of {chains} weights {ess:.1f} are effective, too few for a "
            "standard error. Raise temperatures=, or use method='tempering'."
        )
    error = w.std(ddof=1) / w.mean() / np.sqrt(chains)
    return log_w.max() + np.log(w.mean()), error, ess, t


def _integrate(
    path: AnnealingPath,
    rng: np.random.Generator,
    *,
    chains: int,
    draws: int,
    advance: Callable,
    **unused: Any,
) -> tuple:
    """Return the integral of the mean slope, and its error from the chains' scatter."""
    t = _equal_steps(path, rng, NODES, chains)
    path.start(chains, rng)
    ones, records = np.ones(chains), max(draws // NODES, 4)
    mean = np.empty((NODES, chains))
    for k, node in enumerate(t):
        for _ in range(records // 2):
            path.advance(node * ones)
            advance()
        near = min(max(node, SLOPE_STEP), 1.0 - SLOPE_STEP)
        low, high = (near - SLOPE_STEP) * ones, (near + SLOPE_STEP) * ones
        slopes = np.zeros(chains)
        for _ in range(records):
            path.advance(node * ones)
            slopes += path.change(low, high) / (2 * SLOPE_STEP)
            advance()
        mean[k] = slopes / records
    weights = np.array([CubicSpline(t, row).integrate(0.0, 1.0) for row in np.eye(NODES)])
    by_chain = weights @ mean  # one integral a chain, and chains are independent
    return by_chain.mean(), by_chain.std(ddof=1) / np.sqrt(chains), None, t


def _exchange(
    path: AnnealingPath,
    rng: np.random.Generator,
    *,
    chains: int,
    draws: int,
    advance: Callable,
    **unused: Any,
) -> tuple:
    """Return the sum of Bennett's ratios along a ladder; its error counts autocorrelation."""
    grid, length = _length(path, rng, chains)
    # a replica crosses a short path in few swaps, if there are few rungs
    rungs = int(np.clip(np.ceil(length[-1] / RUNG_LENGTH) + 1, FEWEST_RUNGS, MOST_RUNGS))
    t = np.interp(np.linspace(0.0, length[-1], rungs), length, grid)
    path.start(rungs, rng)
    above, below = np.append(t[1:], 1.0), np.append(0.0, t[:-1])
    tune = draws // 4
    forward, backward = np.empty((draws, rungs)), np.empty((draws, rungs))
    for r in range(tune + draws):
        path.advance(t)
        up = path.change(t, above)  # log p_{k+1} − log p_k, of chain k
        down = path.change(t, below)
        swaps = np.arange(r % 2, rungs - 1, 2)
        accept = rng.random(swaps.size) < np.exp(np.minimum(0.0, up[swaps] + down[swaps + 1]))
        if r >= tune:
            forward[r - tune], backward[r - tune] = -up, down
        path.swap(swaps[accept])
        advance()
    log_z, influence = 0.0, np.zeros(draws)
    for k in range(rungs - 1):
        ratio = bennett(forward[:, k], backward[:, k + 1])
        log_z += ratio
        influence += bennett_influence(forward[:, k], backward[:, k + 1], ratio)
    error = array_stats.mcse(influence[None], chain_axis=0, draw_axis=1, method="mean")
    return log_z, float(error), None, t
