"""Probes: minima that optimisation finds, what they weigh, and how the chains occupy them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from numpy.typing import NDArray
from scipy.special import logsumexp

from pymc_ebm.diagnostics.basin_weights import FEWEST_EFFECTIVE, BasinWeights, weigh
from pymc_ebm.diagnostics.basins import Basins, descend, merge
from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, Result, Test, judge
from pymc_ebm.diagnostics.proposals import Product, Student, products_at, student_at
from pymc_ebm.diagnostics.real_target import RealDraws

STARTS = 64
RADII = (3.0, 10.0, 30.0, 100.0)  # in standard deviations of the draws
OUTLIERS = 16  # draws of largest density, and as many that lie far from each other
MIRRORED = 32  # draws whose images −x and sign changes of a coordinate are starts
SWEEPS = 20
LOOKED_AT = 400  # draws whose minima count as seen
PROPOSED = 600  # from each minimum
MOST_COORDINATES = 60  # whose curvature is worth as many gradients
MOST_MINIMA = 12
MOST_SITES = 1024
THRESHOLD = 0.01  # of the probability
REMEDY = (
    "The chains missed a mode: sample with tempering (ebm.temper, ebm.ParallelTempering), or start "
    "chains in it (initvals=) to see whether they ever leave."
)
MISWEIGHED = (
    "The chains enter the mode too seldom or too often: check that they cross (relaxation time), "
    "and sample with tempering from a base that knows each mode, or start chains in each."
)


def check(evidence: Evidence) -> list[Result]:
    """Descend from dispersed points, weigh all basins, and compare with the draws.

    Done with ``probe=True`` only. One finding a variable (one for all real ones): the probability
    of basins that no draw leads to. One test a basin: that draws occupy it as its weight says.
    """
    if not evidence.probe:
        return []
    results: list[Result] = []
    for basins in evidence.basins:
        if not basins.informative:
            continue  # there are more minima than draws: an unseen one means nothing
        draws = next((d for d in evidence.discretes if d.name == basins.variable), None)
        if draws is not None:
            results += _states(draws, basins, evidence.rng)
        else:
            assert evidence.reals is not None
            results += _reals(evidence.reals, basins, evidence.rng)
    return results


def _reals(draws: RealDraws, known: Basins, rng: np.random.Generator) -> list[Result]:
    """Weigh minima by Student's t around each."""
    if draws.x.shape[-1] > MOST_COORDINATES:
        why = f"more than {MOST_COORDINATES} coordinates: minima were not weighed"
        return [_fact(known.variable, why)]
    minima, found = minima_of_reals(draws, known, rng)
    if not len(minima):
        return [_fact(known.variable, "no descent found a minimum")]
    proposals = [student_at(draws, minimum) for minimum in minima]

    def density(x: NDArray) -> NDArray[np.float64]:
        return np.array([draws.density(u)[0] for u in x])

    weights = _weighed(proposals, density, draws.x, draws.log_density, rng)
    unseen = weights.occupancy == 0
    weight = float(weights.share[unseen].sum())
    error = float(np.sqrt(np.sum((weights.share * weights.relative_error)[unseen] ** 2)))
    certain = weight - 2 * error > THRESHOLD or weight > 10 * THRESHOLD
    value = weight if certain else min(weight, THRESHOLD)
    words = (int((~unseen).sum()), int(unseen.sum()), weight, error, found)
    return [_unseen(known.variable, value, *words), *_occupied(known.variable, weights)]


def minima_of_reals(
    draws: RealDraws, known: Basins, rng: np.random.Generator
) -> tuple[NDArray, int]:
    """Return the minima of largest estimated mass, shape (k, d), and the number of descents.

    Starts lie 3, 10, 30 and 100 standard deviations away in random directions; at the draws of
    largest density and at those farthest from each other, which a narrow mode that was entered once
    is among; and at mirror images of draws.
    """
    d = draws.x.shape[-1]
    flat = draws.x.reshape(-1, d)
    center, spread = flat.mean(axis=0), np.maximum(flat.std(axis=0), 1e-12)
    directions = rng.normal(size=(STARTS, d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radii = np.tile(RADII, STARTS // len(RADII))[:, None] * np.sqrt(d)
    highest = np.argsort(draws.log_density, axis=None)[-OUTLIERS:]
    some = flat[rng.integers(len(flat), size=MIRRORED)]
    flips = np.where(rng.random(some.shape) < 0.5, -1, 1)
    flips[: MIRRORED // 2] = -1
    dispersed = center + radii * directions * spread
    starts = np.concatenate([dispersed, flat[highest], _apart(flat / spread, flat), some * flips])
    ends, energies = descend(draws, starts)
    everything = np.concatenate([known.minima, ends])
    minima, _labels = merge(everything, np.concatenate([known.energies, energies]), spread)
    minima = minima[: 3 * MOST_MINIMA]
    masses = [draws.density(m)[0] + np.linalg.slogdet(student_at(draws, m).root)[1] for m in minima]
    largest = np.sort(np.argsort(masses)[::-1][:MOST_MINIMA])
    return minima[largest], len(starts)


def _apart(scaled: NDArray, flat: NDArray) -> NDArray:
    """Return draws each of which is the farthest from those before."""
    chosen = [0]
    distance = np.full(len(flat), np.inf)
    for _ in range(OUTLIERS):
        distance = np.minimum(distance, np.sum((scaled - scaled[chosen[-1]]) ** 2, axis=1))
        chosen.append(int(np.argmax(distance)))
    return flat[chosen[1:]]


def _states(draws: DiscreteDraws, known: Basins, rng: np.random.Generator) -> list[Result]:
    """Weigh minima by their single-site excitations and, where these suffice, by a bridge."""
    weight, seen, new = unseen_states(draws, rng)
    results: list[Result] = [_unseen(draws.name, weight, seen, len(new), weight, np.nan, STARTS)]
    minima = np.concatenate([known.minima, new[: MOST_MINIMA - known.count]]).astype(np.int8)
    n = draws.x.shape[-1]
    if len(minima) < 2 or len(draws.sites) < n or n > MOST_SITES:
        return results
    proposals = products_at(draws, minima)

    def density(x: NDArray) -> NDArray[np.float64]:
        return draws.given.log_densities(np.ascontiguousarray(x))

    log_p = density(draws.x.reshape(-1, n)).reshape(draws.x.shape[:2])
    return results + _occupied(draws.name, _weighed(proposals, density, draws.x, log_p, rng))


def unseen_states(
    draws: DiscreteDraws, rng: np.random.Generator
) -> tuple[float, int, NDArray[np.int8]]:
    """Return the estimated share of minima that no draw leads to, the number seen, the new ones.

    Short heat-bath runs start from random proportions of the states. A minimum's weight is
    ``exp(−E)`` times what its single-site excitations add, ``Π_i Σ_a exp(−ΔE_ia)``.
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
    seen = np.unique(given.descend(np.ascontiguousarray(some)), axis=0)
    known = {row.tobytes() for row in seen}
    new = np.array([r for r in np.unique(ends, axis=0) if r.tobytes() not in known], dtype=np.int8)
    new = new.reshape(-1, n)
    if not len(new):
        return 0.0, len(seen), new
    # a new minimum next to a known one is the same phase, met at another excitation
    apart = np.array([(seen == row).mean(axis=1).max() for row in new]) < 0.9
    log_new = _log_state_mass(draws, new)
    together = np.concatenate([_log_state_mass(draws, seen), log_new])
    weight = float(np.exp(logsumexp(log_new[apart]) - logsumexp(together))) if apart.any() else 0.0
    return weight, len(seen), new[apart][np.argsort(-log_new[apart])]


def _log_state_mass(draws: DiscreteDraws, minima: NDArray[np.int8]) -> NDArray[np.float64]:
    given = draws.given
    weights = given.log_weights(minima)
    chosen = minima[:, draws.sites][..., None].astype(int)
    own = np.take_along_axis(weights, chosen, axis=-1)
    return given.log_densities(minima) + logsumexp(weights - own, axis=-1).sum(axis=1)


def _weighed(
    proposals: Sequence[Student | Product],
    density: Callable[[NDArray], NDArray],
    x: NDArray,
    log_p: NDArray,
    rng: np.random.Generator,
) -> BasinWeights:
    """Weigh the cells of proposals; x (chains, draws, n), log_p (chains, draws)."""
    points = [proposal.sample(PROPOSED, rng) for proposal in proposals]
    at_points = np.stack([density(p) for p in points])
    at_points = np.where(np.isfinite(at_points), at_points, -np.inf)
    log_q = np.stack([[q.log_density(p) for q in proposals] for p in points])
    log_q_of_draws = np.stack([q.log_density(x) for q in proposals], axis=-1)
    return weigh(at_points, np.moveaxis(log_q, 1, -1), log_p, log_q_of_draws)


def _occupied(variable: str, weights: BasinWeights) -> list[Result]:
    if len(weights.share) < 2:
        return []
    heavy = weights.share > THRESHOLD
    if weights.effective[heavy].min() < FEWEST_EFFECTIVE:
        return [
            _fact(variable, "basins are not of the shape that weighs them: shares not compared")
        ]
    return [
        Test(
            "basin weights", f"{variable}: minimum {k}", "model", float(p_value),
            f"its weight is {share:.1%} ± {share * error:.1%}, its share of the draws {seen:.1%}",
            f"its weight is {share:.1%} ± {share * error:.1%}, its share of the draws {seen:.1%}",
            MISWEIGHED,
        )
        for k, (share, error, seen, p_value) in enumerate(
            zip(
                weights.share, weights.relative_error, weights.occupancy, weights.p_value,
                strict=True,
            )
        )
    ]  # fmt: skip


def _unseen(
    variable: str, value: float, seen: int, new: int, weight: float, error: float, runs: int
) -> Finding:
    known = "" if np.isnan(error) else f" ± {error:.1%}"
    words = (
        f"{runs} dispersed runs: new minima {new}, known from the draws {seen}; the new ones have "
        f"about {weight:.1%}{known} of the probability"
    )
    return judge("unseen basins", variable, "model", value, words, words, REMEDY, at_most=THRESHOLD)


def _fact(variable: str, why: str) -> Finding:
    return Finding("basin weights", variable, "model", np.nan, np.nan, "info", why)
