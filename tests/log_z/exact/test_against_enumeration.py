"""Every exact normaliser against brute force on a hundred random graphs, value and gradient."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from pytensor.compile.mode import Mode
from scipy.special import logsumexp

import pymc_ebm as ebm

from pymc_ebm.log_z.exact.log_partition import METHODS
from pymc_ebm.log_z.exact.problem import Problem
from pymc_ebm.log_z.exact.torus import torus_log_z
from tests.oracles import KAUFMAN, all_spins, ising_energies

PY = Mode(linker="py", optimizer=None)
GRAPHS = 100


def brute(energy: ebm.energies.Energy) -> float:
    """Sum over all configurations in plain NumPy, through the energy's own graph."""
    n, states = int(np.prod(energy.event_shape)), np.asarray(energy.states)
    numbers = np.arange(len(states) ** n)[:, None] // len(states) ** np.arange(n) % len(states)
    values = energy(states[numbers].reshape(-1, *energy.event_shape)).eval(mode=PY)
    return float(logsumexp(-values))


def value_and_gradient(energy, method):
    """Evaluate log Z, and its derivative with respect to every parameter."""
    inputs = {k: pt.tensor(shape=v.type.shape, dtype=v.dtype) for k, v in energy.parameters.items()}
    log_z = METHODS[method].build(Problem(energy.replace(**inputs)))
    gradient = pytensor.grad(log_z, list(inputs.values()), disconnected_inputs="ignore")
    numbers = [v.eval(mode=PY) for v in energy.parameters.values()]
    f = pytensor.function(
        list(inputs.values()), [log_z, *gradient], mode=PY, on_unused_input="ignore"
    )
    value, *gradient = f(*numbers)
    return (
        float(value),
        dict(zip(inputs, gradient, strict=True)),
        dict(zip(inputs, numbers, strict=True)),
    )


def finite_difference(energy, numbers, name, index, step=3e-4):
    """Differentiate brute force by a five-point stencil, good to 1e-9."""

    def at(change):
        moved = {k: np.array(v, float) for k, v in numbers.items()}
        moved[name][index] += change
        return brute(energy.replace(**moved))

    return (8 * (at(step) - at(-step)) - at(2 * step) + at(-2 * step)) / (12 * step)


def random_graph(rng, n):
    pairs = np.column_stack(np.triu_indices(n, 1))
    chosen = rng.choice(len(pairs), rng.integers(0, len(pairs) + 1), replace=False)
    return ebm.Graph.from_edges(pairs[chosen].reshape(-1, 2), n)


def planar_graph(rng, n):
    """Triangulate random points and drop some edges."""
    from scipy.spatial import Delaunay

    triangles = Delaunay(rng.normal(size=(n, 2))).simplices
    edges = np.unique(np.sort(triangles[:, [0, 1, 1, 2, 0, 2]].reshape(-1, 2), axis=1), axis=0)
    return ebm.Graph.from_edges(edges[rng.random(len(edges)) < 0.8].reshape(-1, 2), n)


def spins_on(graph, rng, field=True):
    h = rng.normal(size=graph.shape) if field else 0.0
    return ebm.energies.Ising(rng.normal(size=graph.n_edges), h, graph=graph)


def example(method, rng):
    """Return a random energy that a method fits."""
    if method in ("enumerate", "elimination"):
        if rng.random() < 0.5:
            return spins_on(random_graph(rng, int(rng.integers(1, 9))), rng)
        graph, q = random_graph(rng, int(rng.integers(2, 6))), int(rng.integers(3, 5))
        J = rng.normal(size=graph.n_edges)
        return ebm.energies.Potts(J, rng.normal(size=(graph.n_vertices, q)), q=q, graph=graph)
    if method == "transfer_matrix":
        rows, columns = rng.integers(1, 4, 2)
        wrap = bool(columns >= 3 and rng.random() < 0.5)
        shape = (int(rows), int(columns))
        graph = ebm.Graph.square(*shape, periodic=(False, wrap))
        return spins_on(graph, rng)
    if method == "planar":
        return spins_on(planar_graph(rng, int(rng.integers(4, 9))), rng, field=False)
    if method == "complete":
        graph = ebm.Graph.complete(int(rng.integers(2, 9)))
        return ebm.energies.Ising(rng.normal() / 3, rng.normal(), graph=graph)
    if method == "layers":
        visible, hidden = (int(k) for k in rng.integers(1, 6, 2))
        return ebm.energies.RBM(
            rng.normal(size=(visible, hidden)), rng.normal(size=visible), rng.normal(size=hidden)
        )
    raise AssertionError(method)


@pytest.mark.parametrize(
    "seeds",
    [range(30), pytest.param(range(30, GRAPHS), marks=pytest.mark.slow)],
    ids=["thirty graphs", "seventy more"],
)
@pytest.mark.parametrize("method", sorted(set(METHODS) - {"torus"}))
def test_value_and_gradient(method, seeds):
    """Log Z to 1e-10 relative; one derivative a graph to 1e-8 of finite differences."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        energy = example(method, rng)
        assert METHODS[method].obstacle(Problem(energy)) is None
        value, gradient, numbers = value_and_gradient(energy, method)
        np.testing.assert_allclose(
            value, brute(energy), rtol=1e-10, atol=1e-10, err_msg=f"seed {seed}"
        )
        names = [k for k, v in numbers.items() if v.size and not (k == "h" and method == "planar")]
        if names:
            name = names[seed % len(names)]
            index = tuple(int(rng.integers(k)) for k in numbers[name].shape)
            expected = finite_difference(energy, numbers, name, index)
            np.testing.assert_allclose(
                gradient[name][index],
                expected,
                rtol=1e-8,
                atol=1e-8,
                err_msg=f"seed {seed}, {name}",
            )


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (3, 5), (5, 3)])
def test_torus_of_every_sign_and_parity(shape):
    """Odd antiferromagnets are frustrated and lose digits, so couplings stop at 0.9."""
    energy = ebm.energies.Ising(0.5, graph=ebm.Graph.square(*shape))
    K = pt.dscalar("K")
    log_z = ebm.log_partition(energy.replace(J=K), method="torus")
    compiled = pytensor.function([K], [log_z, pytensor.grad(log_z, K)], mode=PY)
    states = all_spins(energy.graph.n_vertices)
    pairs = -ising_energies(states, energy.graph.edges, 1.0, 0.0)
    critical = 0.5 * np.log(1 + np.sqrt(2))
    for J in [0.0, critical, -critical, *np.random.default_rng(0).uniform(-0.9, 0.9, GRAPHS // 4)]:
        value, slope = compiled(J)
        expected = logsumexp(J * pairs)
        np.testing.assert_allclose(value, expected, rtol=1e-10)
        np.testing.assert_allclose(slope, np.exp(J * pairs - expected) @ pairs, atol=1e-8)


def test_torus_with_a_coupling_an_axis():
    graph = ebm.Graph.square(3, 4)
    along_rows = graph.edges[:, 0] // 4 == graph.edges[:, 1] // 4
    energy = ebm.energies.Ising(np.where(along_rows, 0.7, -0.2), graph=graph)
    got = ebm.log_partition(energy, method="torus").eval(mode=PY)
    np.testing.assert_allclose(got, brute(energy), rtol=1e-12)


@pytest.mark.parametrize("side", [8, 64])
def test_kaufman(side):
    """Energies per spin at the critical point, published to ten digits."""
    K = pt.dscalar("K")
    log_z = ebm.log_partition(
        ebm.energies.Ising(K, graph=ebm.Graph.square(side, side)), method="torus"
    )
    slope = pytensor.function([K], pytensor.grad(log_z, K), mode=PY)
    np.testing.assert_allclose(
        -slope(0.5 * np.log(1 + np.sqrt(2))) / side**2, KAUFMAN[side], atol=2e-10
    )


SIDES = [(3, 3), (3, 4), (4, 3), (4, 4), (3, 5)]


@pytest.mark.parametrize("shape", SIDES)
def test_torus_of_any_sign_and_strength(shape):
    """From 0 to 100: value to 1e-8, gradient to 1e-7 a spin; or NaN, where both axes are frustrated."""
    a, b = pt.dscalars("a", "b")
    log_z = torus_log_z(a, b, *shape)
    f = pytensor.function([a, b], [log_z, *pytensor.grad(log_z, [a, b])], mode=PY)
    n = shape[0] * shape[1]
    grid = all_spins(n).reshape(-1, *shape).astype(np.int8)
    sums = [(grid * np.roll(grid, 1, axis)).sum((1, 2), dtype=float) for axis in (1, 2)]
    strengths = [0.0, 1e-8, 0.1, 0.44068679, 1.2, 3.0, 20.0, 100.0]
    for J in [*strengths, *(-v for v in strengths)]:
        for K in {J, -J, 0.3 * J, -0.7, 2.0}:
            weights = J * sums[0] + K * sums[1]
            exact = logsumexp(weights)
            means = [np.exp(weights - exact) @ s for s in sums]
            got = f(J, K)
            if np.isnan(got[0]):
                assert np.isnan(got).all()
                assert all(side % 2 for side in shape)
                assert max(J, K) < 0
                assert min(J, K) < -1.2
            else:
                np.testing.assert_allclose(got[0], exact, rtol=1e-8, atol=1e-8)
                np.testing.assert_allclose(got[1:], means, atol=1e-7 * n)


def test_a_cold_planar_glass_is_right_or_nan():
    """±1 and Gaussian couplings up to a thousand; and known ones are left to other methods."""
    graph, rng = ebm.Graph.square(5, 5, periodic=False), np.random.default_rng(0)
    J = pt.dvector("J", shape=(graph.n_edges,))
    compiled = []
    for method in ("planar", "elimination"):
        log_z = ebm.log_partition(ebm.energies.Ising(J, graph=graph), method=method)
        compiled.append(pytensor.function([J], [log_z, pytensor.grad(log_z, J)], mode=PY))
    finite = 0
    for strength in (1e-8, 0.3, 1.0, 3.0, 4.0, 5.0, 7.0, 9.0, 12.0, 20.0, 1e3):
        for couplings in (rng.choice([-1.0, 1.0], graph.n_edges), rng.normal(size=graph.n_edges)):
            (value, slope), (exact, means) = (f(strength * couplings) for f in compiled)
            if np.isnan(value):
                assert np.isnan(slope).all()
                assert strength > 1
            else:
                finite += 1
                np.testing.assert_allclose(value, exact, rtol=1e-6)
                np.testing.assert_allclose(slope, means, atol=1e-6)
    assert finite >= 8
    cold = ebm.energies.Ising(20.0 * rng.choice([-1.0, 1.0], graph.n_edges), graph=graph)
    assert "digits" in METHODS["planar"].obstacle(Problem(cold))
    frustrated = ebm.energies.Ising(-5.0, graph=ebm.Graph.square(5, 5))
    assert "digits" in METHODS["torus"].obstacle(Problem(frustrated))
    assert METHODS["torus"].obstacle(Problem(frustrated.replace(J=np.array(5.0)))) is None


def test_the_smallest_torus_of_kaufman():
    """L = 4 by enumeration of 65 536 configurations."""
    energy = ebm.energies.Ising(0.44, graph=ebm.Graph.square(4, 4))
    np.testing.assert_allclose(
        ebm.log_partition(energy, method="torus").eval(mode=PY), brute(energy), rtol=1e-12
    )


def test_methods_agree_where_enumeration_cannot_go():
    rng = np.random.default_rng(0)
    strip = ebm.Graph.square(12, 200, periodic=False)
    energy = ebm.energies.Ising(
        rng.normal(size=strip.n_edges), rng.normal(size=strip.shape), graph=strip
    )
    by_matrix, slopes, _ = value_and_gradient(energy, "transfer_matrix")
    by_elimination, others, _ = value_and_gradient(energy, "elimination")
    np.testing.assert_allclose(by_matrix, by_elimination, rtol=1e-12)
    for name in ("J", "h"):
        np.testing.assert_allclose(slopes[name], others[name], atol=1e-10)
    patch = ebm.Graph.square(10, 10, periodic=False)
    energy = ebm.energies.Ising(rng.normal(size=patch.n_edges), graph=patch)
    by_matrix, slopes, _ = value_and_gradient(energy, "transfer_matrix")
    by_determinant, others, _ = value_and_gradient(energy, "planar")
    np.testing.assert_allclose(by_matrix, by_determinant, rtol=1e-12)
    np.testing.assert_allclose(slopes["J"], others["J"], atol=1e-9)
    spins = spins_on(ebm.Graph.complete(18), rng)
    by_sum, slopes, _ = value_and_gradient(spins, "enumerate")
    by_elimination, others, _ = value_and_gradient(spins, "elimination")
    np.testing.assert_allclose(by_sum, by_elimination, rtol=1e-13)
    np.testing.assert_allclose(slopes["J"], others["J"], atol=1e-12)


def test_long_chains_trees_and_strips_are_linear():
    chain = ebm.Graph.from_edges([(k, k + 1) for k in range(4999)])
    got = ebm.log_partition(ebm.energies.Ising(0.7, graph=chain)).eval(mode=PY)
    np.testing.assert_allclose(got, 5000 * np.log(2) + 4999 * np.log(np.cosh(0.7)), rtol=1e-12)
    strip = ebm.Graph.square(2000, 4, periodic=(False, True))
    matrix = ebm.log_partition(ebm.energies.Ising(0.7, 0.1, graph=strip), method="transfer_matrix")
    by_elimination = ebm.log_partition(
        ebm.energies.Ising(0.7, 0.1, graph=strip), method="elimination"
    )
    np.testing.assert_allclose(matrix.eval(mode=PY), by_elimination.eval(mode=PY), rtol=1e-11)


@pytest.mark.parametrize("strength", [30.0, 300.0])
def test_strong_couplings_do_not_overflow(strength):
    rng = np.random.default_rng(3)
    energy = ebm.energies.Ising(
        strength * rng.normal(size=28), strength * rng.normal(size=8), graph=ebm.Graph.complete(8)
    )
    for method in ("enumerate", "elimination"):
        value, gradient, _ = value_and_gradient(energy, method)
        np.testing.assert_allclose(value, brute(energy), rtol=1e-12)
        assert np.all(np.abs(gradient["J"]) <= 1 + 1e-12)


def test_a_strip_too_strong_for_doubles_is_nan_not_wrong():
    graph = ebm.Graph.square(4, 3, periodic=False)
    J = pt.dscalar()
    log_z = ebm.log_partition(ebm.energies.Ising(J, graph=graph), method="transfer_matrix")
    f = pytensor.function([J], log_z, mode=PY)
    assert np.isnan(f(100.0))
    assert np.isfinite(f(10.0))


def test_second_derivatives_are_covariances():
    n, rng = 12, np.random.default_rng(5)
    graph = ebm.Graph.complete(n)
    J, h = pt.dvector(), pt.dvector()
    log_z = ebm.log_partition(ebm.energies.Ising(J, h, graph=graph), method="enumerate")
    slopes = pytensor.grad(log_z, [J, h])
    direction = [rng.normal(size=graph.n_edges), rng.normal(size=n)]
    along = pytensor.grad(
        sum((a * b).sum() for a, b in zip(slopes, direction, strict=True)), [J, h]
    )
    at = [0.3 * rng.normal(size=graph.n_edges), rng.normal(size=n)]
    got = np.concatenate(pytensor.function([J, h], along, mode=PY)(*at))
    states = all_spins(n)
    i, j = graph.edges.T
    features = np.column_stack([states[:, i] * states[:, j], states])
    log_p = -ising_energies(states, graph.edges, *at)
    p = np.exp(log_p - logsumexp(log_p))
    centred = features - p @ features
    expected = (centred * p[:, None]).T @ (centred @ np.concatenate(direction))
    np.testing.assert_allclose(got, expected, atol=1e-11)


@pytest.mark.slow
def test_compiled_with_numba_and_jax():
    """The same numbers from every backend, values and gradients."""
    graph, rng = ebm.Graph.square(3, 3, periodic=False), np.random.default_rng(1)
    J, h = pt.dvector(), pt.dmatrix()
    at = [rng.normal(size=graph.n_edges), rng.normal(size=(3, 3))]
    energy = ebm.energies.Ising(J, h, graph=graph)
    modes = [PY, "NUMBA"]
    try:
        import jax  # noqa: F401

        modes.append("JAX")
    except ImportError:
        pass
    for method in ("enumerate", "transfer_matrix", "elimination"):
        log_z = ebm.log_partition(energy, method=method)
        outputs = [log_z, *pytensor.grad(log_z, [J, h])]
        results = [pytensor.function([J, h], outputs, mode=mode)(*at) for mode in modes]
        for other in results[1:]:
            for a, b in zip(results[0], other, strict=True):
                np.testing.assert_allclose(a, b, atol=1e-12)
