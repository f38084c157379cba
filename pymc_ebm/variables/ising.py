"""The Ising model as a PyMC random variable."""

from __future__ import annotations

from typing import Any

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import energies
from pymc_ebm.graphs import Graph
from pymc_ebm.variables.boltzmann import Boltzmann
from pymc_ebm.variables.declaration import naming


class Ising(Boltzmann):
    r"""Spins in {-1, +1} with pairwise couplings and fields.

    ``p(s) ∝ exp(β Σ_{(i,j)∈edges} J_ij s_i s_j + β Σ_i h_i s_i)``, each edge once.

    Parameters
    ----------
    name : str
        Name of the variable.
    J : tensor_like or scipy.sparse array
        With `graph`: a scalar, or one value an edge in the order of ``graph.edges``. Without: a
        symmetric matrix with an empty diagonal. ``J > 0`` is ferromagnetic.
    h : tensor_like, shape () or ``(..., *graph.shape)``
        Field.
    graph : Graph, optional
        Which spins are coupled.
    beta : scalar tensor_like, default 1.0
        Inverse temperature, positive.
    shape : int or tuple of int, optional
        ``(*batch, *graph.shape)``; by default the graph's shape.
    dims : str or tuple of str, optional
        Names of the dimensions.
    observed : array_like of {-1, +1}, optional
        Data; leading dimensions beyond the graph's shape are independent observations.
    initval : array_like of {-1, +1}, optional
        Where chains start; by default a random magnetisation, another one in each chain.
    log_partition : str, float, TensorVariable or callable, optional
        ``log Z``, needed where J, h or beta are random; see `Boltzmann`.
    **kwargs
        ``impute`` and what else `Boltzmann` takes.

    Raises
    ------
    MissingPartitionError
        If J, h or beta are random and no `log_partition` is given.
    ValueError
        For a J that is not symmetric, not finite or does not fit the graph; for a shape or dims
        that do not; for observations outside {-1, +1}.

    See Also
    --------
    ChromaticGibbs : the sampler it gets by itself.
    energies.BoltzmannMachine : the same model in {0, 1} coding.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=0.4, graph=ebm.Graph.square(4, 4))
    >>> pm.draw(s, random_seed=1).shape
    (4, 4)
    """

    @classmethod
    def dist(  # type: ignore[override]
        cls, J: Any, h: Any = 0.0, *, graph: Graph | None = None, **kwargs: Any
    ) -> TensorVariable:
        """Return the variable without registering it; arguments as for the class."""
        with naming(kwargs, "Ising"):
            energy = energies.Ising(J, h, graph=graph)
        return super().dist(energy, **kwargs)
