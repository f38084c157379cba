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
    """Register ops of log Z and of its derivatives; at first use, for numba and JAX load slowly."""
    _register_numba(moments_op, derivative_op)
    try:
        import jax  # noqa: F401
    except ImportError:
        return
    _register_jax(moments_op, derivative_op)


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


def _register_jax(moments_op: type, derivative_op: type) -> None:
    import jax

    from jax.custom_derivatives import SymbolicZero
    from pytensor.link.jax.dispatch import jax_funcify

    def on_host(kernel: Callable, parameters: Any, description: Any, shapes: Any) -> Any:
        """Run a kernel outside of JAX, for outputs of the given shapes."""
        constants = [np.asarray(a) for a in description]

        def run(*arrays: Any) -> tuple[np.ndarray, ...]:
            results = kernel(*(np.ascontiguousarray(a) for a in arrays), *constants)
            return tuple(np.asarray(r, dtype=np.float64) for r in results)

        found = tuple(jax.ShapeDtypeStruct(shape, np.float64) for shape in shapes)
        return jax.pure_callback(run, found, *parameters, vmap_method="sequential")

    @jax_funcify.register(derivative_op)
    def funcify_derivative(op: Any, node: Apply, **kwargs: Any) -> Callable:
        kernel, n = op.kernel(), len(node.outputs)

        def derivative(*inputs: Any) -> tuple[Any, ...]:
            shapes = [p.shape for p in inputs[:n]]
            return on_host(kernel, inputs[: 2 * n], inputs[2 * n :], shapes)

        return derivative

    @jax_funcify.register(moments_op)
    def funcify_moments(op: Any, **kwargs: Any) -> Callable:
        kernel, n, second = op.kernel(), op.n_parameters, op.derivative_op()

        def moments(*inputs: Any) -> tuple[Any, ...]:
            description = inputs[n:]

            @jax.custom_vjp
            def with_gradient(*parameters: Any) -> tuple[Any, ...]:
                shapes = [(), *(p.shape for p in parameters)]
                return on_host(kernel, parameters, description, shapes)

            def forward(*perturbed: Any) -> tuple[Any, Any]:
                parameters = [p.value for p in perturbed]
                outputs = with_gradient(*parameters)
                return outputs, (parameters, outputs[1:])

            def backward(kept: Any, cotangents: Any) -> tuple[Any, ...]:
                parameters, means = kept
                first, *directions = cotangents
                found = [0.0 if isinstance(first, SymbolicZero) else first * m for m in means]
                if not all(isinstance(d, SymbolicZero) for d in directions):
                    if second is None:
                        raise NotImplementedError(op.no_second_derivatives)
                    changes = [
                        np.zeros(p.shape) if isinstance(d, SymbolicZero) else d
                        for p, d in zip(parameters, directions, strict=True)
                    ]
                    more = on_host(
                        second.kernel(),
                        [*parameters, *changes],
                        description,
                        [p.shape for p in parameters],
                    )
                    found = [a + b for a, b in zip(found, more, strict=True)]
                return tuple(a + np.zeros(p.shape) for a, p in zip(found, parameters, strict=True))

            with_gradient.defvjp(forward, backward, symbolic_zeros=True)
            return with_gradient(*inputs[:n])

        return moments
