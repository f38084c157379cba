"""Maximum likelihood, with the gradient of an exact log Z."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.method import Descent, GraphDescent, Method, known_shape
from pymc_ebm.learn.rows import Rows
from pymc_ebm.log_z.exact import log_partition
from pymc_ebm.log_z.exact.log_partition import METHODS, seconds_of_exact


@dataclass(frozen=True)
class MaximumLikelihood(Method):
    """Maximise the mean log-likelihood, ``−⟨E⟩_data − log Z``, wherever log Z is exact.

    The gradient of log Z, ``−⟨∂E/∂θ⟩_model``, is exact, too: no chain, no bias.

    Parameters
    ----------
    log_partition : str, default "auto"
        How log Z is computed, see `pymc_ebm.log_partition`.

    Examples
    --------
    >>> import numpy as np, pymc as pm, pymc_ebm as ebm
    >>> coin = ebm.energies.Ising(0.0, [0.0], graph=ebm.Graph.from_edges([], 1))
    >>> flips = [[1], [1], [1], [-1]]
    >>> found = ebm.fit(coin, flips, method=ebm.MaximumLikelihood(), epochs=300, fixed="J",
    ...                 optimizer=pm.adam(learning_rate=0.1), progressbar=False)
    >>> bool(abs(found.energy.parameters["h"].eval()[0] - np.arctanh(0.5)) < 1e-3)
    True
    """

    log_partition: str = "auto"

    def __post_init__(self) -> None:
        """Check the method's name."""
        if self.log_partition not in ("auto", *METHODS):
            raise ValueError(
                f"MaximumLikelihood: log_partition={self.log_partition!r} is none of auto, "
                f"{', '.join(METHODS)}."
            )

    def obstacle(self, energy: Energy) -> str | None:
        """Ask whether log Z is exact."""
        if self.log_partition == "auto":
            if seconds_of_exact(energy) is not None:
                return None
            return f"log Z of this {type(energy).__name__} is not known exactly"
        try:
            log_partition(energy, method=self.log_partition)
        except ValueError as error:
            return str(error).removesuffix(".")
        return None

    def descent(self, learned: Learned, rows: Rows, rng: np.random.Generator) -> Descent:
        """Differentiate minus the mean log-likelihood."""
        energy = known_shape(learned.energy, rows)
        log_z = log_partition(energy, method=self.log_partition)
        return GraphDescent(learned, rows, lambda batch: energy(batch).mean() + log_z)
