"""Part of a graph: some of its vertices and the edges between them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

import numpy as np

from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from pymc_ebm.graphs.graph import Graph


def subgraph(self: Graph, keep: ArrayLike) -> Graph:
    """Keep some vertices and the edges between them.

    Parameters
    ----------
    keep : array_like
        A mask of the graph's shape, or vertex numbers in the order wanted.

    Returns
    -------
    Graph
        With `names`: those of this graph if it has any, else vertex numbers, or tuples of
        coordinates where the shape has several axes.

    Examples
    --------
    >>> import numpy as np, pymc_ebm as ebm
    >>> disc = np.hypot(*np.mgrid[-2:3, -2:3]) < 2.3
    >>> graph = ebm.Graph.square(5, 5, periodic=False).subgraph(disc)
    >>> graph.n_vertices, graph.names[:2]
    (21, ((0, 1), (0, 2)))
    """
    given = np.asarray(keep)
    if given.dtype == bool:
        if given.shape != self.shape:
            raise ValueError(
                f"Graph.subgraph: the mask has shape {given.shape}, the graph {self.shape}."
            )
        given = np.flatnonzero(given)
    if not given.size:
        raise ValueError("Graph.subgraph: no vertex is kept.")
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise ValueError(
            "Graph.subgraph: pass a mask of dtype bool, or vertex numbers in one axis; got "
            f"dtype {given.dtype}, shape {given.shape}."
        )
    if given.min() < 0 or given.max() >= self.n_vertices:
        raise ValueError(
            f"Graph.subgraph: vertices run from 0 to {self.n_vertices - 1}, not from "
            f"{given.min()} to {given.max()}."
        )
    number = np.full(self.n_vertices, -1)
    number[given] = np.arange(len(given))
    pairs = number[self.edges]
    stay = (pairs >= 0).all(axis=1)
    weights = None if self.weights is None else self.weights[stay]
    if self.names is not None:
        names: list[Hashable] = [self.names[k] for k in given]
    elif len(self.shape) == 1:
        names = given.tolist()
    else:
        names = list(zip(*(a.tolist() for a in np.unravel_index(given, self.shape)), strict=True))
    return type(self)(pairs[stay], (len(given),), names, weights)
