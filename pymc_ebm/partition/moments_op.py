"""A PyTensor op that returns log Z and, as further outputs, its gradient."""

from __future__ import annotations

import inspect
import zlib

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.tensor.variable import TensorVariable


class MomentsOp(Op):
    """log Z of natural parameters, and their sufficient statistics' means.

    The kernel computes both in one pass, so the gradient of log Z is another output of the same
    node. Inputs beyond the first `n_parameters` describe the graph; they are constants.
    """

    __props__: tuple[str, ...] = ()
    n_parameters = 2

    def __init__(self) -> None:
        _register_backends()

    @abstractmethod
    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function: inputs → (log Z, one array a parameter)."""

    def derivative_op(self) -> Op | None:
        """Return the op of directional derivatives of the means; None if there is none.

        Its inputs are the parameters, their changes, and the description of the graph.
        """
        return None

    def make_node(self, *inputs: Any) -> Apply:
        """Take float parameters, then constants."""
        parameters = [
            pt.as_tensor_variable(v).astype("float64") for v in inputs[: self.n_parameters]
        ]
        description = [pt.as_tensor_variable(v) for v in inputs[self.n_parameters :]]
        outputs = [pt.dscalar(), *(p.type() for p in parameters)]
        return Apply(self, [*parameters, *description], outputs)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Any) -> None:
        """Run the kernel."""
        results = self.kernel()(*(np.ascontiguousarray(v) for v in inputs))
        for storage, value in zip(output_storage, results, strict=True):
            storage[0] = np.asarray(value)

    def pullback(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable],
    ) -> list[Variable]:
        """Multiply the means with the cotangent of log Z; add second derivatives if asked for."""
        n = self.n_parameters
        parameters, description = list(inputs[:n]), list(inputs[n:])
        first: Any = cotangents[0]
        found: list[Any] = [None] * n
        if not isinstance(first.type, DisconnectedType):
            means: Any = self(*inputs)
            means = means[1:]
            found = [first * mean for mean in means]
        directions = cotangents[1:]
        if not all(isinstance(d.type, DisconnectedType) for d in directions):
            derivative = self.derivative_op()
            if derivative is None:
                raise NotImplementedError(
                    f"{type(self).__name__} has no second derivatives. "
                    "log_partition='enumerate' has, for up to 30 spins."
                )
            changes = [
                pt.zeros_like(p) if isinstance(d.type, DisconnectedType) else d
                for p, d in zip(parameters, directions, strict=True)
            ]
            second = derivative(*parameters, *changes, *description)
            found = [b if a is None else a + b for a, b in zip(found, second, strict=True)]  # type: ignore[arg-type]
        return [*found, *(disconnected_type() for _ in description)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Say that the description of the graph enters no gradient."""
        return [[k < self.n_parameters] * len(node.outputs) for k in range(len(node.inputs))]


class DerivativeOp(Op):
    """Directional derivatives of means; see `MomentsOp.derivative_op`.

    Its kernel takes the parameters, their changes, and the description of the graph, and returns
    one array a parameter.
    """

    __props__: tuple[str, ...] = ()
    n_parameters = 2

    @abstractmethod
    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""

    def make_node(self, *inputs: Any) -> Apply:
        """Take float parameters and changes, then constants."""
        n = self.n_parameters
        values = [pt.as_tensor_variable(v).astype("float64") for v in inputs[: 2 * n]]
        description = [pt.as_tensor_variable(v) for v in inputs[2 * n :]]
        return Apply(self, [*values, *description], [p.type() for p in values[:n]])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Any) -> None:
        """Run the kernel."""
        results = self.kernel()(*(np.ascontiguousarray(v) for v in inputs))
        for storage, value in zip(output_storage, results, strict=True):
            storage[0] = np.asarray(value)


def version_of(kernel: Any) -> int:
    """Return a number that changes with the source of a kernel's file.

    PyTensor keeps compiled ops on disk, kernels linked in, under a key that knows the op alone.

    Parameters
    ----------
    kernel : callable
        A compiled function.
    """
    return zlib.crc32(Path(inspect.getfile(kernel.py_func)).read_bytes())


_registered: set[str] = set()


def _register_backends() -> None:
    """Teach PyTensor's backends these ops; at first use, because numba takes long to import."""
    if "numba" not in _registered:
        _registered.add("numba")
        _register_numba()
    if "jax" not in _registered:
        try:
            import jax  # noqa: F401
        except ImportError:
            return
        _registered.add("jax")
        _register_jax()


def _register_numba() -> None:
    import numba

    from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

    @register_funcify_default_op_cache_key(MomentsOp)
    def funcify_moments(op: MomentsOp, node: Apply, **kwargs: Any) -> tuple[Callable, int]:
        kernel = op.kernel()
        if op.n_parameters == 2:

            @numba.njit
            def moments(first, second, *description):
                a, b = np.ascontiguousarray(first), np.ascontiguousarray(second)
                log_z, x, y = kernel(a, b, *description)
                return np.asarray(log_z), x, y

            return moments, version_of(kernel)
        if op.n_parameters == 1:

            @numba.njit
            def moments_of_one(first, *description):
                log_z, x = kernel(np.ascontiguousarray(first), *description)
                return np.asarray(log_z), x

            return moments_of_one, version_of(kernel)

        @numba.njit
        def moments_of_three(first, second, third):
            a, b, c = map_contiguous(first, second, third)
            log_z, x, y, z = kernel(a, b, c)
            return np.asarray(log_z), x, y, z

        return moments_of_three, version_of(kernel)

    @numba.njit
    def map_contiguous(first, second, third):
        return (
            np.ascontiguousarray(first),
            np.ascontiguousarray(second),
            np.ascontiguousarray(third),
        )

    @register_funcify_default_op_cache_key(DerivativeOp)
    def funcify_derivative(op: DerivativeOp, node: Apply, **kwargs: Any) -> tuple[Callable, int]:
        kernel = op.kernel()

        @numba.njit
        def derivative(a, b, c, d, *description):
            return kernel(
                np.ascontiguousarray(a),
                np.ascontiguousarray(b),
                np.ascontiguousarray(c),
                np.ascontiguousarray(d),
                *description,
            )

        return derivative, version_of(kernel)


def _register_jax() -> None:
    import jax

    from pytensor.link.jax.dispatch import jax_funcify

    @jax_funcify.register(MomentsOp)
    def funcify_moments(op: MomentsOp, **kwargs: Any) -> Callable:
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


def log_z_of(op: MomentsOp, *inputs: Any) -> TensorVariable:
    """Return the first output of an op.

    Parameters
    ----------
    op : MomentsOp
        The op.
    *inputs : tensor_like
        Its inputs.
    """
    outputs: Any = op(*inputs)
    return outputs[0]
