"""Summing out variables one after another, and the marginals on the way back.

Eliminating v multiplies everything that mentions v and sums over its values: a table over
v's scope, the later variables that v meets there. All tables are logarithms. On the way back
``p(scope) P(v | scope)`` is the joint distribution of each clique, so moments need no division.

A plan, see `pymc_ebm.graphs.elimination_order.Plan`: ``order`` (n,) lists variables; entry t of
the others belongs to the t-th. ``scope_ptr`` (n + 1,) delimits its ``scope`` and, for each variable
there, ``edge_of`` (its edge to v, or -1) and ``position`` (its place in the parent's scope, -1 for
the parent's own variable). ``parent`` (n,) is the step that consumes its table, -1 for none;
``table_ptr`` (n + 1,) delimits its table.
"""

import numba
import numpy as np

from pymc_ebm.kernels.xoshiro import next_state, uniform


@numba.njit(cache=True)
def children_lists(parent):
    """Return for each step its first child, and for each child the next one; -1 ends a list."""
    n = parent.size
    first, following = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    for t in range(n - 1, -1, -1):
        if parent[t] >= 0:
            following[t] = first[parent[t]]
            first[parent[t]] = t
    return first, following


@numba.njit(cache=True)
def child_strides(child, width, q, scope_ptr, position, jump):
    """Write by how much a child's table index changes when the parent's counter carries.

    ``jump[p]`` is the change when digit p of the parent's scope goes up and all below go from
    q - 1 to 0. The parent's own variable is the child's first, with stride 1.
    """
    jump[:width] = 0
    stride = 1
    for entry in range(scope_ptr[child], scope_ptr[child + 1]):
        if position[entry] >= 0:
            jump[position[entry]] = stride
        stride *= q
    below = 0
    for p in range(width):
        stride = jump[p]
        jump[p] = stride - below
        below += (q - 1) * stride


@numba.njit(inline="always")
def carry(counter, q):
    """Return which digit goes up when a counter in base q goes up by one."""
    p = 0
    while counter % q == q - 1:
        counter //= q
        p += 1
    return p


@numba.njit(cache=True)
def fill_clique(clique, v, tables, field, scope, edge_of, start, width):
    """Write ``field_v(x_v) + Σ_u T_vu(x_v, x_u)`` for all values of v and its scope."""
    q = field.shape[1]
    for a in range(q):
        clique[a, 0] = field[v, a]
        block = 1
        for p in range(start, start + width):
            edge = edge_of[p]
            for b in range(q - 1, -1, -1):  # from above: block 0 holds what the others start from
                more = 0.0
                if edge >= 0:
                    more = tables[edge, a, b] if v < scope[p] else tables[edge, b, a]
                if b or edge >= 0:
                    for k in range(block):
                        clique[a, b * block + k] = clique[a, k] + more
            block *= q


@numba.njit(cache=True)
def add_message(clique, q, size, message, jump):
    """Add a child's table to a clique."""
    index = 0
    for k in range(size):
        for a in range(q):
            clique[a, k] += message[index + a]
        if k + 1 < size:
            index += jump[carry(k, q)]


@numba.njit(cache=True)
def sum_out(clique, q, size, message, odds):
    """Write the log of the sum over v, and the probabilities of v's values but the first."""
    for k in range(size):
        top = clique[0, k]
        for a in range(1, q):
            top = max(top, clique[a, k])
        if top == -np.inf:  # no value of v goes with this scope
            message[k] = top
            for a in range(1, q):
                odds[a - 1, k] = 0.0
        elif q == 2:
            ratio = np.exp(-abs(clique[1, k] - clique[0, k]))
            message[k] = top + np.log1p(ratio)
            up = 1.0 / (1.0 + ratio)
            odds[0, k] = up if clique[1, k] >= clique[0, k] else ratio * up
        else:
            total = 0.0
            for a in range(q):
                weight = np.exp(clique[a, k] - top)
                total += weight
                if a:
                    odds[a - 1, k] = weight
            message[k] = top + np.log(total)
            if clique[0, k] == -np.inf:
                total *= 1.0 - 4e-16 * q  # lest rounding leave something for the first value
            for a in range(1, q):
                odds[a - 1, k] /= total


@numba.njit(cache=True)
def collect_tables(
    tables, field, order, scope_ptr, scope, edge_of, position, parent, table_ptr, odds
):
    """Eliminate all variables; return log Z and the tables of all steps.

    `tables` (m, q, q): ``βT`` of each edge, [state of the smaller vertex, state of the larger];
    `field` (n, q): log-weights; −∞ for a state that does not exist; `order`, `scope_ptr`, `scope`,
    `edge_of`, `position`, `parent`, `table_ptr`: the plan; `odds` (q - 1, table_ptr[n]):
    overwritten with ``P(x_v = 1 … q - 1 | scope)``.
    """
    n, q = field.shape
    messages = np.empty(table_ptr[n])
    largest, widest = extent(scope_ptr, table_ptr)
    clique, jump = np.empty((q, largest)), np.empty(widest, np.int64)
    first, following = children_lists(parent)
    log_z = 0.0
    for t in range(n):
        start, width = scope_ptr[t], scope_ptr[t + 1] - scope_ptr[t]
        begin, end = table_ptr[t], table_ptr[t + 1]
        fill_clique(clique, order[t], tables, field, scope, edge_of, start, width)
        child = first[t]
        while child >= 0:
            child_strides(child, width, q, scope_ptr, position, jump)
            message = messages[table_ptr[child] : table_ptr[child + 1]]
            add_message(clique, q, end - begin, message, jump)
            child = following[child]
        sum_out(clique, q, end - begin, messages[begin:end], odds[:, begin:end])
        if parent[t] < 0:
            log_z += messages[begin]
    return log_z, messages


@numba.njit(cache=True)
def extent(scope_ptr, table_ptr):
    """Return the sizes of the largest table and of the largest scope, at least 1."""
    largest, widest = 1, 1
    for t in range(scope_ptr.size - 1):
        largest = max(largest, table_ptr[t + 1] - table_ptr[t])
        widest = max(widest, scope_ptr[t + 1] - scope_ptr[t])
    return largest, widest


@numba.njit(cache=True)
def add_pair(joint, size, block, swapped, pair):
    """Write the joint distribution of v and the scope variable whose states alternate by block."""
    q = pair.shape[0]
    for a in range(q):
        for b in range(q):
            mass = 0.0
            for k in range(b * block, size, q * block):
                for c in range(k, k + block):
                    mass += joint[a, c]
            if swapped:
                pair[b, a] = mass
            else:
                pair[a, b] = mass


@numba.njit(cache=True)
def eliminate_tables(tables, field, order, scope_ptr, scope, edge_of, position, parent, table_ptr):
    """Return log Z, ``P(x_i = a, x_j = b)`` of every edge and ``P(x_i = a)``.

    Arguments as for `collect_tables`; shapes (), (m, q, q) and (n, q).
    """
    n, q = field.shape
    odds = np.empty((q - 1, table_ptr[n]))
    log_z, probabilities = collect_tables(
        tables, field, order, scope_ptr, scope, edge_of, position, parent, table_ptr, odds
    )
    largest, widest = extent(scope_ptr, table_ptr)
    joint, jump = np.empty((q, largest)), np.empty(widest, np.int64)
    pairs, marginals = np.zeros(tables.shape), np.zeros((n, q))
    first, following = children_lists(parent)
    for t in range(n - 1, -1, -1):
        start, width = scope_ptr[t], scope_ptr[t + 1] - scope_ptr[t]
        begin, end = table_ptr[t], table_ptr[t + 1]
        size = end - begin
        if parent[t] < 0:
            probabilities[begin] = 1.0
        v = order[t]
        for k in range(size):
            rest = here = probabilities[begin + k]
            for a in range(1, q):
                joint[a, k] = here * odds[a - 1, begin + k]
                rest -= joint[a, k]
            joint[0, k] = max(rest, 0.0)
        for a in range(q):
            marginals[v, a] = joint[a, :size].sum()
        block = 1
        for p in range(start, start + width):
            if edge_of[p] >= 0:
                add_pair(joint, size, block, v > scope[p], pairs[edge_of[p]])
            block *= q
        child = first[t]
        while child >= 0:
            child_strides(child, width, q, scope_ptr, position, jump)
            target = probabilities[table_ptr[child] : table_ptr[child + 1]]
            target[:] = 0.0
            index = 0
            for k in range(size):
                for a in range(q):
                    target[index + a] += joint[a, k]
                if k + 1 < size:
                    index += jump[carry(k, q)]
            child = following[child]
    return log_z, pairs, marginals


@numba.njit(cache=True)
def draw(odds, q, count, order, scope_ptr, scope, table_ptr, state):
    """Draw configurations independently, the variable eliminated last first.

    `odds` (q - 1, table_ptr[n]): from `collect_tables`; `q`, `count`: numbers of states and of
    draws; `order`, `scope_ptr`, `table_ptr`: the plan; `scope`: the variables of each scope;
    `state` (4,): generator state. Returns (count, n).
    """
    n = order.size
    x = np.empty((count, n), np.int8)
    for row in range(count):
        for t in range(n - 1, -1, -1):
            index, stride = table_ptr[t], 1
            for entry in range(scope_ptr[t], scope_ptr[t + 1]):
                index += stride * x[row, scope[entry]]
                stride *= q
            u, value = uniform(next_state(state)), 0
            for a in range(1, q):
                if u < odds[a - 1, index]:
                    value = a
                    break
                u -= odds[a - 1, index]
            x[row, order[t]] = value
    return x


@numba.njit(cache=True)
def shared_tables(coupling, interaction):
    """Return ``J_e K``, shape (m, q, q)."""
    return coupling.reshape(-1, 1, 1) * interaction


@numba.njit(cache=True)
def collect(
    coupling, field, interaction, order, scope_ptr, edge_of, position, parent, table_ptr, odds
):
    """Do what `collect_tables` does where all edges share a symmetric interaction (q, q)."""
    tables = shared_tables(coupling, interaction)
    return collect_tables(
        tables, field, order, scope_ptr, edge_of, edge_of, position, parent, table_ptr, odds
    )


@numba.njit(cache=True)
def eliminate(coupling, field, interaction, order, scope_ptr, edge_of, position, parent, table_ptr):
    """Return log Z, ``E[K(x_i, x_j)]``, shape (m,), and marginals for a shared interaction."""
    tables = shared_tables(coupling, interaction)
    log_z, pairs, marginals = eliminate_tables(
        tables, field, order, scope_ptr, edge_of, edge_of, position, parent, table_ptr
    )
    return log_z, (pairs * interaction).sum(axis=2).sum(axis=1), marginals
