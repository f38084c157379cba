"""Markov networks in the format of the UAI inference competitions.

The format: https://uaicompetition.github.io/uci-2022/file-formats/model-format/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.graphs.graph import Graph


@dataclass(frozen=True)
class MarkovNetwork:
    """``log p(x) = Σ_{(i,j)∈edges} tables_ij[x_i, x_j] + Σ_i fields_i[x_i] + log_offset − log Z``.

    `n_states` (n,) holds q_i; `tables` has one array (q_i, q_j) an edge of ``graph.edges``,
    `fields` one array (q_i,) a vertex. A factor of zero is −inf. log Z is that of the file;
    log Z of tables and fields alone is smaller by `log_offset`.
    """

    graph: Graph
    n_states: tuple[int, ...]
    tables: tuple[NDArray[np.float64], ...]
    fields: tuple[NDArray[np.float64], ...]
    log_offset: float


def read_uai(path: str | Path) -> MarkovNetwork:
    """Read a MARKOV (or BAYES) file whose factors have one or two variables each."""
    words = iter(Path(path).read_text(encoding="utf-8").split())
    kind = next(words, "").upper()
    if kind not in ("MARKOV", "BAYES"):
        raise ValueError(f"{path} begins with {kind!r}; a UAI file begins with MARKOV or BAYES.")
    n = _integer(words, path, "the number of variables")
    if n < 1:
        raise ValueError(f"{path} has {n} variables.")
    q = tuple(_integer(words, path, f"the states of variable {i}") for i in range(n))
    if min(q) < 1:
        raise ValueError(f"{path}: variable {q.index(min(q))} has {min(q)} states.")
    scopes = [_scope(words, path, f, n) for f in range(_integer(words, path, "the factors"))]
    log_offset, fields = 0.0, [np.zeros(states) for states in q]
    tables: dict[tuple[int, int], NDArray[np.float64]] = {}
    for f, scope in enumerate(scopes):
        table = _log_table(words, path, f, tuple(q[i] for i in scope))
        if not scope:
            log_offset += float(table)
        elif len(scope) == 1:
            fields[scope[0]] = fields[scope[0]] + table
        else:
            i, j = scope
            pair, table = ((i, j), table) if i < j else ((j, i), table.T)
            tables[pair] = tables.get(pair, 0.0) + table
    left = next(words, None)
    if left is not None:
        raise ValueError(f"{path}: {left!r} follows the last factor.")
    return MarkovNetwork(
        Graph.from_edges(np.array(list(tables), dtype=np.int64).reshape(-1, 2), n),
        q,
        tuple(tables.values()),
        tuple(fields),
        log_offset,
    )


def _scope(words: Iterator[str], path: str | Path, f: int, n: int) -> tuple[int, ...]:
    """Read the variables of factor `f`."""
    size = _integer(words, path, f"the size of factor {f}")
    scope = tuple(_integer(words, path, f"a variable of factor {f}") for _ in range(size))
    if size > 2:
        raise ValueError(
            f"{path}: factor {f} joins the variables {scope}; only factors of one or two are read."
        )
    if any(not 0 <= i < n for i in scope) or len(set(scope)) < size:
        raise ValueError(f"{path}: factor {f} joins {scope}; there are the variables 0 … {n - 1}.")
    return scope


def _log_table(
    words: Iterator[str], path: str | Path, f: int, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Read the entries of factor `f`, last variable fastest, as logarithms."""
    size, expected = _integer(words, path, f"the entries of factor {f}"), int(np.prod(shape))
    if size != expected:
        raise ValueError(f"{path}: factor {f} has {size} entries; its states make {expected}.")
    entries = [_word(words, path, f"an entry of factor {f}") for _ in range(size)]
    try:
        values = np.array(entries, dtype=float)
    except ValueError as error:
        raise ValueError(f"{path}: factor {f}: {error}.") from None
    if not np.all((values >= 0) & np.isfinite(values)):
        wrong = values[~((values >= 0) & np.isfinite(values))][0]
        raise ValueError(f"{path}: factor {f} has the entry {wrong}; factors are not negative.")
    with np.errstate(divide="ignore"):
        return np.log(values).reshape(shape)


def _integer(words: Iterator[str], path: str | Path, what: str) -> int:
    word = _word(words, path, what)
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"{path}: {word!r} stands where {what} should.") from None


def _word(words: Iterator[str], path: str | Path, what: str) -> str:
    word = next(words, None)
    if word is None:
        raise ValueError(f"{path} ends where {what} should stand.")
    return word
