"""Variables of the model that the trace does not hold."""

from __future__ import annotations

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, not_enough

REMEDY = "Pass the whole trace (pm.sample's var_names= drops variables), or the model it is of."


def check(evidence: Evidence) -> list[Finding]:
    """Say which variables cannot be judged, and that the density cannot be without them."""
    why = "the trace has no draws of it, so that the draws of the others fit any model"
    return [not_enough("variables", name, "variable", why, REMEDY) for name in evidence.missing]
