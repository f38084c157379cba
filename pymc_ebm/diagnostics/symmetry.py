"""Symmetries: what the energy cannot tell apart, the sample must hold in equal parts."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Result, Test
from pymc_ebm.diagnostics.monte_carlo import z_and_p

REMEDY = (
    "The chains sit in one of several equivalent modes: use cluster moves or tempering. If one "
    "mode is meant, break the symmetry in the model (a field, an ordering)."
)


def check(evidence: Evidence) -> list[Result]:
    """Test that statistics which change sign under a symmetry have mean zero.

    One a symmetry; the meaning says how often the chains crossed.
    """
    results: list[Result] = []
    for symmetry in evidence.symmetries:
        columns = np.moveaxis(symmetry.odd, -1, 0)
        p_values = [z_and_p(column)[1] for column in columns]
        crossed = ""
        if symmetry.turns is not None:
            crossings = [sign_changes(chain) for chain in symmetry.turns]
            crossed = f"; chains crossed {min(crossings)} to {max(crossings)} times"
        results.append(
            Test(
                "symmetry", f"{symmetry.variable}: {symmetry.name}", "model",
                min(1.0, len(p_values) * min(p_values)), f"the sample has it{crossed}",
                f"the model has this symmetry and the sample has not{crossed}", REMEDY,
            )
        )  # fmt: skip
    return results


def sign_changes(values: NDArray) -> int:
    """Count the changes of sign, zeros skipped.

    Shapes: `values` (draws,).
    """
    signs = np.sign(values)
    signs = signs[signs != 0]
    return int(np.sum(signs[1:] != signs[:-1]))
