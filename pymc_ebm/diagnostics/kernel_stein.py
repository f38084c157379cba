"""Kernel Stein tests: any difference from the density, not only in chosen moments."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from scipy.stats import norm

from pymc_ebm.diagnostics.block_bootstrap import bootstrapped, evenly_spaced
from pymc_ebm.diagnostics.discrete_target import DiscreteDraws
from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import FEWEST_EVENTS, Result, Test, not_enough
from pymc_ebm.diagnostics.monte_carlo import mean_and_error
from pymc_ebm.diagnostics.real_target import RealDraws

FEWEST_DRAWS = 50
MOST_DRAWS = 800  # in the quadratic test: 800² kernel values
MOST_NUMBERS = 400_000  # draws times sites times states, which a matrix product goes over
MOST_COORDINATES = 200
MOST_SITES = 1024
SCALE = 0.5  # of the median distance: wider kernels see means and spreads only
REMEDY = (
    "The draws are not from this density. The named direction is where they differ most; compare "
    "it with a longer run of another step method."
)


@dataclass(frozen=True)
class SteinTest:
    """The result of a kernel Stein test.

    Parameters
    ----------
    statistic : float
        The squared kernel Stein discrepancy, per draw.
    p_value : float
        Probability of a larger one for draws of the density with this autocorrelation.
    direction : int
        The coordinate or site with the largest part in it.
    share : float
        That part.
    """

    statistic: float
    p_value: float
    direction: int
    share: float


def check(evidence: Evidence) -> list[Result]:
    """Test the draws against the density itself.

    One for all real variables together, one for each discrete variable.
    """
    results: list[Result] = []
    reals = evidence.reals
    if reals is not None and reals.x.shape[-1] <= MOST_COORDINATES:
        if reals.x.shape[1] < FEWEST_DRAWS:
            results.append(_too_short("real variables", reals.x.shape[1]))
        else:
            test = stein_test(reals.x, reals.score, random_seed=evidence.rng)
            results.append(_result("real variables", test, _wording(reals, test)))
    for draws in evidence.discretes:
        if draws.x.shape[1] < 20:
            results.append(_too_short(draws.name, draws.x.shape[1]))
            continue
        found = discrete_stein_test(draws, random_seed=evidence.rng)
        if found is not None:
            results.append(_result(draws.name, found, f"site {draws.sites[found.direction]}"))
    return results


def stein_test(
    x: NDArray,
    score: NDArray,
    *,
    method: str = "quadratic",
    random_seed: int | np.random.Generator = 0,
) -> SteinTest:
    """Test whether draws come from the density that has the given score.

    With the inverse multiquadric kernel ``k(x, y) = (1 + |x − y|² / ℓ²)^{-1/2}`` on coordinates in
    units of their spread, ``ℓ`` half the median distance, and
    ``κ(x, y) = s(x)·s(y) k + s(x)·∇_y k + s(y)·∇_x k + ∇_x·∇_y k``, whose mean over independent
    draws of the density is zero.

    Parameters
    ----------
    x : ndarray, shape (chains, draws, d)
        Draws.
    score : ndarray, shape (chains, draws, d)
        ``∇ log p`` at the draws.
    method : {"quadratic", "linear"}
        "quadratic" averages κ over all pairs of thinned draws and takes the null distribution from
        a wild bootstrap of blocks several autocorrelation times long; "linear" averages it over
        pairs half a chain apart, uses every draw, and sees less.
    random_seed : int or numpy.random.Generator, default 0
        Of the bootstrap.

    Returns
    -------
    SteinTest

    Raises
    ------
    ValueError
        For shapes that differ, or another method.

    References
    ----------
    Chwialkowski, K., Strathmann, H. and Gretton, A. (2016). A kernel test of goodness of fit.
    ICML. Gorham, J. and Mackey, L. (2017). Measuring sample quality with kernels. ICML. Leucht, A.
    and Neumann, M. H. (2013). Dependent wild bootstrap for degenerate U- and V-statistics. JMVA.

    Examples
    --------
    >>> import numpy as np
    >>> from pymc_ebm.diagnostics.kernel_stein import stein_test
    >>> x = np.random.default_rng(1).normal(size=(4, 500, 2))
    >>> bool(stein_test(x, -x).p_value > 0.01)  # the standard normal
    True
    >>> bool(stein_test(1.3 * x, -1.3 * x).p_value < 0.01)  # draws that are too wide
    True
    """
    if x.shape != score.shape or x.ndim != 3:
        raise ValueError(
            f"stein_test: x has shape {x.shape} and score {score.shape}; both must be "
            "(chains, draws, d)."
        )
    if method not in ("quadratic", "linear"):
        raise ValueError(f"stein_test: method={method!r} is neither 'quadratic' nor 'linear'.")
    rng = np.random.default_rng(random_seed)
    spread = x.reshape(-1, x.shape[-1]).std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    x, score = x / spread, score * spread
    scale = _median_distance(x)
    if method == "linear":
        return _linear_test(x, score, scale)
    kept, tau = evenly_spaced(np.concatenate([score, x * score], axis=-1), MOST_DRAWS)
    flat, force = (v[:, kept].reshape(-1, v.shape[-1]) for v in (x, score))
    kernel, parts = _imq_stein_kernel(flat, force, scale)
    return _judged(parts, *bootstrapped(kernel, x.shape[0], tau, rng))


def discrete_stein_test(
    draws: DiscreteDraws, *, random_seed: int | np.random.Generator = 0
) -> SteinTest | None:
    """Test whether discrete draws have the conditional distributions of their model.

    ``κ(x, y) = Σ_i exp(−|x_{−i} ≠ y_{−i}| / ℓ) Σ_a r_ia(x) r_ia(y)`` with the surprise
    ``r_ia(x) = 1[x_i = a] − p(x_i = a | x_{−i})`` and ℓ the median Hamming distance: the heat-bath
    identity for all functions g in the kernel's space at once. Its terms are bounded, which those
    with ratios of probabilities (Yang et al. 2018) are not.

    References
    ----------
    Yang, J., Liu, Q., Rao, V. and Neville, J. (2018). Goodness-of-fit testing for discrete
    distributions via Stein discrepancy. ICML.
    """
    rng = np.random.default_rng(random_seed)
    q, size = len(draws.values), draws.x.shape[0] * draws.x.shape[1]
    spread = np.sum(draws.probability * (1 - draws.probability), axis=-1)
    # a state of which a handful is expected has a skewed sum, which random signs do not imitate
    most = int(np.clip(MOST_NUMBERS // (spread.shape[-1] * q), 40 * draws.x.shape[0], MOST_DRAWS))
    looked_at = np.flatnonzero(spread.mean(axis=(0, 1)) * min(most, size) >= FEWEST_EVENTS)
    if not len(looked_at):
        return None
    if len(looked_at) > MOST_SITES:
        looked_at = np.sort(rng.choice(looked_at, MOST_SITES, replace=False))
    sites = draws.sites[looked_at]
    surprise, logs = draws.surprise[..., looked_at, :], draws.log_probability[..., looked_at, :]
    total = np.einsum("cnsa,cnsa->cn", surprise, np.maximum(logs, -50.0))
    kept, tau = evenly_spaced(np.stack([total, surprise[..., 0].sum(axis=-1)], axis=-1), most)
    x = draws.x[:, kept].reshape(-1, draws.x.shape[-1])[:, sites]
    surprise = surprise[:, kept].reshape(len(x), len(sites), q)
    one_hot = (x[..., None] == np.arange(q)).astype(np.float32)
    surprise = surprise.astype(np.float32)
    equal = one_hot.reshape(len(x), -1) @ one_hot.reshape(len(x), -1).T
    distance = len(sites) - equal
    off = distance[np.triu_indices(len(x), 1)]
    scale = max(float(np.median(off)), 1.0)
    flat = surprise.reshape(len(x), -1)
    same = np.zeros((len(x), len(x)), dtype=np.float32)
    for b in range(q):  # pairs whose entry i is the same state b
        chosen = (surprise * one_hot[..., b, None]).reshape(len(x), -1)
        same += chosen @ chosen.T
    kept_apart = np.exp(1 / scale)  # where x_i ≠ y_i the distance of the others is one less
    envelope = np.exp(-distance / scale)
    kernel = envelope * (kept_apart * (flat @ flat.T) + (1 - kept_apart) * same)
    mean_surprise = envelope @ flat / len(x)
    parts = (mean_surprise * flat).reshape(len(x), len(sites), q).sum(axis=(0, 2))
    test = _judged(parts, *bootstrapped(kernel, draws.x.shape[0], tau, rng))
    return replace(test, direction=int(looked_at[test.direction]))


def _imq_stein_kernel(x: NDArray, score: NDArray, scale: float) -> tuple[NDArray, NDArray]:
    """Return κ for all pairs, and how much of its mean each coordinate makes up."""
    d = x.shape[1]
    squares = np.sum(x**2, axis=1)
    distance = np.maximum(squares[:, None] + squares[None] - 2 * x @ x.T, 0.0) / scale**2
    k = 1 / np.sqrt(1 + distance)
    cubed = k**3 / scale**2
    along = score @ x.T  # s(x_a)·x_b
    own = np.diag(along)
    # ∇_y k = (x − y) k³/ℓ², ∇_x k is its negative
    drift = own[:, None] - along + (own[None] - along.T)
    trace = cubed * d - 3 * distance * k**5 / scale**2
    kernel = k * (score @ score.T) + cubed * drift + trace
    # the mean of κ coordinate by coordinate, Σ_ab C_ab (y_a − y_b)(z_a − z_b) multiplied out
    fifth = 3 * k**5 / scale**4
    parts = np.sum(score * (k @ score), axis=0) + cubed.sum()
    parts += 2 * np.sum(x * score * cubed.sum(axis=1, keepdims=True) - x * (cubed @ score), axis=0)
    parts -= 2 * np.sum(x**2 * fifth.sum(axis=1, keepdims=True) - x * (fifth @ x), axis=0)
    parts /= len(x) ** 2
    return kernel, parts


def _linear_test(x: NDArray, score: NDArray, scale: float) -> SteinTest:
    """Average κ over pairs of draws half a chain apart; the mean is asymptotically normal."""
    half = x.shape[1] // 2
    a, b = x[:, :half], x[:, half : 2 * half]
    s, t = score[:, :half], score[:, half : 2 * half]
    gap = a - b
    distance = np.sum(gap**2, axis=-1) / scale**2
    k = 1 / np.sqrt(1 + distance)
    cubed = k**3 / scale**2
    terms = (
        k[..., None] * s * t
        + cubed[..., None] * gap * (s - t)
        + cubed[..., None]
        - 3 * gap**2 / scale**4 * k[..., None] ** 5
    )
    values = terms.sum(axis=-1)
    mean, error, _ess = mean_and_error(values)
    return _judged(terms.mean(axis=(0, 1)), mean, float(norm.sf(mean / error)))


def _judged(parts: NDArray, statistic: float, p_value: float) -> SteinTest:
    """Name the direction with the largest part in the statistic."""
    parts = np.maximum(parts, 0.0)
    direction = int(np.argmax(parts))
    share = float(parts[direction] / max(parts.sum(), 1e-300))
    return SteinTest(statistic, p_value, direction, share)


def _median_distance(x: NDArray) -> float:
    flat = x.reshape(-1, x.shape[-1])
    some = flat[np.linspace(0, len(flat) - 1, min(len(flat), 300)).astype(int)]
    return SCALE * float(np.median(pdist(some))) or 1.0


def _wording(draws: RealDraws, test: SteinTest) -> str:
    j = test.direction
    x, score = draws.x[..., j], draws.score[..., j]
    spread = float(np.mean((x - x.mean()) * score))
    if abs(spread + 1) < 0.05:
        return draws.names[j]
    return f"{draws.names[j]}, where the draws are too {'wide' if spread < -1 else 'narrow'}"


def _result(quantity: str, test: SteinTest, where: str) -> Test:
    return Test(
        "kernel Stein",
        quantity,
        "model",
        test.p_value,
        "no difference from the density",
        f"the draws differ from the density, most along {where} ({test.share:.0%})",
        REMEDY,
    )


def _too_short(quantity: str, draws: int) -> Result:
    why = f"{draws} draws a chain"
    return not_enough("kernel Stein", quantity, "model", why, f"Draw {FEWEST_DRAWS}.")
