"""Agreement of the chains' means within their own errors."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Result, Test, not_enough
from pymc_ebm.diagnostics.monte_carlo import p_of_squares
from pymc_ebm.diagnostics.series import Series

FEWEST_DRAWS = 50
REMEDY = (
    "The chains describe different distributions: do not average them. Look for basins, a "
    "metastable start, or too short a warm-up."
)


def check(evidence: Evidence) -> list[Result]:
    """Test that all chains have the same mean.

    With chain means ``m_c`` of the normal scores, their MCSEs ``e_c`` and the precision-weighted
    mean ``m``, ``Q = Σ_c (m_c − m)² / e_c²`` over ``C − 1`` is held against an F distribution; its
    second degree of freedom, a quarter of the smallest ESS of a chain, allows for errors that are
    estimates themselves.

    One a series.
    """
    results: list[Result] = []
    for s in evidence.moving:
        if s.chains < 2 or s.draws < FEWEST_DRAWS:
            results.append(
                not_enough(
                    "chain means", s.name, s.kind,
                    f"{s.chains} chain(s) of {s.draws} draws cannot be compared",
                    f"Run at least 2 chains of {FEWEST_DRAWS} draws.",
                )
            )  # fmt: skip
            continue
        results.append(
            Test(
                "chain means", s.name, s.kind, p_of_equal_means(s),
                "means agree within their errors", "means differ beyond their errors", REMEDY,
            )
        )  # fmt: skip
    return results


def p_of_equal_means(s: Series) -> float:
    """Return the probability of chain means at least so far apart, were they equal."""
    stuck = np.ptp(s.values, axis=1) == 0
    if stuck.any():
        return _p_of_stuck_chains(s.values, stuck)
    means = s.scores.mean(axis=1)
    variances = s.scores.var(axis=1, ddof=1)
    if len(np.unique(s.values)) == 2:  # a chain that met one of two states once has hardly any
        variances = np.full(s.chains, variances.mean())
    errors = np.sqrt(variances / s.chain_ess)
    weights = errors**-2
    center = np.sum(weights * means) / weights.sum()
    q = float(np.sum(weights * (means - center) ** 2))
    return p_of_squares(q, len(means) - 1, float(s.chain_ess.min()))


def _p_of_stuck_chains(values: NDArray, stuck: NDArray) -> float:
    """Chains that stand still disagree with chains that move, unless all stand at one value.

    A value that is rare everywhere may be missed by a chain without fault, so a moving chain
    speaks against a standing one only if it leaves that value often.
    """
    if stuck.all():
        return 0.0 if np.ptp(values) > 0 else 1.0
    standing = values[stuck][:, 0]
    if np.ptp(standing) > 0:
        return 0.0
    away = (values[~stuck] != standing[0]).mean(axis=1)
    visits = float(away.mean()) * values.shape[1] / 10  # ten draws to an independent one
    return float(np.exp(-visits * stuck.sum()))
