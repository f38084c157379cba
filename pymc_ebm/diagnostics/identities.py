"""Identities that hold for every correct chain, whatever the normalising constant.

They see a biased kernel, which no comparison of chains can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm import kernels
from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import FEWEST_EVENTS, Result, Test, not_enough
from pymc_ebm.diagnostics.monte_carlo import conditional_z_and_p, joint_p, z_and_p
from pymc_ebm.diagnostics.real_target import RealDraws

FEWEST_DRAWS = 20
ALL_PAIRS = 8  # coordinates up to which every pair has an identity
EVERY_SITE = 64
DIRECTIONS = 8  # in the joint test
EVENTS_TOGETHER = 400.0  # five in each of eighty batches
LOWEST_LOG = -50.0  # log-probability, in the energy's identity
ROUNDING = 1e-10  # of the largest weight
REMEDY = (
    "The draws are not from this density: a wrong acceptance, too large a step, another "
    "temperature, a missing term. Check the step method, and that this model is the one sampled."
)


def check(evidence: Evidence) -> list[Result]:
    """Test the Schwinger–Dyson identities of real and the heat-bath identities of discrete draws.

    For real coordinates and T = 1, ``E[∂_i E] = 0`` and ``E[(x_i − c_i) ∂_j E] = δ_ij``; for
    discrete ones ``E[g(x_{−i}) (1[x_i = a] − p(x_i = a | x_{−i}))] = 0`` for any g, of which
    ``⟨s_i⟩ = ⟨tanh f_i⟩`` and ``⟨s_i s_j⟩ = ⟨s_j tanh f_i⟩`` are special cases.

    One an identity, and one joint test of the coarsest.

    References
    ----------
    Callen, H. B. (1963). A note on Green functions and the Ising model. Physics Letters 4, 161.
    """
    results: list[Result] = []
    if evidence.reals is not None:
        results += _tested("real variables", dict(real_identities(evidence.reals)))
        results += _joint("real variables", joint_of_reals(evidence.reals))
    for draws in evidence.discretes:
        coarse = dict(heat_bath_identities(draws))
        results += _tested(draws.name, coarse | dict(site_identities(draws)))
        often = [c.values for c in coarse.values() if c.test()[2] >= EVENTS_TOGETHER]
        if often:  # batches with a few events each are far from normal
            results += _joint(draws.name, np.stack(often, axis=-1))
    return results


def real_identities(draws: RealDraws) -> Iterator[tuple[str, NDArray]]:
    """Write quantities whose mean is zero, shape (chains, draws) each."""
    x, score = _scaled(draws)
    d = x.shape[-1]
    for i, name in enumerate(draws.names):
        yield f"E[∂E] = 0 of {name}", score[..., i]
        yield f"E[x ∂E] = 1 of {name}", x[..., i] * score[..., i] + 1
    if d > 1:
        yield "equipartition of all", (x * score + 1).mean(axis=-1)
    if 1 < d <= ALL_PAIRS:
        for i in range(d):
            for j in range(d):
                if i != j:
                    name = f"E[x ∂'E] = 0 of {draws.names[i]}, {draws.names[j]}"
                    yield name, x[..., i] * score[..., j]


def joint_of_reals(draws: RealDraws) -> NDArray:
    """Return identities of coordinates, or of eight directions, shape (chains, draws, k).

    The directions of many coordinates are drawn blindly: those of largest variance in the sample
    would, by being chosen, have too large a variance.
    """
    x, score = _scaled(draws)
    d = x.shape[-1]
    axes = np.eye(d)
    if d > DIRECTIONS:
        axes = np.linalg.qr(np.random.default_rng(0).normal(size=(d, DIRECTIONS)))[0]
    along, force = x @ axes, score @ axes
    total = (x * score + 1).mean(axis=-1, keepdims=True)
    return np.concatenate([force, along * force + 1, total], axis=-1)


@dataclass(frozen=True)
class Identity:
    """A quantity ``Σ_i (w_i(x_i) − E[w_i | x_{−i}])``, whose mean is zero for any weights w.

    `values`, `variance` and `fourth` are the quantity and its second and fourth moments given
    everything else, shape (chains, draws); `exact` says that no cross terms add to the variance.
    """

    values: NDArray[np.float64]
    variance: NDArray[np.float64]
    fourth: NDArray[np.float64]
    exact: bool

    def test(self) -> tuple[float, float, float]:
        """Return z, the p-value, and how many events stand behind them."""
        return conditional_z_and_p(self.values, self.variance, self.fourth, self.exact)


def deviations(draws: DiscreteDraws, weights: NDArray) -> NDArray[np.float64]:
    """Return ``w_i(a) − E[w_i | x_{−i}]``, shape (chains, draws, sites, q), zero for rounding."""
    off = weights - np.sum(draws.probability * weights, axis=-1, keepdims=True)
    return np.where(np.abs(off) > ROUNDING * np.abs(weights).max(), off, 0.0)


def moments(draws: DiscreteDraws, off: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return each site's deviation and its conditional moments, shapes (chains, draws, sites)."""
    chosen = draws.x[..., draws.sites][..., None].astype(np.int64)
    values = np.take_along_axis(np.broadcast_to(off, draws.probability.shape), chosen, -1)[..., 0]
    squares = off**2
    variance = np.einsum("cnsa,cnsa->cns", draws.probability, squares)
    return values, variance, np.einsum("cnsa,cnsa->cns", draws.probability, squares**2)


def heat_bath_identities(draws: DiscreteDraws) -> Iterator[tuple[str, Identity]]:
    """Write sums over sites whose mean is zero."""
    q, n = len(draws.values), draws.x.shape[-1]
    levels = np.broadcast_to(draws.values.astype(float), draws.probability.shape)
    weights = {
        "energy": np.maximum(draws.log_probability, LOWEST_LOG),
        "certainty": draws.probability,
    }
    for a in range(q) if q > 2 else (1,):
        weights[f"frequency of {draws.values[a]}"] = np.broadcast_to(np.eye(q)[a], levels.shape)
    expected = draws.probability.sum(axis=(0, 1)) / draws.share
    rare = (expected < FEWEST_EVENTS).astype(float)  # of a site this depends on the others only
    weights["states that are rare"] = np.broadcast_to(rare, levels.shape)
    if len(draws.sites) > 1:
        x = draws.values.astype(float)[draws.x[..., draws.sites]]
        if q == 2 and len(draws.sites) == n:
            spins = 2.0 * draws.x - 1
            others = spins.prod(axis=-1, keepdims=True) * spins
            weights["parity"] = others[..., None] * np.eye(2)[1]
        rest = x.sum(axis=-1, keepdims=True) - x
        weights["pairs"] = (rest - rest.mean())[..., None] * levels
    here = np.ascontiguousarray(draws.x[..., draws.sites])
    for name, weight in weights.items():
        exact = len(draws.sites) == 1 or name == "states that are rare"
        sums = np.empty((3, *here.shape[:2]))
        kernels.identities.site_sums(here, draws.probability, weight, ROUNDING, *sums)
        yield name, Identity(sums[0], sums[1], sums[2], exact)


def site_identities(draws: DiscreteDraws) -> Iterator[tuple[str, Identity]]:
    """Write Callen's identities site by site and, for few sites, pair by pair."""
    n = len(draws.sites)
    if n > EVERY_SITE:
        return
    values = draws.values.astype(float)
    local, variance, fourth = moments(draws, deviations(draws, values[None, None, None]))
    for k, site in enumerate(draws.sites):
        yield f"site {site}", Identity(local[..., k], variance[..., k], fourth[..., k], True)
    if n <= ALL_PAIRS:
        x = values[draws.x[..., draws.sites]]
        for i, j in permutations(range(n), 2):
            other = x[..., j]
            yield (
                f"sites {draws.sites[i]}, {draws.sites[j]}",
                Identity(
                    other * local[..., i],
                    other**2 * variance[..., i],
                    other**4 * fourth[..., i],
                    True,
                ),
            )


def _scaled(draws: RealDraws) -> tuple[NDArray, NDArray]:
    """Return centred coordinates in units of their spread, and −score (∂E) in its inverse."""
    flat = draws.x.reshape(-1, draws.x.shape[-1])
    spread = flat.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return (draws.x - flat.mean(axis=0)) / spread, draws.score * spread


def _tested(owner: str, quantities: dict[str, NDArray] | dict[str, Identity]) -> list[Result]:
    results: list[Result] = []
    for name, quantity in quantities.items():
        values = quantity.values if isinstance(quantity, Identity) else quantity
        if values.shape[1] < FEWEST_DRAWS:
            why = f"{values.shape[1]} draws a chain"
            return [not_enough("identities", owner, "model", why, "Draw more.")]
        if isinstance(quantity, Identity):
            z, p_value, events = quantity.test()
        else:
            z, p_value, events = *z_and_p(quantity), np.inf
        if not events:
            continue  # the same for every state, as the energy of an RBM without weights
        results.append(
            Test(
                "identities", f"{owner}: {name}", "model", p_value, f"holds (z = {z:+.1f})",
                f"violated by {abs(z):.1f} standard errors: the draws are not from this density",
                REMEDY, events,
            )
        )  # fmt: skip
    return results


def _joint(owner: str, quantities: NDArray) -> list[Result]:
    if quantities.shape[1] < FEWEST_DRAWS or not quantities.shape[-1]:
        return []
    p_value = joint_p(quantities)
    if np.isnan(p_value):
        return []
    return [
        Test(
            "identities together", owner, "model", p_value, "hold together",
            "violated together: the draws are not from this density", REMEDY,
        )
    ]  # fmt: skip
