"""The Hopfield network as a PyMC random variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import energies
from pymc_ebm.boltzmann import Boltzmann, BoltzmannRV
from pymc_ebm.declaration import LogPartition


class Hopfield(Boltzmann):
    r"""Spins in {-1, +1} with Hebb weights from patterns.

    ``p(s) ∝ exp(½ β sᵀ W s + β bᵀ s)``, ``W = (1/N) Σ_μ ξ^μ ξ^μᵀ`` with an empty diagonal.

    Parameters
    ----------
    name : str
        Name of the variable.
    patterns : tensor_like, shape (M, N)
        The patterns ξ.
    b : tensor_like, shape () or (N,)
        Bias.
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
        What else `Boltzmann` takes.

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

    rv_type = BoltzmannRV
    rv_op = Boltzmann.rv_op  # PyMC's metaclass does not inherit it

    def __new__(  # type: ignore[misc]
        cls,
        name: str,
        patterns: Any,
        b: Any = 0.0,
        *,
        beta: Any = 1.0,
        shape: int | Sequence[int] | None = None,
        dims: str | Sequence[str] | None = None,
        observed: Any = None,
        initval: Any = None,
        log_partition: LogPartition = None,
        **kwargs: Any,
    ) -> TensorVariable:
        """Register the variable in the model on the context stack."""
        try:
            energy = energies.Hopfield(patterns, b)
        except ValueError as error:
            raise ValueError(str(error).replace("Hopfield:", f"Hopfield {name!r}:", 1)) from None
        return super().__new__(
            cls,
            name,
            energy,
            beta=beta,
            shape=shape,
            dims=dims,
            observed=observed,
            initval=initval,
            log_partition=log_partition,
            **kwargs,
        )

    @classmethod
    def dist(  # type: ignore[override]
        cls, patterns: Any, b: Any = 0.0, *, beta: Any = 1.0, **kwargs: Any
    ) -> TensorVariable:
        """Return the variable without registering it.

        Parameters
        ----------
        patterns, b, beta
            As for the class; `patterns` may be an energy that was built already.
        **kwargs
            ``shape``, ``log_partition`` and what `pymc.Distribution.dist` takes.
        """
        if not isinstance(patterns, energies.Energy):
            patterns = energies.Hopfield(patterns, b)
        return super().dist(patterns, beta=beta, **kwargs)
