"""R-hat: rank-normalised, local, multivariate and nested."""

from __future__ import annotations

import numpy as np

from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy.stats import f

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge, not_enough
from pymc_ebm.diagnostics.series import FEWEST_DRAWS, Series

THRESHOLD = 1.01  # Vehtari et al. (2021)
LOCAL_THRESHOLD = 1.03  # Moins et al. (2023)
LOST_CAUSE = 1.15  # no number of draws excuses more
CHANCE = 0.001  # of exceeding the threshold by noise alone, over all quantities
QUANTILES = np.linspace(0.05, 0.95, 19)
MOST_TOGETHER = 20  # quantities in the multivariate R-hat
REMEDY = (
    "Run longer. If it stays, the chains sit in different basins: use tempering or cluster moves, "
    "or look at each chain apart."
)


def check(evidence: Evidence) -> list[Finding]:
    """Compare the spread between chains with the spread within.

    For each series the larger of the rank-normalised and the folded R-hat, and the local one,
    the largest over 19 quantiles of R-hat of ``x ≤ quantile``; one multivariate for all
    together; nested R-hat where `superchains` are given. The threshold is the usual one, or
    what chance reaches with so few effective draws, whichever is larger: then the ESS check
    fails, and says so.

    References
    ----------
    Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Bürkner, P.-C. (2021). Rank-
    normalization, folding, and localization: an improved R-hat. Bayesian Analysis 16(2), 667-718.
    Moins, T., Arbel, J., Dutfoy, A. and Girard, S. (2023). On the use of a local R-hat to improve
    MCMC convergence diagnostic. Bayesian Analysis.
    Brooks, S. P. and Gelman, A. (1998). General methods for monitoring convergence of iterative
    simulations. JCGS 7, 434-455.
    Margossian, C. et al. (2024). Nested R-hat. Bayesian Analysis.
    """
    moving = evidence.moving
    findings: list[Finding] = []
    for s in moving:
        if s.chains < 2 or s.draws < FEWEST_DRAWS:
            findings.append(
                not_enough(
                    "R-hat", s.name, s.kind,
                    f"{s.chains} chain(s) of {s.draws} draws cannot be compared",
                    f"Run at least 2 chains of {FEWEST_DRAWS} draws.",
                )
            )  # fmt: skip
            continue
        value = float(array_stats.rhat(s.values, chain_axis=0, draw_axis=1))
        # an outlying half of a chain changes R-hat and folded R-hat: two looks at each quantity
        threshold = max(THRESHOLD, _by_chance(s, CHANCE / (2 * len(moving))))
        findings.append(_finding("R-hat", s.name, s.kind, value, threshold))
        if s.kind != "variable":
            looks = 2 * len(QUANTILES) * len(moving)
            threshold = max(LOCAL_THRESHOLD, _by_chance(s, CHANCE / looks))
            findings.append(_finding("local R-hat", s.name, s.kind, local_rhat(s), threshold))
        if evidence.superchains is not None and s.share == 1:
            findings.append(_nested(s, evidence.superchains))
    return findings + _together(moving)


def local_rhat(s: Series) -> float:
    """Return the largest R-hat of the indicators ``x ≤ quantile`` over 19 quantiles."""
    halves = _halves(s.values)
    cuts = np.unique(np.quantile(s.values, QUANTILES))
    worst = 1.0
    for cut in cuts:
        share = (halves <= cut).mean(axis=1)
        within = float(np.mean(share * (1 - share)))
        if within > 0:
            worst = max(worst, float(np.sqrt(1 + share.var(ddof=1) / within)))
        elif np.ptp(share) > 0:
            return np.inf
    return worst


def multivariate_rhat(values: NDArray) -> float:
    """Return R-hat of the linear combination on which the half-chains differ most.

    Shapes: `values` (chains, draws, k).
    """
    halves = np.stack([_halves(values[..., j]) for j in range(values.shape[-1])], axis=-1)
    means = halves.mean(axis=1)
    within = np.einsum("knj,knl->jl", halves - means[:, None], halves - means[:, None])
    within /= halves.shape[0] * (halves.shape[1] - 1)
    roots, axes = np.linalg.eigh(within)
    kept = roots > 1e-6 * roots[-1]
    whitened = (means - means.mean(axis=0)) @ axes[:, kept] / np.sqrt(roots[kept])
    between = whitened.T @ whitened / (len(means) - 1)
    return float(np.sqrt(1 + np.linalg.eigvalsh(between)[-1]))


def _together(moving: list[Series]) -> list[Finding]:
    chosen = [s for s in moving if s.share == 1 and not s.some_chain_constant][:MOST_TOGETHER]
    if len(chosen) < 2 or chosen[0].chains < 2 or chosen[0].draws < FEWEST_DRAWS:
        return []
    scores = np.stack([s.scores for s in chosen], axis=-1)
    value = multivariate_rhat(scores)
    half_chains = 2 * chosen[0].chains
    per_half = min(float(s.chain_ess.sum()) for s in chosen) / half_chains
    # the largest root of a Wishart matrix (Davidson & Szarek, 2001)
    spread = np.sqrt(len(chosen)) + np.sqrt(half_chains - 1) + np.sqrt(2 * np.log(1 / CHANCE))
    by_chance = float(np.sqrt(1 + spread**2 / (half_chains - 1) / per_half))
    threshold = min(max(THRESHOLD, by_chance), 1 + 2 * (LOST_CAUSE - 1))
    name = f"{len(chosen)} quantities"
    return [_finding("multivariate R-hat", name, "model", value, threshold)]


def _nested(s: Series, superchains: NDArray) -> Finding:
    value = float(
        array_stats.rhat_nested(s.values, superchain_ids=superchains, chain_axis=0, draw_axis=1)
    )
    return _finding("nested R-hat", s.name, s.kind, value, max(THRESHOLD, _by_chance(s, CHANCE)))


def _by_chance(s: Series, level: float) -> float:
    """Return the R-hat that half-chains of one distribution exceed with probability `level`."""
    half_chains = 2 * s.chains
    per_half = max(float(s.chain_ess.sum()) / half_chains, 3.0)
    ratio = float(f.isf(level, half_chains - 1, half_chains * (per_half - 1)))
    return min(float(np.sqrt(1 + (ratio - 1) / (per_half - 1))), LOST_CAUSE)


def _finding(check_name: str, quantity: str, kind: str, value: float, threshold: float) -> Finding:
    return judge(
        check_name, quantity, kind, value,
        "chains agree", "chains have not reached one distribution", REMEDY, at_most=threshold,
    )  # fmt: skip


def _halves(values: NDArray) -> NDArray:
    """Cut each chain in two, shape (2 chains, draws // 2)."""
    half = values.shape[1] // 2
    return np.concatenate([values[:, :half], values[:, -half:]])
