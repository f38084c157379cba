"""Probes: short runs from dispersed points, for basins that the chains never saw."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray
from scipy.special import logsumexp

from pymc_ebm.diagnostics.basins import Basins, descend, merge
from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding
from pymc_ebm.diagnostics.real_target import RealDraws

STARTS = 64
RADII = (3.0, 10.0, 30.0, 100.0)  # in standard deviations of the draws
SWEEPS = 20
LOOKED_AT = 400  # draws whose minima count as seen
IMPORTANCE_DRAWS = 400
MOST_COORDINATES = 60  # whose curvature is worth as many gradients
THRESHOLD = 0.01  # of the probability
REMEDY = (
    "The chains missed a mode: sample with tempering (ebm.temper, ebm.ParallelTempering), or start "
    "chains in it (initvals=) to see whether they ever leave."
)


def check(evidence: Evidence) -> list[Finding]:
    """Descend from dispersed points and weigh the basins that no draw leads to.

    Parameters
    ----------
    evidence : Evidence
        With ``probe=True``; nothing is done otherwise.

    Returns
    -------
    list of Finding
        One a variable, or one for all real ones. Value: estimated probability of unseen basins.
    """
    if not evidence.probe:
        return []
    findings = []
    for basins in evidence.basins:
        if not basins.informative:
            continue  # there are more minima than draws: an unseen one means nothing
        draws = next((d for d in evidence.discretes if d.name == basins.variable), None)
        if draws is not None:
            weight, seen, unseen = unseen_states(draws, evidence.rng)
        else:
            assert evidence.reals is not None
            weight, seen, unseen = unseen_reals(evidence.reals, basins, evidence.rng)
        findings.append(_finding(basins.variable, weight, seen, unseen))
    return findings


def unseen_reals(
    draws: RealDraws, known: Basins, rng: np.random.Generator
) -> tuple[float, int, int]:
    """Estimate the probability of the basins that the chains have not visited.

    Starts lie 3, 10, 30 and 100 standard deviations away in random directions. A basin's weight is
    estimated by importance sampling from a Student t around its minimum, as wide as its curvature
    says (``∫_basin p ≈ mean(p / q)``).

    Parameters
    ----------
    draws : RealDraws
        The draws.
    known : Basins
        Those that the draws lead to.
    rng : numpy.random.Generator
        Randomness.

    Returns
    -------
    weight : float
        Share of the unseen basins in all that are known.
    seen, unseen : int
        How many there are of each.
    """
    d = draws.x.shape[-1]
    flat = draws.x.reshape(-1, d)
    center, spread = flat.mean(axis=0), np.maximum(flat.std(axis=0), 1e-12)
    directions = rng.normal(size=(STARTS, d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radii = np.tile(RADII, STARTS // len(RADII))[:, None] * np.sqrt(d)
    starts = center + radii * directions * spread
    ends, energies = descend(draws, starts)
    if not np.isfinite(energies).any():
        return 0.0, known.count, 0
    count = known.count
    everything = np.concatenate([known.minima, ends])
    minima, labels = merge(everything, np.concatenate([known.energies, energies]), spread)
    seen = set(labels[:count].tolist())
    log_weights = np.array([_log_mass(draws, minimum, rng) for minimum in minima])
    if not seen or not np.isfinite(log_weights).any():
        return 0.0, len(seen), len(minima) - len(seen)
    new = [k for k in range(len(minima)) if k not in seen and np.isfinite(log_weights[k])]
    if not new:
        return 0.0, len(seen), 0
    weight = float(np.exp(logsumexp(log_weights[new]) - logsumexp(log_weights)))
    return weight, len(seen), len(new)


def unseen_states(draws: DiscreteDraws, rng: np.random.Generator) -> tuple[float, int, int]:
    """Estimate the probability of the minima that no draw leads to.

    Short heat-bath runs start from random proportions of the states. A minimum's weight is
    ``exp(−E)`` times what its single-site excitations add, ``Π_i Σ_a exp(−ΔE_ia)``.

    Parameters
    ----------
    draws : DiscreteDraws
        The draws.
    rng : numpy.random.Generator
        Randomness.

    Returns
    -------
    weight, seen, unseen
        As for `unseen_reals`.
    """
    n, q = draws.x.shape[-1], len(draws.values)
    proportions = rng.dirichlet(np.full(q, 0.5), size=STARTS)
    # the pure states come first: they lie as far apart as any
    proportions[:q] = np.eye(q)
    uniform = rng.random((STARTS, n, 1))
    starts = (uniform > np.cumsum(proportions, axis=1)[:, None, :-1]).sum(axis=-1).astype(np.int8)
    given = draws.given
    mirrored = np.ascontiguousarray((q - 1 - draws.x[:, -1]).astype(np.int8))
    starts = np.concatenate([starts, mirrored])
    ends = given.descend(given.heat_bath(starts, SWEEPS if n * q <= 50_000 else 2, rng))
    flat = draws.x.reshape(-1, n)
    some = flat[rng.choice(len(flat), min(len(flat), LOOKED_AT), replace=False)]
    visited = given.descend(np.ascontiguousarray(some))
    seen = np.unique(visited, axis=0)
    candidates = np.unique(ends, axis=0)
    known = {row.tobytes() for row in seen}
    new = np.array([row for row in candidates if row.tobytes() not in known], dtype=np.int8)
    if not len(new):
        return 0.0, len(seen), 0
    log_seen, log_new = _log_state_mass(draws, seen), _log_state_mass(draws, new)
    overlap = _overlap(new, seen)
    # a new minimum next to a known one is the same phase, met at another excitation
    apart = overlap < 0.9
    if not apart.any():
        return 0.0, len(seen), 0
    together = np.concatenate([log_seen, log_new])
    weight = float(np.exp(logsumexp(log_new[apart]) - logsumexp(together)))
    return weight, len(seen), int(apart.sum())


def _overlap(new: NDArray, seen: NDArray) -> NDArray[np.float64]:
    """Return how much of each new configuration agrees with the nearest known one."""
    return np.array([(seen == row).mean(axis=1).max() for row in new])


def _log_state_mass(draws: DiscreteDraws, minima: NDArray[np.int8]) -> NDArray[np.float64]:
    given = draws.given
    densities = given.log_densities(minima)
    weights = given.log_weights(minima)
    chosen = minima[:, draws.sites][..., None].astype(int)
    own = np.take_along_axis(weights, chosen, axis=-1)
    return densities + logsumexp(weights - own, axis=-1).sum(axis=1)


def _log_mass(draws: RealDraws, minimum: NDArray, rng: np.random.Generator) -> float:
    """Return the log of the mass around a minimum, by importance sampling from a Student t."""
    d = len(minimum)
    height = draws.density(minimum)[0]
    spread = np.maximum(draws.x.reshape(-1, d).std(axis=0), 1e-12)
    if d > MOST_COORDINATES:
        return height
    step = 1e-4 * spread
    hessian = np.empty((d, d))
    for j in range(d):
        shift = np.zeros(d)
        shift[j] = step[j]
        up, down = draws.density(minimum + shift)[1], draws.density(minimum - shift)[1]
        hessian[j] = -(up - down) / (2 * step[j])
    hessian = (hessian + hessian.T) / 2
    roots, axes = np.linalg.eigh(hessian * np.outer(spread, spread))
    if not np.all(np.isfinite(roots)) or roots[0] <= 0:
        roots = np.maximum(roots, 1e-2)
    root = (axes / np.sqrt(roots)) * 1.2
    df = 5.0
    normal = rng.normal(size=(IMPORTANCE_DRAWS, d))
    mix = np.sqrt(df / rng.chisquare(df, size=(IMPORTANCE_DRAWS, 1)))
    z = normal * mix
    points = minimum + (z @ root.T) * spread
    log_q = (
        -(df + d) / 2 * np.log1p(np.sum(z**2, axis=1) / df)
        - np.sum(np.log(1.2 / np.sqrt(roots)))
        - np.sum(np.log(spread))
    )
    log_p = np.array([draws.density(u)[0] for u in points])
    log_p = np.where(np.isfinite(log_p), log_p, -np.inf)
    mass = float(logsumexp(log_p - log_q) - np.log(IMPORTANCE_DRAWS))
    return mass if np.isfinite(mass) else -np.inf


def _finding(variable: str, weight: float, seen: int, unseen: int) -> Finding:
    passed = weight < THRESHOLD
    return Finding(
        "unseen basins",
        variable,
        "model",
        weight,
        THRESHOLD,
        "pass" if passed else "fail",
        f"{STARTS} dispersed runs: new minima {unseen}, known from the draws {seen}; the new ones "
        f"have about {weight:.1%} of the probability",
        "" if passed else REMEDY,
    )
