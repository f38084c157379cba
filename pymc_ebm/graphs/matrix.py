"""Symmetric matrices as edges and values: the one place that checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numpy.typing import NDArray

if TYPE_CHECKING:
    from pymc_ebm.graphs.graph import Graph

# what a diagonal entry means depends on the values an entry takes
CONSTANT = "for spins it is a constant. Pass {zeroed}; a bias on one vertex is a field"
BIAS = "v·v = v for values 0 and 1, so it is a bias. Pass {zeroed}, and add {diagonal} to the bias"


def matrix_entries(
    matrix: Any, what: str, diagonal: str = CONSTANT
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Read the non-zeros above the diagonal of a symmetric matrix, dense or sparse.

    Returns pairs ``i < j`` in row order, shape (m, 2), their values (m,), and n.
    """
    if hasattr(matrix, "tocoo"):
        from scipy.sparse import coo_array  # a tenth of a second to import

        coo = coo_array(matrix)
        coo.sum_duplicates()
        rows, columns, values, shape = coo.row, coo.col, coo.data, coo.shape
    else:
        dense = np.asarray(matrix)
        if dense.ndim != 2:
            raise ValueError(f"{what} has shape {dense.shape}; a matrix has two axes.")
        rows, columns = np.nonzero(dense)
        values, shape = dense[rows, columns], dense.shape
    if shape[0] != shape[1]:
        raise ValueError(f"{what} has shape {shape}; a matrix of couplings is square.")
    if np.iscomplexobj(values):
        raise ValueError(f"{what} is complex; couplings are real. Pass {what.split()[-1]}.real.")
    values = values.astype(float)
    rows, columns, n = rows.astype(np.int64), columns.astype(np.int64), int(shape[0])
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        i, j = rows[bad[0]], columns[bad[0]]
        raise ValueError(f"{what}[{i}, {j}] = {values[bad[0]]}; couplings must be finite.")
    stored = values != 0
    rows, columns, values = rows[stored], columns[stored], values[stored]
    _refuse_diagonal(rows, columns, values, what, diagonal, sparse=hasattr(matrix, "tocoo"))
    upper = rows < columns
    _require_symmetric(rows, columns, values, n, what)
    pairs, values = np.column_stack([rows[upper], columns[upper]]), values[upper]
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return pairs[order], values[order], n


def _refuse_diagonal(
    rows: NDArray, columns: NDArray, values: NDArray, what: str, diagonal: str, *, sparse: bool
) -> None:
    bad = np.flatnonzero(rows == columns)
    if bad.size:
        i, symbol = rows[bad[0]], what.split()[-1]
        entries = f"{symbol}.diagonal()" if sparse else f"np.diag({symbol})"
        build = "scipy.sparse.diags_array" if sparse else "np.diag"
        meaning = diagonal.format(zeroed=f"{symbol} - {build}({entries})", diagonal=entries)
        raise ValueError(
            f"{what}[{i}, {i}] = {values[bad[0]]:g} is a self-loop: the diagonal must be zero; "
            f"{meaning}."
        )


def _require_symmetric(rows: NDArray, columns: NDArray, values: NDArray, n: int, what: str) -> None:
    """Raise at the first pair whose two entries differ."""
    keys, back = rows * n + columns, columns * n + rows
    forth, mirrored = np.argsort(keys), np.argsort(back)
    if np.array_equal(keys[forth], back[mirrored]) and np.array_equal(
        values[forth], values[mirrored]
    ):
        return
    there = dict(zip(keys.tolist(), values.tolist(), strict=True))
    unequal = [
        key
        for key, other in zip(keys.tolist(), back.tolist(), strict=True)
        if there[key] != there.get(other, 0.0)
    ]
    i, j = sorted(divmod(min(unequal), n))
    symbol = what.split()[-1]
    seen = (
        f"({symbol}[{i}, {j}] = {there.get(i * n + j, 0.0):g}, "
        f"{symbol}[{j}, {i}] = {there.get(j * n + i, 0.0):g})"
    )
    side = "upper" if np.all(rows < columns) else "lower" if np.all(rows > columns) else None
    if side:
        raise ValueError(
            f"{what} is not symmetric but {side} triangular {seen}: it lists each pair once. "
            f"Pass {symbol} + {symbol}.T, which keeps every coupling as it stands."
        )
    raise ValueError(
        f"{what} is not symmetric {seen}. Pass ({symbol} + {symbol}.T) / 2 if both stand for one "
        f"coupling, or {symbol} + {symbol}.T if they add up, as in xᵀ{symbol}x."
    )


def place_on_graph(
    pairs: NDArray[np.int64], values: NDArray[np.float64], n: int, graph: Graph, what: str
) -> NDArray[np.float64]:
    """Write values of pairs as values of the graph's edges, shape (m,), zero where none is."""
    if graph.n_vertices != n:
        raise ValueError(
            f"{what} is a matrix over {n} vertices, and the graph has "
            f"{graph.n_vertices} (shape {graph.shape})."
        )
    keys = graph.edges @ np.array([n, 1])
    order = np.argsort(keys)
    wanted = pairs @ np.array([n, 1])
    at = np.searchsorted(keys, wanted, sorter=order)
    place = order[np.minimum(at, len(keys) - 1)] if len(keys) else np.zeros(len(pairs), np.int64)
    missing = np.flatnonzero(keys[place] != wanted) if len(keys) else np.arange(len(pairs))
    if len(missing):
        (i, j), value = pairs[missing[0]], values[missing[0]]
        raise ValueError(f"{what}[{i}, {j}] = {value:g}, but the graph has no such edge.")
    placed = np.zeros(graph.n_edges)
    placed[place] = values
    return placed
