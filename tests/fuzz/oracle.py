"""Energies of every family by the formula, in NumPy; nothing of the package is imported here.

A function takes configurations, shape (K, n), and parameters of one row; it returns K energies.
"""

from __future__ import annotations

import numpy as np

from scipy.special import logsumexp


def per_edge(J, x, edges):
    """Return J of each edge: a scalar, one a given edge, or read off a matrix (n, n)."""
    J = np.asarray(J, float)
    n = x.shape[1]
    if J.ndim == 2 and J.shape == (n, n):
        return J[edges[:, 0], edges[:, 1]] if len(edges) else np.zeros(0)
    return np.broadcast_to(J, (len(edges),))


def product_of_pairs(x, J, edges):
    """Return ``Σ J_ij x_i x_j``."""
    total = np.zeros(len(x))
    for (i, j), coupling in zip(edges, per_edge(J, x, edges), strict=True):
        total = total + coupling * x[:, i] * x[:, j]
    return total


def function_of_pairs(x, J, edges, function):
    """Return ``Σ J_ij function(x_i, x_j)``."""
    total = np.zeros(len(x))
    for (i, j), coupling in zip(edges, per_edge(J, x, edges), strict=True):
        total = total + coupling * function(x[:, i], x[:, j])
    return total


def linear(x, h):
    """Return ``Σ h_i x_i``."""
    return (x * np.broadcast_to(np.asarray(h, float).reshape(-1), x.shape)).sum(axis=1)


def looked_up(x, table, q):
    """Return ``Σ_i table[i, x_i]``; the table may be a scalar or one a state."""
    table = np.asarray(table, float)
    n = x.shape[1]
    table = np.broadcast_to(table, (n, q)) if table.ndim < 2 else table.reshape(n, -1)
    return sum(table[i, x[:, i]] for i in range(n))


def ising(x, edges, J, h):
    return -product_of_pairs(x, J, edges) - linear(x, h)


def potts(x, edges, J, h, q):
    return -function_of_pairs(x, J, edges, lambda a, b: 1.0 * (a == b)) - looked_up(x, h, q)


def clock(x, edges, J, h, q):
    def cosine(a, b):
        return np.cos(2 * np.pi * (a - b) / q)

    return -function_of_pairs(x, J, edges, cosine) - looked_up(x, h, q)


def blume_capel(x, edges, J, h, D):
    return -product_of_pairs(x, J, edges) - linear(x, h) + linear(x**2, D)


def ordinal(x, edges, J, thresholds, q):
    tau = np.asarray(thresholds, float)
    tau = np.broadcast_to(tau, (q - 1,)) if tau.ndim == 0 else tau
    table = np.concatenate([np.zeros((*tau.shape[:-1], 1)), tau], axis=-1)
    return -product_of_pairs(x, J, edges) - looked_up(x, table, q)


def random_field(x, edges, tables, fields, J, q):
    J = np.broadcast_to(np.asarray(J, float), (len(edges),))
    total = np.zeros(len(x))
    for e, (i, j) in enumerate(edges):
        table = np.asarray(tables[e] if np.ndim(tables[0]) == 2 else tables)
        total = total - J[e] * table[x[:, i], x[:, j]]
    if isinstance(fields, list):
        return total - sum(np.asarray(f)[x[:, i]] for i, f in enumerate(fields))
    return total - looked_up(x, fields, q)


def hopfield(x, patterns, b):
    n = x.shape[1]
    weights = patterns.T @ patterns / n
    np.fill_diagonal(weights, 0.0)
    return -0.5 * ((x @ weights) * x).sum(axis=1) - linear(x, b)


def rbm(x, W, b, c):
    inputs = np.broadcast_to(c, W.shape[1]) + x @ W
    return -linear(x, b) - np.logaddexp(0.0, inputs).sum(axis=1)


def configurations(values, counts):
    """Return all configurations, shape (K, n): the first `counts[i]` values at vertex i."""
    numbers = np.indices(tuple(counts)).reshape(len(counts), -1).T
    return np.asarray(values)[numbers]


def log_z(energies, beta):
    return logsumexp(-beta * energies)


def pseudo(energies, beta, every, x, values, counts):
    """Return ``Σ_i log p(x_i | others)`` of one configuration."""
    number = {tuple(c): k for k, c in enumerate(every.tolist())}
    weights = -beta * energies
    own = weights[number[tuple(x)]]
    total = 0.0
    for i in range(len(x)):
        there = [weights[number[(*x[:i], values[s], *x[i + 1 :])]] for s in range(counts[i])]
        total += own - logsumexp(there)
    return total
