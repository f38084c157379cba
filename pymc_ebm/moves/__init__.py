"""Moves over discrete variables on a graph: which kernel, and the arrays it wants.

Each move is built for a graph, takes couplings with `set_coupling` and acts in place with
``sweep(x, field, sweeps, state)``. Two-valued variables are spins in {-1, +1} with a field of shape
(n,); variables with q states are state numbers with log-weights of shape (n, q).
"""
