"""Leapfrog: reversible, of second order; its moves keep the density."""

import numpy as np

from pymc_ebm.moves.hamiltonian import hamiltonian_move, leapfrog
from tests.statistics import bonferroni_limit, z_scores


def quartic(x):
    """U = Σ x⁴/4 + x²/2 over the last axes."""
    axes = tuple(range(1, x.ndim))
    return (x**4 / 4 + x**2 / 2).sum(axis=axes), x**3 + x


def start():
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 2, 3)), rng.normal(size=(50, 2, 3))


def test_back_to_the_start_with_the_momentum_turned_round():
    x, p = start()
    there, momentum, found = leapfrog(x, p, quartic(x), 0.1, 20, quartic)
    back, turned, again = leapfrog(there, -momentum, found, 0.1, 20, quartic)
    np.testing.assert_allclose(back, x, atol=1e-11)
    np.testing.assert_allclose(turned, -p, atol=1e-11)
    np.testing.assert_allclose(again[0], quartic(x)[0], atol=1e-11)


def test_the_energy_error_is_of_second_order():
    """Half the step, a quarter of the error over the same time; 16 if steps were of fourth order."""
    x, p = start()

    def error(steps):
        _, momentum, found = leapfrog(x, p, quartic(x), 1.0 / steps, steps, quartic)
        kinetic = 0.5 * (momentum**2 - p**2).sum(axis=(1, 2))
        return np.abs(found[0] + kinetic - quartic(x)[0]).mean()

    assert 3.8 < error(50) / error(100) < 4.2


def harmonic(x):
    return 0.5 * (x**2).sum(axis=1), x


def test_moves_keep_the_density_and_leave_out_what_diverges():
    """⟨x²⟩ = 1 of a normal, a false alarm in 100; with steps of 1 and no refusals it is 4/3."""
    rng = np.random.default_rng(1)

    def second_moments(refuse):
        x = np.zeros((40, 2))
        found, rows = harmonic(x), []
        for t in range(1500):
            if refuse:
                x, found, _ = hamiltonian_move(x, found, 1.0, 2, harmonic, rng)
            else:
                x, _, found = leapfrog(x, rng.normal(size=x.shape), found, 1.0, 2, harmonic)
            if t >= 100:
                rows.append(x**2)
        return z_scores(np.array(rows).transpose(1, 0, 2), np.ones(2))

    limit = bonferroni_limit(2)
    assert np.abs(second_moments(True)).max() < limit
    assert np.abs(second_moments(False)).min() > limit
    x = np.full((3, 1), 2.0)
    same, found, chance = hamiltonian_move(x, quartic(x), 1e3, 3, quartic, rng)
    np.testing.assert_array_equal(same, x)
    np.testing.assert_array_equal(found[0], quartic(x)[0])
    np.testing.assert_array_equal(chance, 0.0)
