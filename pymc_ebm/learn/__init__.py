"""Learning an energy from data: one method a file, and the loop that they share."""

from pymc_ebm.learn.cd import CD
from pymc_ebm.learn.denoising_score_matching import DenoisingScoreMatching
from pymc_ebm.learn.fitting import fit
from pymc_ebm.learn.maximum_likelihood import MaximumLikelihood
from pymc_ebm.learn.noise_contrastive import NoiseContrastive
from pymc_ebm.learn.pcd import PCD
from pymc_ebm.learn.pseudo_likelihood import PseudoLikelihood
from pymc_ebm.learn.ratio_matching import RatioMatching
from pymc_ebm.learn.result import FitResult
from pymc_ebm.learn.saving import load
from pymc_ebm.learn.score_matching import ScoreMatching
from pymc_ebm.learn.scoring import score
from pymc_ebm.learn.tempered_pcd import TemperedPCD
from pymc_ebm.learn.two_samples import two_sample

__all__ = [
    "CD",
    "PCD",
    "DenoisingScoreMatching",
    "FitResult",
    "MaximumLikelihood",
    "NoiseContrastive",
    "PseudoLikelihood",
    "RatioMatching",
    "ScoreMatching",
    "TemperedPCD",
    "fit",
    "load",
    "score",
    "two_sample",
]
