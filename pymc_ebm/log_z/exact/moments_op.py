"""A PyTensor op that returns log Z and, as further outputs, its gradient."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.log_z.exact.backends import register_backends


class KernelOp(Op):
    """An op that runs a compiled function; inputs beyond the parameters are constants."""

    __props__: tuple[str, ...] = ()
    n_parameters = 2

    def __init__(self) -> None:
        register_backends(MomentsOp, DerivativeOp)

    @abstractmethod
    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Any) -> None:
        """Run the kernel."""
        results = self.kernel()(*(np.ascontiguousarray(v) for v in inputs))
        for storage, value in zip(output_storage, results, strict=True):
            storage[0] = np.asarray(value)


class MomentsOp(KernelOp):
    """log Z of natural parameters, and their sufficient statistics' means.

    The kernel returns log Z and one array a parameter, computed in one pass, so the gradient of
    log Z is another output of the same node. Inputs beyond the first `n_parameters` describe the
    graph; they are constants.
    """

    def derivative_op(self) -> Op | None:
        """Return the op of directional derivatives of the means; None if there is none.

        Its inputs are the parameters, their changes, and the description of the graph.
        """
        return None

    @property
    def no_second_derivatives(self) -> str:
        """What to say where they are asked for and there are none."""
        return (
            f"{type(self).__name__} has no second derivatives. "
            "log_partition='enumerate' has, for up to 30 spins."
        )

    def make_node(self, *inputs: Any) -> Apply:
        """Take float parameters, then constants."""
        parameters = [
            pt.as_tensor_variable(v).astype("float64") for v in inputs[: self.n_parameters]
        ]
        description = [pt.as_tensor_variable(v) for v in inputs[self.n_parameters :]]
        outputs = [pt.dscalar(), *(p.type() for p in parameters)]
        return Apply(self, [*parameters, *description], outputs)

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
                raise NotImplementedError(self.no_second_derivatives)
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


class DerivativeOp(KernelOp):
    """Directional derivatives of means; see `MomentsOp.derivative_op`.

    Its kernel takes the parameters, their changes, and the description of the graph, and returns
    one array a parameter.
    """

    def make_node(self, *inputs: Any) -> Apply:
        """Take float parameters and changes, then constants."""
        n = self.n_parameters
        values = [pt.as_tensor_variable(v).astype("float64") for v in inputs[: 2 * n]]
        description = [pt.as_tensor_variable(v) for v in inputs[2 * n :]]
        return Apply(self, [*values, *description], [p.type() for p in values[:n]])


def log_z_of(op: MomentsOp, *inputs: Any) -> TensorVariable:
    """Return the first output of an op."""
    outputs: Any = op(*inputs)
    return outputs[0]
