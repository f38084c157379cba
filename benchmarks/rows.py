"""log Z of many rows in one op, against as many separate evaluations.

python -m benchmarks.rows
"""

from __future__ import annotations

import time

import numpy as np
import pytensor
import pytensor.tensor as pt

import pymc_ebm as ebm


def best_of(function, repeats: int = 5) -> float:
    """Return the shortest time of a call, in seconds."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def network() -> None:
    """Time a thousand rows of a network of twelve: fields that depend on a covariate."""
    rng, graph = np.random.default_rng(0), ebm.Graph.complete(12)
    J, b, age = rng.normal(0, 0.2, 66), rng.normal(size=12), rng.normal(size=1000)
    J_in, h_in, one = pt.dvector("J"), pt.dmatrix("h"), pt.dvector("h_one")
    J_in, one = pt.specify_shape(J_in, (66,)), pt.specify_shape(one, (12,))
    rows = pt.specify_shape(h_in, (None, 12))
    together = ebm.log_partition(ebm.energies.Ising(J_in, rows, graph=graph), method="enumerate")
    apart = ebm.log_partition(ebm.energies.Ising(J_in, one, graph=graph), method="enumerate")
    J_root, h_root, one_root = (v.owner.inputs[0] for v in (J_in, rows, one))
    with_gradient = pytensor.function(
        [J_root, h_root], [together, *pt.grad(together.sum(), [J_root, h_root])]
    )
    single = pytensor.function([J_root, one_root], [apart, *pt.grad(apart, [J_root, one_root])])
    h = age[:, None] * b
    seconds = best_of(lambda: with_gradient(J, h))
    separate = best_of(lambda: [single(J, row) for row in h])
    _log_z, dJ, dh = with_gradient(J, h)
    eps, worst = 1e-6, 0.0
    for k in (0, 30, 65):
        up, down = J.copy(), J.copy()
        up[k] += eps
        down[k] -= eps
        change = (with_gradient(up, h)[0].sum() - with_gradient(down, h)[0].sum()) / (2 * eps)
        worst = max(worst, abs(change - dJ[k]) / abs(dJ).max())
    exact = np.array([single(J, row)[2] for row in h[:20]])
    worst_h = np.abs(exact - dh[:20]).max()
    print(
        f"1 000 rows of 12 spins, log Z and gradient: {seconds * 1e3:.0f} ms; as many separate "
        f"evaluations {separate * 1e3:.0f} ms; ratio {seconds / separate:.2f}. Gradient against "
        f"central differences {worst:.1e} (relative), against separate evaluations {worst_h:.1e}"
    )


def chains() -> None:
    """Time five hundred rows of a chain of fifty vertices with five states."""
    rng = np.random.default_rng(0)
    graph = ebm.Graph.from_edges([(k, k + 1) for k in range(49)])
    tables, fields = rng.normal(size=(49, 5, 5)), rng.normal(size=(500, 50, 5))
    t, f = pt.tensor("t", shape=(49, 5, 5)), pt.tensor("f", shape=(None, 50, 5))
    energy = ebm.energies.MarkovRandomField(t, f, graph=graph)
    log_z = ebm.log_partition(energy, method="elimination")
    function = pytensor.function([t, f], [log_z, *pt.grad(log_z.sum(), [t, f])])
    seconds = best_of(lambda: function(tables, fields))
    print(f"500 rows of a chain of 50 × 5 states, log Z and gradient: {seconds * 1e3:.0f} ms")


if __name__ == "__main__":
    network()
    chains()
