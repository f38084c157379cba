"""JAX derivatives of log Z and of its means: those of PyTensor, or an error, never zero."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

import pymc_ebm as ebm

jax = pytest.importorskip("jax")

CHAIN = ebm.Graph.from_edges([(0, 1), (1, 2), (2, 3)])
J, AT = np.array([1.0, -0.5, 0.3]), np.array([0.1, 0.2, -0.3, 0.4])


@pytest.fixture(autouse=True)
def doubles():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def both(method, loss_of):
    """Return PyTensor's gradient of a loss of (log Z, means) at `AT`, and JAX's function of it."""
    from pytensor.link.jax.dispatch import jax_funcify

    h = pt.vector("h", shape=(4,))
    log_z = ebm.log_partition(ebm.energies.Ising(J, h, graph=CHAIN), method=method)
    loss = loss_of(log_z, pt.grad(log_z, h))
    compiled = jax_funcify(pytensor.graph.FunctionGraph([h], [loss], clone=True))
    return lambda: pytensor.function([h], pt.grad(loss, h))(AT), lambda v: compiled(v)[0]


def bent(log_z, means):
    return log_z + ((means - 0.5) ** 2).sum()


def test_derivatives_of_means():
    expected, loss = both("enumerate", bent)
    np.testing.assert_allclose(jax.grad(loss)(AT), expected(), atol=1e-12)
    np.testing.assert_allclose(jax.jit(jax.grad(loss))(AT), expected(), atol=1e-12)
    np.testing.assert_allclose(
        jax.vmap(jax.grad(loss))(np.stack([AT, AT]))[1], expected(), atol=1e-12
    )


def test_second_derivatives_that_pytensor_wrote():
    from pytensor.link.jax.dispatch import jax_funcify

    h = pt.vector("h", shape=(4,))
    log_z = ebm.log_partition(ebm.energies.Ising(J, h, graph=CHAIN), method="enumerate")
    slope = pt.grad((pt.grad(log_z, h) ** 2).sum(), h)
    compiled = jax_funcify(pytensor.graph.FunctionGraph([h], [slope], clone=True))
    np.testing.assert_allclose(compiled(AT)[0], pytensor.function([h], slope)(AT), atol=1e-12)


@pytest.mark.parametrize("method", ["elimination", "planar"])
def test_what_has_no_derivative_says_so(method):
    coupling = pt.vector("J", shape=(3,))
    from pytensor.link.jax.dispatch import jax_funcify

    energy = ebm.energies.Ising(coupling, 0.0 if method == "planar" else 0.3, graph=CHAIN)
    log_z = ebm.log_partition(energy, method=method)
    means = pt.grad(log_z, coupling)
    for loss, fits in ((log_z, True), (log_z + (means**2).sum(), False)):
        compiled = jax_funcify(pytensor.graph.FunctionGraph([coupling], [loss], clone=True))
        for wrap in (lambda f: f, jax.jit):
            slope = wrap(jax.grad(lambda v: compiled(v)[0]))  # noqa: B023
            if fits:
                np.testing.assert_allclose(
                    slope(J), pytensor.function([coupling], means)(J), atol=1e-12
                )
            else:
                with pytest.raises(NotImplementedError, match="no second derivatives"):
                    slope(J)


def test_inside_a_loop():
    _, loss = both("enumerate", lambda log_z, means: log_z)
    _, other = both("elimination", lambda log_z, means: log_z)

    def descend(f):
        return jax.lax.fori_loop(0, 3, lambda _, v: v - 0.1 * jax.grad(f)(v), AT)

    np.testing.assert_allclose(descend(loss), descend(other), atol=1e-12)
