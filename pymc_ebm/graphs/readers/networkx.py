"""Graphs of networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymc_ebm.graphs.parts import number_names, refuse_self_loop

if TYPE_CHECKING:
    import networkx

    from pymc_ebm.graphs.graph import Graph


def from_networkx(cls: type[Graph], graph: networkx.Graph, *, weight: str | None = None) -> Graph:
    """Build from an undirected networkx graph; its nodes, in order, become `names`.

    Parameters
    ----------
    graph : networkx.Graph
        Nodes may be any hashable.
    weight : str, optional
        Edge attribute that becomes `weights`. Those of parallel edges of a multigraph are added
        up, as couplings are; without `weight` parallel edges are refused.

    Examples
    --------
    >>> import networkx as nx, pymc_ebm as ebm
    >>> net = nx.Graph()
    >>> net.add_weighted_edges_from([("Ann", "Bob", 0.5), ("Bob", "Eve", 2.0)])
    >>> graph = ebm.Graph.from_networkx(net, weight="weight")
    >>> graph.names, graph.weights
    (('Ann', 'Bob', 'Eve'), array([0.5, 2. ]))
    """
    if not hasattr(graph, "is_directed"):
        raise TypeError(f"Graph.from_networkx: got a {type(graph).__name__}, no networkx graph.")
    if graph.is_directed():
        raise ValueError(
            "Graph.from_networkx: the graph is directed, and an energy has no direction. "
            "Pass graph.to_undirected()."
        )
    nodes = tuple(graph.nodes)
    found: dict[Any, float] = {}
    for a, b, data in graph.edges(data=True):
        if a == b:
            refuse_self_loop("Graph.from_networkx", a)
        pair = (a, b) if (b, a) not in found else (b, a)
        if pair in found and weight is None:
            raise ValueError(
                f"Graph.from_networkx: edge ({a!r}, {b!r}) is there more than once. Pass "
                'networkx.Graph(graph) to keep one of each, or weight="weight" (the attribute that '
                "holds them) to add their weights up."
            )
        found[pair] = found.get(pair, 0.0) + _weight(a, b, data, weight)
    pairs = number_names(list(found), nodes)
    return cls(pairs, (len(nodes),), nodes, None if weight is None else list(found.values()))


def _weight(a: Any, b: Any, data: dict[str, Any], weight: str | None) -> float:
    if weight is None:
        return 1.0
    if weight not in data:
        raise ValueError(
            f"Graph.from_networkx: edge ({a!r}, {b!r}) has no attribute {weight!r}; it has "
            f"{sorted(map(str, data)) or 'none'}."
        )
    try:
        return float(data[weight])
    except (TypeError, ValueError):
        raise ValueError(
            f"Graph.from_networkx: {weight!r} of edge ({a!r}, {b!r}) is {data[weight]!r}, "
            "no number."
        ) from None
