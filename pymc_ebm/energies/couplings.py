"""Reading pairwise couplings and fields: the one place that checks them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytensor.tensor as pt

from pytensor import config
from pytensor.raise_op import Assert
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import as_parameter, constant_value
from pymc_ebm.graphs import Graph


def read_couplings(
    J: Any, graph: Graph | None, *, family: str, name: str
) -> tuple[Graph, TensorVariable]:
    """Turn couplings in any accepted form into a graph and per-edge (or scalar) values.

    Parameters
    ----------
    J : tensor_like or scipy.sparse array
        With a graph: a scalar, one value an edge ``(..., m)``, or a symmetric matrix whose
        non-zeros lie on the graph; an array of shape (n, n) is always read as a matrix. Without:
        a symmetric matrix.
    graph : Graph or None
        Where the couplings live.
    family, name : str
        What error messages call the energy and the parameter.

    Returns
    -------
    graph : Graph
    couplings : TensorVariable, shape () or (..., m)

    Raises
    ------
    ValueError
        For NaN or infinite values, a matrix that is not symmetric or has a diagonal, or sizes
        that do not match the graph.
    """
    what = f"{family}: {name}"
    if hasattr(J, "tocoo"):
        from scipy.sparse import coo_array, csr_array  # a tenth of a second to import

        coo = coo_array(J)
        coo.sum_duplicates()
        _require_square(coo.shape, what)
        bad = ~np.isfinite(coo.data)
        places = np.column_stack([coo.row, coo.col])
        _require_finite_entries(places[bad], coo.data[bad], what)
        difference = csr_array(coo - coo.T)
        difference.eliminate_zeros()
        _require_symmetric(np.column_stack(difference.nonzero()), coo.tocsr(), what)
        _require_no_diagonal(coo.diagonal(), what)
        upper = (coo.row < coo.col) & (coo.data != 0)
        found = Graph.from_edges(places[upper], coo.shape[0])
        return _place_on_graph(found, coo.data[upper], graph, what)

    constant = constant_value(pt.as_tensor_variable(J))
    if constant is not None and constant.ndim == 2:
        bad = ~np.isfinite(constant)
        _require_finite_entries(np.argwhere(bad), constant[bad], what)
    values = as_parameter(J, what)
    if graph is not None and values.ndim == 0:
        return graph, values
    is_matrix = graph is None or values.type.shape == (graph.n_vertices,) * 2
    if graph is not None and not is_matrix and values.type.shape[-1] == graph.n_edges:
        return graph, values
    if graph is not None and values.ndim == 1 and values.type.shape[-1] is None:
        return graph, values
    if values.ndim != 2:
        if graph is None:
            raise ValueError(
                f"{what} has shape {values.type.shape} and no graph was given. Pass "
                "graph=ebm.Graph.square(rows, columns) (or another), or a symmetric matrix."
            )
        raise ValueError(
            f"{what} has shape {values.type.shape}, and the graph has {graph.n_edges} edges over "
            f"{graph.n_vertices} vertices. Pass a scalar, one value an edge in the order of "
            f"graph.edges, or an ({graph.n_vertices}, {graph.n_vertices}) matrix."
        )
    _require_square(values.type.shape, what)
    if constant is not None:
        return _from_constant_matrix(np.asarray(constant, float), graph, what)
    n = values.type.shape[0] if graph is None else graph.n_vertices
    if n is None:
        raise ValueError(
            f"{what} is symbolic and its size is not known. Pass graph=ebm.Graph.complete(n)."
        )
    graph = Graph.complete(n) if graph is None else graph
    symmetric = pt.all(pt.eq(values, values.T))
    require = Assert(f"{what} is not symmetric. Pass (J + J.T) / 2 if that was meant.")
    checked = cast(TensorVariable, require(values, symmetric))
    return graph, checked[graph.edges[:, 0], graph.edges[:, 1]]


def read_field(h: Any, graph: Graph, *, family: str, name: str) -> TensorVariable:
    """Turn a field into a tensor that broadcasts against configurations.

    Parameters
    ----------
    h : tensor_like, shape () or ``(..., *graph.shape)``
        The field.
    graph : Graph
        Whose vertices it acts on.
    family, name : str
        What error messages call the energy and the parameter.

    Raises
    ------
    ValueError
        If the trailing shape is not the graph's.
    """
    values = pt.as_tensor_variable(h)
    if values.ndim == 0:
        return values
    trailing = values.type.shape[-len(graph.shape) :]
    if len(trailing) < len(graph.shape) or any(
        got is not None and got != want for got, want in zip(trailing, graph.shape, strict=True)
    ):
        raise ValueError(
            f"{family}: {name} has shape {values.type.shape}, and the graph has shape "
            f"{graph.shape}. Pass a scalar or one value a vertex in that shape."
        )
    return values


def _from_constant_matrix(
    matrix: np.ndarray, graph: Graph | None, what: str
) -> tuple[Graph, TensorVariable]:
    _require_symmetric(np.argwhere(matrix != matrix.T), matrix, what)
    _require_no_diagonal(np.diagonal(matrix), what)
    edges = np.column_stack(np.nonzero(np.triu(matrix)))
    found = Graph.from_edges(edges, len(matrix))
    return _place_on_graph(found, found.couplings_from_matrix(matrix), graph, what)


def _place_on_graph(
    found: Graph, values: np.ndarray, graph: Graph | None, what: str
) -> tuple[Graph, TensorVariable]:
    """Express couplings read from a matrix in the edge order of the user's graph, if any."""
    order = np.lexsort((found.edges[:, 1], found.edges[:, 0]))
    if graph is None:
        ordered = Graph.from_edges(found.edges[order], found.n_vertices)
        return ordered, pt.as_tensor_variable(np.asarray(values, config.floatX)[order])
    if graph.n_vertices != found.n_vertices:
        raise ValueError(
            f"{what} is a matrix over {found.n_vertices} vertices, and the graph has "
            f"{graph.n_vertices} (shape {graph.shape})."
        )
    n = graph.n_vertices
    position = {int(i * n + j): k for k, (i, j) in enumerate(graph.edges)}
    placed = np.zeros(graph.n_edges, config.floatX)
    for (i, j), value in zip(found.edges, values, strict=True):
        if int(i * n + j) not in position:
            raise ValueError(f"{what}[{i}, {j}] = {value:g}, but the graph has no such edge.")
        placed[position[int(i * n + j)]] = value
    return graph, pt.as_tensor_variable(placed)


def _require_square(shape: tuple[int | None, ...], what: str) -> None:
    if shape[0] != shape[1] and None not in shape:
        raise ValueError(f"{what} has shape {shape}; a matrix of couplings is square.")


def _require_finite_entries(places: np.ndarray, values: np.ndarray, what: str) -> None:
    """Raise at the first of the index pairs where a matrix is not finite."""
    if len(places):
        i, j = places[0]
        raise ValueError(f"{what}[{i}, {j}] = {values[0]}; couplings must be finite.")


def _require_symmetric(unequal: np.ndarray, matrix: Any, what: str) -> None:
    """Raise at the first of the index pairs where the matrix differs from its transpose."""
    if len(unequal):
        i, j = sorted(int(k) for k in unequal[0])
        symbol = what.split()[-1]
        raise ValueError(
            f"{what} is not symmetric ({symbol}[{i}, {j}] = {matrix[i, j]:g}, "
            f"{symbol}[{j}, {i}] = {matrix[j, i]:g}). "
            f"Pass ({symbol} + {symbol}.T) / 2 if that was meant."
        )


def _require_no_diagonal(diagonal: Any, what: str) -> None:
    bad = np.flatnonzero(diagonal)
    if bad.size:
        i = bad[0]
        raise ValueError(
            f"{what}[{i}, {i}] = {diagonal[i]:g} is a self-loop: the diagonal must be zero. "
            "A bias on one vertex is a field."
        )
