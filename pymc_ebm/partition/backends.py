"""Teaching PyTensor's numba and JAX backends the ops of compiled kernels."""

from __future__ import annotations

import zlib

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pytensor.graph.basic import Apply

from pymc_ebm import kernels


@cache
def register_backends(moments_op: type, derivative_op: type) -> None:
    """Register two kinds of ops; at first use, because numba and JAX take long to import.

    Parameters
    ----------
    moments_op : type
        Of ops whose kernel returns a scalar first.
    derivative_op : type
        Of ops whose kernel returns arrays.
    """
    _register_numba(moments_op, derivative_op)
    try:
        import jax  # noqa: F401
    except ImportError:
        return
    _register_jax(moments_op)


@cache
def kernels_version() -> int:
    """Return a number that changes with the source of any kernel.

    PyTensor keeps compiled ops on disk, kernels linked in, under a key that knows the op alone.
    """
    files = sorted(Path(next(iter(kernels.__path__))).glob("*.py"))
    return zlib.crc32(b"".join(file.read_bytes() for file in files))


def _register_numba(moments_op: type, derivative_op: type) -> None:
    import numba

    from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

    @register_funcify_default_op_cache_key(moments_op)
    def funcify_moments(op: Any, node: Apply, **kwargs: Any) -> tuple[Callable, int]:
        kernel = op.kernel()

        @numba.njit
        def moments(*inputs):
            results = kernel(*inputs)
            return (np.asarray(results[0]), *results[1:])

        return moments, kernels_version()

    @register_funcify_default_op_cache_key(derivative_op)
    def funcify_derivative(op: Any, node: Apply, **kwargs: Any) -> tuple[Callable, int]:
        return op.kernel(), kernels_version()


def _register_jax(moments_op: type) -> None:
    import jax

    from pytensor.link.jax.dispatch import jax_funcify

    @jax_funcify.register(moments_op)
    def funcify_moments(op: Any, **kwargs: Any) -> Callable:
        kernel, n = op.kernel(), op.n_parameters

        def on_host(*arrays: Any) -> tuple[np.ndarray, ...]:
            results = kernel(*(np.ascontiguousarray(a) for a in arrays))
            return tuple(np.asarray(r, dtype=np.float64) for r in results)

        def moments(*inputs: Any) -> tuple[Any, ...]:
            description = [np.asarray(a) for a in inputs[n:]]

            def call(*parameters: Any) -> tuple[Any, ...]:
                shapes = [jax.ShapeDtypeStruct((), np.float64)]
                shapes += [jax.ShapeDtypeStruct(p.shape, np.float64) for p in parameters]
                return jax.pure_callback(
                    lambda *arrays: on_host(*arrays, *description),
                    tuple(shapes),
                    *parameters,
                    vmap_method="sequential",
                )

            @jax.custom_vjp
            def with_gradient(*parameters: Any) -> tuple[Any, ...]:
                return call(*parameters)

            def forward(*parameters: Any) -> tuple[Any, Any]:
                outputs = call(*parameters)
                return outputs, outputs[1:]

            def backward(means: Any, cotangents: Any) -> tuple[Any, ...]:
                return tuple(cotangents[0] * mean for mean in means)

            with_gradient.defvjp(forward, backward)
            return with_gradient(*inputs[:n])

        return moments
