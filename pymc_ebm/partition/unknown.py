"""A log Z that nobody knows: it stands in the model for `ExchangeMH`, and stops all gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.graph.traversal import ancestors


class UnknownLogZ(Op):
    """Zero, whatever the parameters: the exchange algorithm never needs the value.

    A sampler that takes gradients would need ∂ log Z/∂θ, so there is none: PyMC then looks for
    another step, and finds `ExchangeMH`.
    """

    __props__: tuple[str, ...] = ()

    def __init__(self) -> None:
        _register_numba()

    def make_node(self, *parameters: Any) -> Apply:
        """Take the parameters that log Z depends on."""
        return Apply(self, [pt.as_tensor_variable(p) for p in parameters], [pt.dscalar()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Any) -> None:
        """Return zero."""
        output_storage[0][0] = np.asarray(0.0)

    def pullback(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable],
    ) -> list[Variable]:
        """Refuse."""
        raise NotImplementedError(
            "log_partition='exchange' leaves log Z unknown, so there is no gradient. Leave step= "
            "and nuts_sampler= out, or pass step=ebm.ExchangeMH([...]) for these parameters."
        )

    def do_constant_folding(self, fgraph: Any, node: Apply) -> bool:
        """Stay in the graph, where samplers can see it."""
        return False


def has_unknown(variable: Variable) -> bool:
    """Tell whether an expression contains an unknown log Z."""
    return any(
        v.owner is not None and isinstance(v.owner.op, UnknownLogZ) for v in ancestors([variable])
    )


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
        def unknown(*parameters):
            return np.asarray(0.0)

        return unknown
