"""The enumeration of log-weights against brute force."""

import numpy as np
import pytest

from pymc_ebm.kernels.enumeration import ising_log_weights
from tests.oracles import all_spins


@pytest.mark.parametrize("n", [1, 2, 7, 12])
def test_all_configurations(n):
    rng = np.random.default_rng(n)
    J = np.triu(rng.normal(size=(n, n)), 1)
    J, h = J + J.T, rng.normal(size=n)
    states = all_spins(n)
    expected = 0.5 * np.einsum("ki,ij,kj->k", states, J, states) + states @ h
    np.testing.assert_allclose(ising_log_weights(J, h), expected, atol=1e-10)
