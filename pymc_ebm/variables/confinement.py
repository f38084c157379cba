"""First evaluation of a real-valued energy: finite at the start, growing far out."""

from __future__ import annotations

import warnings

from collections.abc import Callable, Iterator

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from pymc.pytensorf import rvs_in_graph
from pytensor.compile.mode import Mode
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy

NEAR, FAR = 1e9, 1e12  # far beyond any scale a model is written in, and squares stay finite
COORDINATES = 8  # directions along axes, sums and differences are tried for so many coordinates
RANDOM_DIRECTIONS = 8


def check_real_energy(owner: str, energy: Energy, rv: TensorVariable, start: np.ndarray) -> None:
    """Evaluate a new variable's energy before anything is sampled.

    `owner`: what messages call the variable; `energy`: the variable's energy; `rv`: the variable,
    for its parameters; `start`: where sampling starts.

    Raises
    ------
    ValueError
        If the energy is not finite at `start` or has the wrong shape there.

    Warns
    -----
    UserWarning
        If the energy does not grow along some ray, so that Z is infinite.
    """
    evaluate, beta = _compiled(energy, rv)
    batch = start.shape[: start.ndim - energy.event_ndim]
    with np.errstate(all="ignore"):
        value = np.asarray(evaluate(start))
        if value.shape != batch:
            raise ValueError(
                f"{owner}: the energy maps a configuration of shape {start.shape} to shape "
                f"{value.shape}; expected {batch}. Sum over the event dimensions."
            )
        if not np.all(np.isfinite(value)):
            where = "0" if not start.any() else "initval"
            raise ValueError(
                f"{owner}: the energy is {value.flat[np.argmin(np.isfinite(value))]} at {where}, "
                "where chains start. Pass initval= with a point of finite energy, or mend the "
                "expression (a log or a root of 0 is the usual cause)."
            )
        direction = _flat_direction(evaluate, start, beta)
    if direction is not None:
        shown = np.array2string(direction, precision=2, threshold=8)
        warnings.warn(
            f"{owner}: the energy does not grow along the direction {shown}, so exp(-beta E) "
            "cannot be normalised and chains drift away. Add a confining term, e.g. "
            "`+ ebm.energies.Gaussian(scale=10.0)` or `+ 0.005 * pt.sum(x**2)`.",
            UserWarning,
            stacklevel=4,
        )


def _compiled(
    energy: Energy, rv: TensorVariable
) -> tuple[Callable[[np.ndarray], np.ndarray], float]:
    """Compile E(x) at the parameters' values, or at one prior draw of random ones."""
    params = rv.owner.inputs[2:]
    mode = Mode(
        linker="py", optimizer="fast_compile"
    )  # called a hundred times: compiling costs more
    if rvs_in_graph(params):
        params = [
            pt.as_tensor_variable(draw) for draw in pm.draw(list(params), random_seed=0, mode=mode)
        ]
    bound, beta, _ = rv.owner.op.bind(params)
    x = rv.type("x")
    evaluate = pytensor.function([x], [bound(x), beta], mode=mode, on_unused_input="ignore")
    beta_now = evaluate(np.zeros(x.type.shape, x.dtype))[1]
    return lambda point: evaluate(np.asarray(point, x.dtype))[0], float(np.min(beta_now))


def _flat_direction(
    evaluate: Callable[[np.ndarray], np.ndarray], start: np.ndarray, beta: float
) -> np.ndarray | None:
    """Return a direction along which ``∫ exp(−βE) dt`` diverges, if one of those tried does.

    Along a line the integral converges if βE grows faster than log t; for a direction in general
    position, where a whole cone behaves alike, it must grow faster than d log t.
    """
    d = start.size
    for direction, needed in [
        *((u, 1.0) for u in _special_directions(d)),
        *((u, float(d)) for u in _random_directions(d)),
    ]:
        ray = direction.reshape(start.shape)
        near, far = (float(np.sum(evaluate(start + t * ray))) for t in (NEAR, FAR))
        if np.isnan(near) or np.isnan(far) or np.isinf(near):
            if near == -np.inf or far == -np.inf:
                return ray
            continue
        if beta * (far - near) <= needed * np.log(FAR / NEAR):
            return ray
    return None


def _special_directions(d: int) -> Iterator[np.ndarray]:
    """Yield axes, the diagonal, and sums and differences of pairs of coordinates."""
    axes = np.eye(d)[: min(d, COORDINATES)]
    yield from axes
    yield from -axes
    if d > 1:
        yield np.ones(d)
        yield -np.ones(d)
        for i, first in enumerate(axes):
            for second in axes[:i]:
                yield first + second
                yield first - second


def _random_directions(d: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(RANDOM_DIRECTIONS if d > 1 else 0):
        direction = rng.standard_normal(d)
        yield direction / np.linalg.norm(direction)
