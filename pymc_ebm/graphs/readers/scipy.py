"""Sparse matrices of scipy."""

from __future__ import annotations

import warnings

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.graphs.parts import refuse_self_loop

if TYPE_CHECKING:
    import scipy.sparse

    from pymc_ebm.graphs.graph import Graph


def from_scipy(
    cls: type[Graph],
    matrix: scipy.sparse.sparray | scipy.sparse.spmatrix,
    *,
    names: Sequence[Hashable] | None = None,
) -> Graph:
    """Build from a sparse matrix: stored entries are edges, their values `weights`.

    Parameters
    ----------
    matrix : scipy.sparse array, shape (n, n)
        Must have a symmetric pattern and an empty diagonal. Values that are not symmetric are left
        out with a warning.
    names : sequence of hashable, optional
        What the vertices are called.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> from scipy.sparse import diags_array
    >>> chain = diags_array([0.5, 0.5], offsets=[-1, 1], shape=(3, 3))
    >>> graph = ebm.Graph.from_scipy(chain, names=["left", "middle", "right"])
    >>> graph.edges.tolist(), graph.weights
    ([[0, 1], [1, 2]], array([0.5, 0.5]))
    """
    if not hasattr(matrix, "tocoo"):
        raise TypeError(
            f"Graph.from_scipy: got a {type(matrix).__name__}; pass scipy.sparse.csr_array(matrix)."
        )
    pairs, weights, n = symmetric_pattern(
        matrix,
        "Graph.from_scipy",
        int,
        "Pass matrix + matrix.T if that was meant.",
        "Pass (matrix + matrix.T) / 2 to have them.",
    )
    return cls(pairs, (n,), names, weights)


def symmetric_pattern(
    matrix: Any, where: str, name: Callable[[int], Any], add_missing: str, make_equal: str
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None, int]:
    """Read pairs (m, 2) and weights (m,) off a symmetric pattern; None for unequal weights.

    `name` turns a vertex number into what messages call it; the last two arguments are their
    advice where one of two entries is missing, and where the two differ.
    """
    from scipy.sparse import coo_array  # a tenth of a second to import

    coo = coo_array(matrix)
    coo.sum_duplicates()
    if coo.shape[0] != coo.shape[1]:
        raise ValueError(f"{where}: the matrix has shape {coo.shape}, not square.")
    rows, columns, n = coo.row.astype(np.int64), coo.col.astype(np.int64), int(coo.shape[0])
    loops = rows[rows == columns]
    if loops.size:
        refuse_self_loop(where, name(int(loops[0])))
    forth, back = rows * n + columns, columns * n + rows
    unmatched = np.setdiff1d(forth, back)
    if unmatched.size:
        i, j = map(name, divmod(int(unmatched[0]), n))
        raise ValueError(
            f"{where}: only one of the entries ({i!r}, {j!r}) and ({j!r}, {i!r}) is stored. "
            f"{add_missing}"
        )
    order, mirrored = np.argsort(forth), np.argsort(back)
    upper = rows[order] < columns[order]
    pairs = np.column_stack([rows, columns])[order][upper]
    values, opposite = coo.data[order][upper], coo.data[mirrored][upper]
    unequal = np.flatnonzero(values != opposite)
    if unequal.size:
        k = unequal[0]
        i, j = (name(int(end)) for end in pairs[k])
        warnings.warn(
            f"{where}: the graph has no weights, for they are not symmetric ({i!r} to {j!r}: "
            f"{values[k]:g}, {j!r} to {i!r}: {opposite[k]:g}). {make_equal}",
            UserWarning,
            stacklevel=3,
        )
        return pairs, None, n
    return pairs, values.astype(float), n
