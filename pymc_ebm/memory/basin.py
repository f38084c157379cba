"""From how far away a memory is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from numpy.typing import NDArray

from pymc_ebm.energies.associative_memory import AssociativeMemory

LEVELS = np.linspace(0.0, 0.5, 11)
CURVES = 2000  # drawn, for the error of the radius


def basin(
    energy: AssociativeMemory,
    memory: int,
    *,
    wrong: Any = LEVELS,
    trials: int = 100,
    steps: int = 100,
    random_seed: Any = None,
) -> xr.Dataset:
    """Disturb a memory more and more, and see how often it is found again.

    Parameters
    ----------
    energy : Energy
        A network with a `retrieve` method.
    memory : int
        Which of its memories.
    wrong : array_like, default 0, .05, …, .5
        How far cues are from the memory, increasing: of spins, the share of wrong entries; of real
        entries, the standard deviation of normal noise, in units of the memory's own root mean
        square.
    trials : int, default 100
        Cues at each distance.
    steps : int, default 100
        Steps of `retrieve` at most.
    random_seed : int or Generator, optional
        Source of randomness.

    Returns
    -------
    Dataset
        ``retrieved`` (wrong,), the share of cues from which the memory is found, with
        ``retrieved_se``; ``radius``, the distance at which half of them are, by interpolation, with
        ``radius_se``: NaN if it lies outside the distances tried.

    Raises
    ------
    ValueError
        If there is no such memory, or the distances do not increase.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> patterns = np.random.default_rng(1).choice([-1, 1], (3, 100))
    >>> found = ebm.basin(ebm.energies.Hopfield(patterns), 0, trials=50, random_seed=1)
    >>> bool(found.radius > 0.3)
    True
    """
    if not isinstance(energy, AssociativeMemory):
        raise TypeError(f"basin: {type(energy).__name__} is no network with memories.")
    _, memories = energy._numbers()
    if isinstance(memory, bool) or memory != int(memory) or not 0 <= memory < len(memories):
        raise ValueError(f"basin: memory={memory!r}; the network has {len(memories)} memories.")
    levels = np.atleast_1d(np.asarray(wrong, float))
    spins, pattern = energy.states is not None, memories[int(memory)].astype(float)
    if (np.diff(levels) <= 0).any() or levels[0] < 0 or (spins and levels[-1] > 1):
        raise ValueError(
            f"basin: wrong={levels} must increase from 0 or more"
            + (" to 1 at most, shares of entries." if spins else ".")
        )
    if trials != int(trials) or trials < 2:
        raise ValueError(f"basin: trials must be 2 or more, and whole, got {trials}.")
    rng, trials = np.random.default_rng(random_seed), int(trials)
    disturb = _turned if spins else _shaken
    cues = np.concatenate([disturb(pattern, level, trials, rng) for level in levels])
    back = energy.retrieve(cues, steps=steps, random_seed=rng)
    right = (back["memory"] == int(memory)).to_numpy()
    if spins:  # the reverse of a memory is another state
        right &= back["overlap"].to_numpy()[:, int(memory)] > 0
    hits = right.reshape(len(levels), trials).sum(axis=1)
    curves = rng.beta(hits + 1, trials - hits + 1, (CURVES, len(levels)))
    radii = np.array([_halfway(levels, curve) for curve in curves])
    return xr.Dataset(
        {
            "retrieved": ("wrong", hits / trials),
            "retrieved_se": ("wrong", curves.std(axis=0)),
            "radius": _halfway(levels, hits / trials),
            "radius_se": float(np.nanstd(radii)) if np.isfinite(radii).any() else np.nan,
        },
        coords={"wrong": levels},
        attrs={"memory": int(memory), "trials": trials},
    )


def _turned(
    pattern: NDArray[np.float64], level: float, trials: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    cues = np.tile(pattern, (trials, 1))
    for cue in cues:
        cue[rng.choice(pattern.size, round(level * pattern.size), replace=False)] *= -1
    return cues


def _shaken(
    pattern: NDArray[np.float64], level: float, trials: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    scale = level * np.sqrt((pattern**2).mean())
    return pattern + scale * rng.standard_normal((trials, pattern.size))


def _halfway(levels: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Return where a falling curve crosses one half; NaN if it does not."""
    falling = np.minimum.accumulate(shares)
    if falling[0] < 0.5 or falling[-1] > 0.5:
        return float("nan")
    k = int(np.argmax(falling <= 0.5))
    if k == 0:
        return float(levels[0])
    high, low = falling[k - 1], falling[k]
    return float(levels[k - 1] + (levels[k] - levels[k - 1]) * (high - 0.5) / (high - low))
