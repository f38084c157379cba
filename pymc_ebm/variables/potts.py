"""The Potts model as a PyMC random variable."""

from __future__ import annotations

from typing import Any

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import energies
from pymc_ebm.graphs import Graph
from pymc_ebm.variables.boltzmann import Boltzmann
from pymc_ebm.variables.declaration import naming


class Potts(Boltzmann):
    r"""States in {0, …, q-1} that like to agree with their neighbours, or not to.

    ``p(x) ∝ exp(β Σ_{(i,j)∈edges} J_ij 1[x_i = x_j] + β Σ_i h_i[x_i])``, each edge once. On the
    square lattice the transition is at ``βJ = log(1 + √q)``, continuous for q ≤ 4 and first order
    beyond.

    Parameters
    ----------
    name : str
        Name of the variable.
    J : tensor_like or scipy.sparse array
        With `graph`: a scalar, or one value an edge in the order of ``graph.edges``. Without: a
        symmetric matrix with an empty diagonal.
    h : tensor_like, shape (), (q,) or ``(..., *graph.shape, q)``
        Field: one value a state, the same everywhere or for each vertex.
    q : int
        Number of states, 2 to 127.
    graph : Graph, optional
        Which variables are coupled.
    beta : scalar tensor_like, default 1.0
        Inverse temperature, positive.
    shape : int or tuple of int, optional
        ``(*batch, *graph.shape)``; by default the graph's shape.
    dims : str or tuple of str, optional
        Names of the dimensions.
    observed : array_like of int, optional
        Data; leading dimensions beyond the graph's shape are independent observations.
    initval : array_like of int, optional
        Where chains start; by default random proportions of the states, others in each chain.
    log_partition : str, float, TensorVariable or callable, optional
        ``log Z``, needed where J, h or beta are random; see `Boltzmann`.
    **kwargs
        ``impute`` and what else `Boltzmann` takes.

    Raises
    ------
    MissingPartitionError
        If J, h or beta are random and no `log_partition` is given.
    ValueError
        For q < 2, a field of the wrong length, a J, shape or dims that do not fit the graph, or
        observations outside {0, …, q-1}.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     x = ebm.Potts("x", J=0.5, q=3, graph=ebm.Graph.square(3, 3))
    >>> pm.draw(x, random_seed=1).shape
    (3, 3)
    """

    @classmethod
    def dist(  # type: ignore[override]
        cls, J: Any, h: Any = 0.0, *, q: int, graph: Graph | None = None, **kwargs: Any
    ) -> TensorVariable:
        """Return the variable without registering it; arguments as for the class."""
        with naming(kwargs, "Potts"):
            energy = energies.Potts(J, h, q=q, graph=graph)
        return super().dist(energy, **kwargs)
