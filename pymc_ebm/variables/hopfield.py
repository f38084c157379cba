"""The Hopfield network as a PyMC random variable."""

from __future__ import annotations

from typing import Any

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import energies
from pymc_ebm.energies.learning_rules import Rule
from pymc_ebm.variables.boltzmann import Boltzmann
from pymc_ebm.variables.declaration import naming


class Hopfield(Boltzmann):
    r"""Spins in {-1, +1} with weights from patterns.

    ``p(s) ∝ exp(½ β sᵀ W s + β bᵀ s)``, the diagonal of W empty; ``W = (1/N) Σ_μ ξ^μ ξ^μᵀ`` by
    Hebb's rule.

    Parameters
    ----------
    name : str
        Name of the variable.
    patterns : tensor_like of {-1, +1}, shape (M, N)
        The patterns ξ.
    b : tensor_like, shape () or (N,)
        Bias.
    rule : Hebb, Storkey, PseudoInverse or Perceptron, default Hebb()
        How weights come from patterns.
    weights : tensor_like, shape (N, N), optional
        Weights instead of a rule, symmetric.
    beta : scalar tensor_like, default 1.0
        Inverse temperature, positive. Patterns are remembered for β > 1.
    shape : int or tuple of int, optional
        ``(*batch, N)``; by default ``(N,)``.
    dims : str or tuple of str, optional
        Names of the dimensions.
    observed : array_like of {-1, +1}, optional
        Data; leading dimensions are independent observations.
    initval : array_like of {-1, +1}, optional
        Where chains start.
    log_partition : str, float, TensorVariable or callable, optional
        ``log Z``, needed where parameters are random; see `Boltzmann`.
    **kwargs
        ``impute`` and what else `Boltzmann` takes.

    Raises
    ------
    MissingPartitionError
        If parameters are random and no `log_partition` is given.
    ValueError
        For patterns or biases that do not fit.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Hopfield("s", [[1, 1, -1, -1], [1, -1, 1, -1]], beta=2.0)
    >>> pm.draw(s, random_seed=1).shape
    (4,)
    """

    @classmethod
    def dist(  # type: ignore[override]
        cls,
        patterns: Any = None,
        b: Any = 0.0,
        *,
        rule: Rule | None = None,
        weights: Any = None,
        **kwargs: Any,
    ) -> TensorVariable:
        """Return the variable without registering it; arguments as for the class."""
        with naming(kwargs, "Hopfield"):
            energy = energies.Hopfield(patterns, b, rule=rule, weights=weights)
        return super().dist(energy, **kwargs)
