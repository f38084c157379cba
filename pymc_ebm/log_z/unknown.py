"""A log Z that nobody knows: it stands in the model for `ExchangeMH`, and stops all gradients."""

from __future__ import annotations

import weakref

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.graph.traversal import ancestors
from pytensor.raise_op import CheckAndRaise

MESSAGE = (
    "log_partition='exchange' leaves log Z unknown, so this log-probability is known to ExchangeMH "
    "alone. Use pm.sample() without step=, or log_partition='auto', 'pseudo' or a table for "
    "find_MAP, sequential Monte Carlo, gradients and log-likelihoods."
)


class UnknownLogZ(Op):
    """Zero while an `ExchangeMH` step is there, which needs no value; NaN otherwise.

    A sampler that takes gradients would need ∂ log Z/∂θ, so there is none: PyMC then looks for
    another step, and finds `ExchangeMH`. The first input says whether the value may be left out.
    """

    __props__: tuple[str, ...] = ()

    def __init__(self) -> None:
        _register_numba()

    def make_node(self, *inputs: Any) -> Apply:
        """Take a shared number, NaN where log Z is needed, and what log Z depends on."""
        return Apply(self, [pt.as_tensor_variable(v) for v in inputs], [pt.dscalar()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Any) -> None:
        """Return zero where the value may be left out, else NaN."""
        output_storage[0][0] = np.asarray(inputs[0], dtype=float)

    def pullback(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable],
    ) -> list[Variable]:
        """Refuse."""
        raise NotImplementedError(MESSAGE)

    def do_constant_folding(self, fgraph: Any, node: Apply) -> bool:
        """Stay in the graph, where samplers can see it."""
        return False


def unknown_log_z(*parameters: Variable) -> Variable:
    """Return the log Z that nobody knows, of an energy with these parameters."""
    permitted = pytensor.shared(np.asarray(np.nan), name="log_z_left_out")
    return UnknownLogZ()(permitted, *parameters)  # type: ignore[return-value]


def require_known(log_z: Variable) -> Variable:
    """Let a log-probability fail where its log Z is unknown and needed; forward draws never are."""
    if not has_unknown(log_z):
        return log_z
    require = CheckAndRaise(ValueError, MESSAGE)
    return require(log_z, pt.invert(pt.isnan(log_z)))  # type: ignore[return-value]


def unknown_nodes(variable: Variable) -> list[Apply]:
    """Return the places in an expression where log Z is unknown."""
    nodes = [v.owner for v in ancestors([variable]) if v.owner is not None]
    return [node for node in nodes if isinstance(node.op, UnknownLogZ)]


def has_unknown(variable: Variable) -> bool:
    """Tell whether an expression contains an unknown log Z."""
    return bool(unknown_nodes(variable))


def permit_while_alive(step: Any, variables: Sequence[Variable]) -> None:
    """Let the unknown log Z of variables be left out for as long as a step exists."""
    for variable in variables:
        for node in unknown_nodes(variable):
            permitted: Any = node.inputs[0]
            permitted.set_value(np.asarray(0.0))
            weakref.finalize(step, permitted.set_value, np.asarray(np.nan))


_registered = False


def _register_numba() -> None:
    """Teach the numba backend; at first use, because numba takes long to import."""
    global _registered
    if _registered:
        return
    _registered = True
    import numba

    from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

    @register_funcify_default_op_cache_key(UnknownLogZ)
    def funcify(op: UnknownLogZ, node: Apply, **kwargs: Any) -> Any:
        @numba.njit
        def unknown(permitted, *parameters):
            return permitted.copy()

        return unknown, 3
