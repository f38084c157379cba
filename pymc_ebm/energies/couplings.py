"""Reading pairwise couplings and fields: the one place that checks them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytensor.tensor as pt

from pytensor import config
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.traversal import graph_inputs
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.type import TensorType
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.dependence import PY
from pymc_ebm.energies.energy import as_parameter, constant_value
from pymc_ebm.graphs import Graph
from pymc_ebm.graphs.graph import require_graph
from pymc_ebm.graphs.matrix import BIAS, CONSTANT, matrix_entries, place_on_graph

CRYSTAL = (
    "s·s is 0 or 1, so it acts as a crystal field. Pass {zeroed}, and subtract {diagonal} from D"
)
DIAGONALS = {"BoltzmannMachine": BIAS, "BlumeCapel": CRYSTAL}  # other families: a constant


def read_couplings(
    J: Any, graph: Graph | None, *, family: str, name: str
) -> tuple[Graph, TensorVariable]:
    """Turn couplings in any accepted form into a graph and scalar or per-edge values (..., m).

    With a graph, `J` is a scalar, one value an edge ``(..., m)``, or a symmetric matrix whose
    non-zeros lie on the graph; shape (n, n) is always read as a matrix. Without, a symmetric
    matrix. Numbers are checked at once, and `pm.Data` and symbolic matrices whenever evaluated.
    `family` and `name` are what errors call the energy and the parameter.
    """
    what = f"{family}: {name}"
    diagonal = DIAGONALS.get(family, CONSTANT)
    graph = require_graph(graph, family)
    if hasattr(J, "tocoo"):
        return _from_matrix(J, graph, what, diagonal)
    variable = _as_real(J, what)
    constant = constant_value(variable)
    numbers = _numbers(variable)
    shape = _shape(variable) if numbers is None else np.shape(numbers)
    if constant is not None and constant.ndim == 2 and (graph is None or _is_matrix(shape, graph)):
        return _from_matrix(constant, graph, what, diagonal)
    values = as_parameter(variable, what)
    if graph is not None and values.ndim == 0:
        return graph, values
    if (
        graph is not None
        and not _is_matrix(shape, graph)
        and (shape[-1] == graph.n_edges or (values.ndim > 1 and shape[-1] == 1))
    ):
        return graph, shared_by_edges(values)
    if graph is not None and values.ndim == 1 and shape[-1] is None:
        return graph, values
    if values.ndim != 2:
        raise ValueError(_unreadable(shape, graph, what))
    if shape[0] != shape[1] and None not in shape:
        raise ValueError(f"{what} has shape {shape}; a matrix of couplings is square.")
    n = shape[0] if graph is None else graph.n_vertices
    if n is None:
        raise ValueError(
            f"{what} is symbolic and its size is not known. Pass graph=ebm.Graph.complete(n)."
        )
    graph = Graph.complete(n) if graph is None else graph
    if numbers is not None:  # the same checks at once, with the values in the message
        _from_matrix(numbers, graph, what, diagonal)
    checked = _checked_matrix(values, graph, what, diagonal)
    return graph, checked[graph.edges[:, 0], graph.edges[:, 1]]


def read_field(h: Any, graph: Graph, *, family: str, name: str) -> TensorVariable:
    """Turn a field, a scalar or ``(..., *graph.shape)``, into a tensor over configurations."""
    values = _as_real(h, f"{family}: {name}")
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


def _numbers(variable: TensorVariable) -> np.ndarray | None:
    """Return the present value of constants, data, and expressions of these; else None."""
    leaves = [leaf for leaf in graph_inputs([variable]) if not isinstance(leaf, Constant)]
    if any(not isinstance(v, SharedVariable) or not isinstance(v.type, TensorType) for v in leaves):
        return None
    return np.asarray(variable.eval(mode=PY))


def shared_by_edges(values: TensorVariable) -> TensorVariable:
    """Mark couplings (..., 1) of data as what all edges share, which their type does not say."""
    if values.ndim < 2 or values.type.shape[-1] is not None or _shape(values)[-1] != 1:
        return values
    return cast(TensorVariable, pt.specify_broadcastable(values, values.ndim - 1))


def _shape(variable: TensorVariable) -> tuple[int | None, ...]:
    """Return a shape as far as it is known without a random value."""
    static = variable.type.shape
    if None not in static:
        return static
    try:
        return tuple(int(length) for length in variable.shape.eval(mode=PY))
    except Exception:
        return static


def _as_real(value: Any, what: str) -> TensorVariable:
    """Turn a parameter, a table of pandas included, into a real tensor."""
    if hasattr(value, "iloc"):
        value = value.to_numpy(dtype=float, na_value=np.nan)
    elif hasattr(value, "to_numpy"):  # xarray
        value = value.to_numpy()
    try:
        variable = pt.as_tensor_variable(value)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(f"{what} = {value!r} is no number, array or tensor.") from error
    if variable.dtype.startswith("complex"):
        raise ValueError(f"{what} is complex ({variable.dtype}); parameters of an energy are real.")
    return variable


def _is_matrix(shape: tuple[int | None, ...], graph: Graph) -> bool:
    return shape == (graph.n_vertices,) * 2


def _unreadable(shape: tuple[int | None, ...], graph: Graph | None, what: str) -> str:
    """Say which shapes could have been read."""
    if graph is None:
        return (
            f"{what} has shape {shape} and no graph was given. Pass "
            "graph=ebm.Graph.square(rows, columns) (or another), or a symmetric matrix."
        )
    return (
        f"{what} has shape {shape}, and the graph has {graph.n_edges} edges over "
        f"{graph.n_vertices} vertices. Pass a scalar, one value an edge in the order of "
        f"graph.edges, or an ({graph.n_vertices}, {graph.n_vertices}) matrix."
    )


def _from_matrix(
    matrix: Any, graph: Graph | None, what: str, diagonal: str
) -> tuple[Graph, TensorVariable]:
    """Read a matrix of numbers, dense or sparse."""
    pairs, values, n = matrix_entries(matrix, what, diagonal)
    if graph is None:
        graph = Graph.from_edges(pairs, n)
    else:
        values = place_on_graph(pairs, values, n, graph, what)
    return graph, pt.as_tensor_variable(values.astype(config.floatX))


def _checked_matrix(
    values: TensorVariable, graph: Graph, what: str, diagonal: str
) -> TensorVariable:
    """Make a symbolic (n, n) matrix raise ValueError when it is evaluated and does not fit."""
    symbol = what.split()[-1]
    meaning = diagonal.format(
        zeroed=f"{symbol} - np.diag(np.diag({symbol}))", diagonal=f"np.diag({symbol})"
    )
    empty = np.ones((graph.n_vertices,) * 2)
    first, second = graph.edges.T
    empty[first, second] = empty[second, first] = 0
    np.fill_diagonal(empty, 0)
    checks = [
        (
            f"{what} is not symmetric. Pass ({symbol} + {symbol}.T) / 2 if that was meant, or "
            f"{symbol} + {symbol}.T if each pair is listed once.",
            pt.all(pt.eq(values, values.T)),
        ),
        (
            f"{what} has entries on its diagonal, which must be zero; {meaning}.",
            pt.all(pt.eq(pt.diagonal(values), 0)),
        ),
    ]
    if np.any(empty):
        checks.append((
            f"{what} has entries where the graph has no edge. Set them to zero, or pass "
            f"graph=ebm.Graph.complete({graph.n_vertices}).",
            pt.all(pt.eq(values * empty, 0)),
        ))  # fmt: skip
    for message, holds in checks:
        values = cast(TensorVariable, CheckAndRaise(ValueError, message)(values, holds))
    return values
