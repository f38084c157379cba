"""Spatial weights of libpysal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymc_ebm.graphs.readers.scipy import symmetric_pattern

if TYPE_CHECKING:
    from pymc_ebm.graphs.graph import Graph


def from_libpysal(cls: type[Graph], neighbors: Any) -> Graph:
    """Build from the spatial weights of a map; areas without neighbours are kept.

    Parameters
    ----------
    neighbors : libpysal.weights.W or libpysal.graph.Graph
        Its ids become `names`, its values `weights`. Values that are not symmetric, as
        row-standardised ones, are left out with a warning that says what to pass instead.

    Examples
    --------
    >>> import pymc_ebm as ebm
    >>> from libpysal.weights import lat2W  # doctest: +SKIP
    >>> ebm.Graph.from_libpysal(lat2W(3, 3))  # doctest: +SKIP
    Graph(shape=(9,), n_edges=12)
    """
    from scipy.sparse import coo_array  # a tenth of a second to import

    ids = getattr(neighbors, "id_order", getattr(neighbors, "unique_ids", None))
    if ids is None or not hasattr(neighbors, "sparse"):
        raise TypeError(
            f"Graph.from_libpysal: got a {type(neighbors).__name__}; pass libpysal weights, W or "
            "libpysal.graph.Graph."
        )
    names = tuple(ids.tolist() if hasattr(ids, "tolist") else ids)
    modern = hasattr(neighbors, "unique_ids")
    entries = coo_array(neighbors.sparse)
    # a libpysal Graph notes an area without neighbours as (i, i): 0
    kept = (entries.row != entries.col) | (entries.data != 0)
    rows, columns, values = entries.row[kept], entries.col[kept], entries.data[kept]
    loops = rows[rows == columns]
    if loops.size:
        without = "assign_self_weight(0)" if modern else "fill_diagonal(weights, 0)"
        raise ValueError(
            f"Graph.from_libpysal: {names[loops[0]]!r} is a neighbour of itself. Pass "
            f"ebm.Graph.from_libpysal({'' if modern else 'libpysal.'}weights.{without})."
        )
    matrix = coo_array((values, (rows, columns)), shape=entries.shape)
    if modern:
        symmetric, ids_of = 'make_symmetric(reduction="mean")', "weights.unique_ids"
        binary = 'Pass ebm.Graph.from_libpysal(weights.transform("b"))'
    else:
        symmetric, ids_of = "symmetrize()", "weights.id_order"
        binary = 'Set weights.transform = "b" first'
    pairs, found, n = symmetric_pattern(
        matrix,
        "Graph.from_libpysal",
        names.__getitem__,
        f"Pass ebm.Graph.from_libpysal(weights.{symmetric}).",
        f"{binary}; or pass ebm.Graph.from_scipy((weights.sparse + weights.sparse.T) / 2, "
        f"names={ids_of}).",
    )
    return cls(pairs, (n,), names, found)
