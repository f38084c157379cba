"""All methods by name: which fit an energy, and which is the first choice."""

from __future__ import annotations

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.cd import CD
from pymc_ebm.learn.denoising_score_matching import DenoisingScoreMatching
from pymc_ebm.learn.maximum_likelihood import MaximumLikelihood
from pymc_ebm.learn.method import Method, has_hidden_units
from pymc_ebm.learn.noise_contrastive import NoiseContrastive
from pymc_ebm.learn.pcd import PCD
from pymc_ebm.learn.pseudo_likelihood import PseudoLikelihood
from pymc_ebm.learn.ratio_matching import RatioMatching
from pymc_ebm.learn.score_matching import ScoreMatching
from pymc_ebm.learn.tempered_pcd import TemperedPCD
from pymc_ebm.log_z.exact.log_partition import seconds_of_exact

QUICK = 0.1  # seconds of an exact log Z that a step may take
METHODS: dict[str, Method] = {
    "MaximumLikelihood()": MaximumLikelihood(),
    "CD()": CD(),
    "PCD()": PCD(),
    "TemperedPCD()": TemperedPCD(ladder=(0.1, 0.4, 1.0)),
    "PseudoLikelihood()": PseudoLikelihood(),
    "ScoreMatching()": ScoreMatching(),
    "DenoisingScoreMatching(sigma=...)": DenoisingScoreMatching(1.0),
    "NoiseContrastive()": NoiseContrastive(),
    "RatioMatching()": RatioMatching(),
}


def fitting_methods(energy: Energy) -> list[str]:
    """Return how those that fit an energy are written."""
    return [name for name, method in METHODS.items() if method.why_not(energy) is None]


def choose_method(energy: Energy) -> Method:
    """Return maximum likelihood where log Z is quick, else PCD, or score matching of reals."""
    if has_hidden_units(energy):
        return PCD()
    seconds = seconds_of_exact(energy)
    if seconds is not None and seconds <= QUICK:
        return MaximumLikelihood()
    return ScoreMatching() if energy.states is None else PCD()
