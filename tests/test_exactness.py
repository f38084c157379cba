"""Every move keeps its distribution, and every broken move is caught. False alarm: 0.1 % a case."""

import numpy as np
import pytest

from pymc_ebm import kernels
from pymc_ebm.kernels import (
    heat_bath,
    heat_bath_states,
    heat_bath_tables,
    metropolis,
    swendsen_wang,
    wolff,
)
from tests.exactness import cases, p_value

ALPHA = 1e-3


@pytest.mark.parametrize("case", cases(), ids=" · ".join)
def test_exact_draws_stay_exact(case):
    assert p_value(*case) > ALPHA


def stronger_bonds(kernel):
    """Lay bonds 5 % too often."""

    def broken(x, signs, parent, lower_ptr, lower, thresholds, state):
        more = np.minimum(thresholds * 1.05, 2.0**32 - 1).astype(np.uint32)
        return kernel(x, signs, parent, lower_ptr, lower, more, state)

    return broken


def without_ghost(kernel):
    """Ignore the field when clusters are turned over."""

    def broken(spins, parent, flip, field, gain, state):
        return kernel(spins, parent, flip, field[:0], gain[:0], state)

    return broken


def states_without_ghost(kernel):
    def broken(x, parent, q, field, log_weights, state):
        return kernel(x, parent, q, field[:0], log_weights[:0], state)

    return broken


def wolff_without_ghost(kernel):
    def broken(spins, indptr, indices, p, signs, field, stack, visited, clusters, state):
        return kernel(spins, indptr, indices, p, signs, 0 * field, stack, visited, clusters, state)

    return broken


def wolff_stronger_bonds(kernel):
    def broken(x, q, indptr, indices, p, field, stack, visited, clusters, state):
        return kernel(x, q, indptr, indices, 1.05 * p, field, stack, visited, clusters, state)

    return broken


def weaker_couplings(kernel):
    """Sweep at 5 % higher temperature; the weights are the fourth argument."""

    def broken(x, indptr, indices, weights, *rest):
        return kernel(x, indptr, indices, 0.95 * weights, *rest)

    return broken


def weaker_tables(kernel):
    def broken(weights):
        return kernel(0.95 * weights)

    return broken


BREAKS = [
    (swendsen_wang, "lay_bonds", stronger_bonds, ("Ising", "Swendsen–Wang", "uniform", "no field")),
    (swendsen_wang, "flip_spin_clusters", without_ghost, ("Ising", "Swendsen–Wang", "per edge", "field")),
    (swendsen_wang, "draw_cluster_states", states_without_ghost, ("Potts, q = 3", "Swendsen–Wang", "uniform", "field")),
    (wolff, "spin_clusters", wolff_without_ghost, ("Ising", "Wolff", "uniform", "field")),
    (wolff, "state_clusters", wolff_stronger_bonds, ("Potts, q = 3", "Wolff", "uniform", "no field")),
    (metropolis, "spin_sweeps", weaker_couplings, ("Ising", "Metropolis", "uniform", "no field")),
    (metropolis, "states_sweeps", weaker_couplings, ("Blume–Capel", "Metropolis", "per edge", "field")),
    (heat_bath_tables, "odds_tables", weaker_tables, ("Ising", "heat bath", "per edge", "field")),
    (heat_bath_states, "states_sweeps", weaker_couplings, ("Potts, q = 4", "heat bath", "uniform", "no field")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "name", "breaking", "case"), BREAKS, ids=lambda v: getattr(v, "__name__", str(v))
)
def test_a_broken_kernel_is_caught(module, name, breaking, case, monkeypatch):
    monkeypatch.setattr(module, name, breaking(getattr(kernels_module(module), name)))
    assert p_value(*case) < ALPHA


def kernels_module(module):
    return getattr(kernels, module.__name__.rsplit(".", 1)[1])


def test_the_dense_kernel_takes_the_decisions_of_the_sparse_one():
    rng = np.random.default_rng(0)
    n = 40
    J = np.triu(rng.normal(0, 0.2, (n, n)), 1)
    J = J + J.T
    field = rng.normal(0, 0.3, n)
    start = rng.choice(np.array([-1, 1], np.int8), n)
    words = kernels.xoshiro.seed_state(rng)
    indptr = np.arange(0, n * n + 1, n).astype(np.int32)
    indices = np.tile(np.arange(n, dtype=np.int32), n)
    first, second = start.copy(), start.copy()
    heat_bath.dense_sweeps(first, J, field, 20, words.copy())
    heat_bath.weighted_sweeps(
        second, indptr, indices, J.reshape(-1), np.arange(n, dtype=np.uint32), field, 20, words.copy()
    )  # fmt: skip
    np.testing.assert_array_equal(first, second)
