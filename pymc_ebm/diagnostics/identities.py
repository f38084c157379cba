"""Identities that hold for every correct chain, whatever the normalising constant.

They see a biased kernel, which no comparison of chains can.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Result, Test, not_enough
from pymc_ebm.diagnostics.monte_carlo import joint_p, z_and_p
from pymc_ebm.diagnostics.real_target import RealDraws

FEWEST_DRAWS = 20
ALL_PAIRS = 8  # coordinates up to which every pair has an identity
EVERY_SITE = 64
DIRECTIONS = 8  # in the joint test
REMEDY = (
    "The draws are not from this density: a wrong acceptance, too large a step, another "
    "temperature, a missing term. Check the step method, and that this model is the one sampled."
)


def check(evidence: Evidence) -> list[Result]:
    """Test the Schwinger–Dyson identities of real and the heat-bath identities of discrete draws.

    For real coordinates and T = 1, ``E[∂_i E] = 0`` and ``E[(x_i − c_i) ∂_j E] = δ_ij``; for
    discrete ones ``E[g(x_{−i}) (1[x_i = a] − p(x_i = a | x_{−i}))] = 0`` for any g, of which
    ``⟨s_i⟩ = ⟨tanh f_i⟩`` and ``⟨s_i s_j⟩ = ⟨s_j tanh f_i⟩`` are special cases.

    Parameters
    ----------
    evidence : Evidence
        With `reals` or `discretes`.

    Returns
    -------
    list of Test
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
        results += _joint(draws.name, np.stack(list(coarse.values()), axis=-1))
    return results


def real_identities(draws: RealDraws) -> Iterator[tuple[str, NDArray]]:
    """Write quantities whose mean is zero, shape (chains, draws) each.

    Parameters
    ----------
    draws : RealDraws
        Coordinates and scores.
    """
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

    Parameters
    ----------
    draws : RealDraws
        Coordinates and scores.
    """
    x, score = _scaled(draws)
    d = x.shape[-1]
    axes = np.eye(d)
    if d > DIRECTIONS:
        axes = np.linalg.qr(np.random.default_rng(0).normal(size=(d, DIRECTIONS)))[0]
    along, force = x @ axes, score @ axes
    total = (x * score + 1).mean(axis=-1, keepdims=True)
    return np.concatenate([force, along * force + 1, total], axis=-1)


def heat_bath_identities(draws: DiscreteDraws) -> Iterator[tuple[str, NDArray]]:
    """Write sums over sites whose mean is zero, shape (chains, draws) each.

    Parameters
    ----------
    draws : DiscreteDraws
        State numbers and conditional probabilities.
    """
    surprise, q = draws.surprise, len(draws.values)
    values = draws.values.astype(float)
    size = surprise.shape[-2]
    yield "energy", np.einsum("cnsa,cnsa->cn", surprise, np.maximum(draws.log_probability, -50.0))
    yield "certainty", np.einsum("cnsa,cnsa->cn", surprise, draws.probability)
    for a in range(q) if q > 2 else (1,):
        yield f"frequency of {draws.values[a]}", surprise[..., a].sum(axis=-1)
    if size > 1:
        if q == 2 and size == draws.x.shape[-1]:
            spins = 2.0 * draws.x - 1
            parity = spins.prod(axis=-1)
            yield "parity", parity * np.einsum("cns,cns->cn", spins, surprise[..., 1])
        x = values[draws.x[..., draws.sites]]
        local = surprise @ values
        rest = x.sum(axis=-1, keepdims=True) - x
        yield "pairs", np.einsum("cns,cns->cn", rest - rest.mean(), local)


def site_identities(draws: DiscreteDraws) -> Iterator[tuple[str, NDArray]]:
    """Write Callen's identities site by site and, for few sites, pair by pair.

    Parameters
    ----------
    draws : DiscreteDraws
        State numbers and conditional probabilities.
    """
    n = len(draws.sites)
    if n > EVERY_SITE:
        return
    values = draws.values.astype(float)
    local = draws.surprise @ values
    for k, site in enumerate(draws.sites):
        yield f"site {site}", local[..., k]
    if n <= ALL_PAIRS:
        x = values[draws.x[..., draws.sites]]
        for i in range(n):
            for j in range(n):
                if i != j:
                    yield f"sites {draws.sites[i]}, {draws.sites[j]}", x[..., j] * local[..., i]


def _scaled(draws: RealDraws) -> tuple[NDArray, NDArray]:
    """Return centred coordinates in units of their spread, and −score (∂E) in its inverse."""
    flat = draws.x.reshape(-1, draws.x.shape[-1])
    spread = flat.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return (draws.x - flat.mean(axis=0)) / spread, draws.score * spread


def _tested(owner: str, quantities: dict[str, NDArray]) -> list[Result]:
    results: list[Result] = []
    for name, values in quantities.items():
        if values.shape[1] < FEWEST_DRAWS:
            why = f"{values.shape[1]} draws a chain"
            return [not_enough("identities", owner, "model", why, "Draw more.")]
        z, p_value = z_and_p(values)
        results.append(
            Test(
                "identities",
                f"{owner}: {name}",
                "model",
                p_value,
                f"holds (z = {z:+.1f})",
                f"violated by {abs(z):.1f} standard errors: the draws are not from this density",
                REMEDY,
            )
        )
    return results


def _joint(owner: str, quantities: NDArray) -> list[Result]:
    if quantities.shape[1] < FEWEST_DRAWS:
        return []
    p_value = joint_p(quantities)
    if np.isnan(p_value):
        return []
    return [
        Test(
            "identities together",
            owner,
            "model",
            p_value,
            "hold together",
            "violated together: the draws are not from this density",
            REMEDY,
        )
    ]
