"""The general pairwise Markov random field as a PyMC random variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import energies
from pymc_ebm.graphs import Graph
from pymc_ebm.variables.boltzmann import Boltzmann
from pymc_ebm.variables.declaration import naming


class MarkovRandomField(Boltzmann):
    r"""Labels on the vertices of a graph, with a table for each edge.

    ``p(x) ∝ exp(β Σ_{(i,j)∈edges} J_ij T_ij[x_i, x_j] + β Σ_i f_i[x_i])``, each edge once. Vertices
    may have different numbers of states.

    Parameters
    ----------
    name : str
        Name of the variable.
    tables, fields, graph, n_states, J
        As for `energies.MarkovRandomField`.
    beta : scalar tensor_like, default 1.0
        Inverse temperature, positive.
    shape, dims, observed, initval, log_partition, impute
        As for `Boltzmann`. Leading dimensions of a parameter are rows: they align with those of
        `observed`, and each row has its own log Z.

    Raises
    ------
    MissingPartitionError
        If parameters are random and no `log_partition` is given.
    ValueError
        For tables, fields or data that do not fit.

    Examples
    --------
    >>> import numpy as np, pymc as pm, pymc_ebm as ebm
    >>> chain = ebm.Graph.from_edges([(k, k + 1) for k in range(4)])
    >>> stay = np.log(np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]))
    >>> with pm.Model() as hidden_markov_model:
    ...     x = ebm.MarkovRandomField("x", stay, graph=chain)
    ...     y = pm.Normal("y", mu=x, sigma=0.5, observed=[0.1, 0.2, 1.9, 2.1, 1.8])
    >>> pm.draw(x, random_seed=1).shape
    (5,)
    """

    @classmethod
    def dist(  # type: ignore[override]
        cls,
        tables: Any,
        fields: Any = 0.0,
        *,
        graph: Graph,
        n_states: int | Sequence[int] | None = None,
        J: Any = 1.0,
        hidden: Sequence[int] = (),
        **kwargs: Any,
    ) -> TensorVariable:
        """Return the variable without registering it; arguments as for the class."""
        with naming(kwargs, "MarkovRandomField"):
            energy = energies.MarkovRandomField(
                tables, fields, graph=graph, n_states=n_states, J=J, hidden=hidden
            )
        return super().dist(energy, **kwargs)
