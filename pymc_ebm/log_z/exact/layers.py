"""log Z of a restricted Boltzmann machine, by its smaller layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.energies.energy import constant_value
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.log_z.exact.moments_op import MomentsOp, log_z_of
from pymc_ebm.log_z.exact.problem import Method, Problem

MOST_UNITS = 26


class LayerMoments(MomentsOp):
    """Weights and biases, the enumerated layer first; see `pymc_ebm.kernels.two_layers`."""

    n_parameters = 3

    def kernel(self) -> Callable[..., tuple]:
        """Return the compiled function."""
        return kernels.two_layers.layer_moments


def _obstacle(problem: Problem) -> str | None:
    energy = problem.energy
    if not isinstance(energy, RBM):
        return f"{type(energy).__name__} is no restricted Boltzmann machine"
    unit = constant_value(problem.beta)
    if unit is None or not np.all(unit == 1.0):
        return "beta scales a free energy here; pass it to ebm.RBM, which scales the joint energy"
    if min(problem.n, energy.n_hidden) > MOST_UNITS:
        return (
            f"the smaller of its layers ({problem.n} visible, {energy.n_hidden} hidden) has more "
            f"than {MOST_UNITS} units"
        )
    return None


def _seconds(problem: Problem) -> float:
    sizes = sorted((problem.n, problem.energy.n_hidden))  # type: ignore[attr-defined]
    return 2.0 ** sizes[0] * (2e-8 * sizes[1] + 1e-7) + 1e-5


def _build(problem: Problem) -> TensorVariable:
    W, b, c = (problem.energy.parameters[name] for name in ("W", "b", "c"))
    if problem.energy.n_hidden <= problem.n:  # type: ignore[attr-defined]
        return log_z_of(LayerMoments(), W.T, b, c)
    return log_z_of(LayerMoments(), W, c, b)


def _describe(problem: Problem) -> str:
    hidden = problem.energy.n_hidden  # type: ignore[attr-defined]
    side = "hidden" if hidden <= problem.n else "visible"
    return f"enumeration of 2^{min(hidden, problem.n)} states of the {side} layer"


LAYERS = Method("layers", _obstacle, _seconds, _build, _describe)
