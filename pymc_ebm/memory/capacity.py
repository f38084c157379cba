"""How many patterns a network retrieves."""

from __future__ import annotations

import warnings

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from numpy.typing import NDArray
from rich.progress import Progress

from pymc_ebm.energies.associative_memory import RETRIEVED, AssociativeMemory
from pymc_ebm.energies.hopfield import Hopfield
from pymc_ebm.energies.learning_rules import Hebb, Rule, checked_rule

Patterns = NDArray[np.float64]


def capacity(
    rule: Rule | Callable[[Patterns], AssociativeMemory] | None = None,
    n: int | Sequence[int] = 1000,
    loads: float | Sequence[float] = (0.05, 0.1, 0.15, 0.2),
    *,
    networks: int = 10,
    cues: int = 20,
    noise: float = 0.0,
    patterns: Callable[[np.random.Generator, int, int], Any] | None = None,
    steps: int = 100,
    random_seed: Any = None,
    progressbar: bool = True,
) -> xr.Dataset:
    """Store patterns, show them again, and measure what comes back.

    Parameters
    ----------
    rule : Rule or callable, default Hebb()
        A learning rule of `energies.Hopfield`, or a function from patterns, shape (M, N), to any
        network with a `retrieve` method.
    n : int or sequence of int, default 1000
        Numbers N of entries.
    loads : float or sequence of float
        Loads ``α = M/N``.
    networks : int, default 10
        Networks of new patterns for each size and load, 2 or more: errors come from their scatter.
    cues : int, default 20
        Memories of each network that are shown.
    noise : float, default 0.0
        Share of a cue's entries whose sign is turned.
    patterns : callable, optional
        From a generator, M and N to patterns, shape (M, N); random signs by default.
    steps : int, default 100
        Steps of `retrieve` at most.
    random_seed : int or Generator, optional
        Source of randomness.
    progressbar : bool, default True
        Show progress.

    Returns
    -------
    Dataset
        ``overlap`` and ``retrieved`` (the share of cues that end with an overlap of .9 or more),
        shape (n, load), with standard errors ``overlap_se`` and ``retrieved_se``; by network
        ``overlap_of_network`` and ``retrieved_of_network``; ``patterns``, their numbers.

    Raises
    ------
    ValueError
        For loads that are not positive, fewer than two networks, or a noise outside [0, 1].

    See Also
    --------
    replica_overlap : what theory says for Hebb's rule.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> found = ebm.capacity(ebm.Hebb(), n=200, loads=[0.05, 0.3], networks=3, random_seed=1,
    ...                      progressbar=False)
    >>> bool(found.retrieved[0, 0] > 0.9), bool(found.retrieved[0, 1] < 0.5)
    (True, True)
    """
    build = _builder(rule)
    sizes, shares = np.atleast_1d(n).astype(int), np.atleast_1d(loads).astype(float)
    if (sizes < 2).any() or not (shares > 0).all():
        raise ValueError(
            f"capacity: sizes must be 2 or more and loads positive, got {sizes} and {shares}."
        )
    for name, value, least in (("networks", networks, 2), ("cues", cues, 1)):
        if value != int(value) or value < least:
            raise ValueError(f"capacity: {name} must be {least} or more, and whole, got {value}.")
    if not 0 <= noise <= 1:
        raise ValueError(f"capacity: noise is a share of entries, from 0 to 1, got {noise}.")
    draw = _random_signs if patterns is None else patterns
    rng = np.random.default_rng(random_seed)
    counts = np.maximum(np.round(sizes[:, None] * shares), 1).astype(int)
    overlap = np.empty((*counts.shape, int(networks)))
    retrieved = np.empty_like(overlap)
    with Progress(disable=not progressbar) as progress:
        task = progress.add_task("retrieving", total=overlap.size)
        for place in np.ndindex(*overlap.shape):
            m, size = int(counts[place[:2]]), int(sizes[place[0]])
            stored = np.asarray(draw(rng, m, size), dtype=float)
            shown = rng.choice(m, min(int(cues), m), replace=False)
            back = _overlaps(build(stored), stored, shown, noise, steps, rng)
            overlap[place], retrieved[place] = back.mean(), (back >= RETRIEVED).mean()
            progress.advance(task)
    dims = ("n", "load")
    root = np.sqrt(int(networks))
    return xr.Dataset(
        {
            "overlap": (dims, overlap.mean(axis=-1)),
            "overlap_se": (dims, overlap.std(axis=-1, ddof=1) / root),
            "retrieved": (dims, retrieved.mean(axis=-1)),
            "retrieved_se": (dims, retrieved.std(axis=-1, ddof=1) / root),
            "overlap_of_network": ((*dims, "network"), overlap),
            "retrieved_of_network": ((*dims, "network"), retrieved),
            "patterns": (dims, counts),
        },
        coords={"n": sizes, "load": shares},
        attrs={"noise": float(noise), "cues": int(cues)},
    )


def _builder(rule: Any) -> Callable[[Patterns], AssociativeMemory]:
    """Return a function from patterns to a network."""
    if rule is None or isinstance(rule, Rule):
        chosen = checked_rule(Hebb() if rule is None else rule)

        def build(stored: Patterns) -> AssociativeMemory:
            with warnings.catch_warnings():  # that there are too many is what is measured
                warnings.simplefilter("ignore", UserWarning)
                return Hopfield(stored, rule=chosen)

        return build
    if callable(rule) and not (isinstance(rule, type) and issubclass(rule, Rule)):
        return rule
    checked_rule(rule)
    raise AssertionError


def _random_signs(rng: np.random.Generator, m: int, n: int) -> Patterns:
    return np.asarray(2.0 * rng.integers(0, 2, (m, n)) - 1.0, float)


def _overlaps(
    network: AssociativeMemory | Any, stored: Patterns, shown: NDArray, noise: float, steps: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:  # fmt: skip
    """Return the cosine between each shown memory and what came back, shape (len(shown),)."""
    cues, n = stored[shown].copy(), stored.shape[1]
    for cue in cues:
        turned = rng.choice(n, round(noise * n), replace=False)
        cue[turned] *= -1
    back = network.retrieve(cues, steps=steps, random_seed=rng)["state"].to_numpy()
    lengths = np.linalg.norm(back, axis=1) * np.linalg.norm(stored[shown], axis=1)
    return np.asarray((back * stored[shown]).sum(axis=1) / np.maximum(lengths, 1e-300))
