"""Forward draws of real variables: a closed form, else Metropolis-adjusted Langevin chains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
import pytensor
import pytensor.tensor as pt

from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy
from pymc_ebm.forward.mixing import Mixing, judge
from pymc_ebm.moves.hamiltonian import hamiltonian_move

START_SCALE = 2.0
TARGET_ACCEPTANCE = 0.574  # optimal scaling of MALA, Roberts & Rosenthal (1998)
# Where the energy is steep, far from its minimum, the step that suits the bulk is never accepted.
# Each step picks one of these factors at random, so that every start finds its way down.
STEP_FACTORS = (1.0, 1.0, 1.0, 0.1, 0.01)
PILOT_CHAINS = 16
REMEMBERED_PLANS = 32
PILOT_STEPS = (400, 2000, 10_000)

ValueAndGradient = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def draw_real(
    energy: Energy,
    rng: np.random.Generator,
    parameters: Mapping[str, np.ndarray],
    beta: float,
    count: int,
) -> tuple[np.ndarray, Mixing | None]:
    """Draw `count` configurations (count, *event) of an energy with a known event shape.

    `parameters` have no batch dimensions. The second value is None if the draws are exact.
    """
    event = energy.event_shape
    assert event is not None
    exact = energy.exact_draws(rng, count, event, beta, **parameters)
    if exact is not None:
        return exact, None
    compiled = _compile(energy)

    def value_and_gradient(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, gradient = compiled(x, *parameters.values())
        return beta * value, beta * gradient

    inside = [v.get_value(borrow=True) for v in compiled.get_shared()]  # data of the energy's own
    key = (beta, *(np.asarray(value).tobytes() for value in (*parameters.values(), *inside)))
    plan = _plans.get((energy, key))
    if plan is None:
        plan = _pilot(value_and_gradient, event)
        if len(_plans) >= REMEMBERED_PLANS:
            _plans.pop(next(iter(_plans)))  # the oldest
        _plans[energy, key] = plan
    x = START_SCALE * rng.standard_normal((count, *event))
    x, *_ = _langevin(value_and_gradient, x, plan.step_size, plan.mixing.steps, rng)
    return x, plan.mixing


@dataclass(frozen=True)
class _Plan:
    step_size: float
    mixing: Mixing


_plans: dict[tuple, _Plan] = {}


@lru_cache(maxsize=32)
def _compile(energy: Energy) -> Any:
    """Compile (x, parameters) → (E, dE/dx) for a batch of configurations."""
    assert energy.event_shape is not None
    inputs = {
        name: pt.tensor(shape=p.type.shape[p.ndim - energy.core_ndims[name] :], dtype=p.dtype)
        for name, p in energy.parameters.items()
    }
    x = pt.tensor("x", shape=(None, *energy.event_shape))
    value = energy.replace(**inputs)(x)
    gradient = cast(TensorVariable, pt.grad(value.sum(), x))
    return pytensor.function([x, *inputs.values()], [value, gradient], on_unused_input="ignore")


def _langevin(
    value_and_gradient: ValueAndGradient,
    x: np.ndarray,
    base_step: float,
    steps: int,
    rng: np.random.Generator,
    *,
    adapt: bool = False,
) -> tuple[np.ndarray, float, np.ndarray]:
    """Run MALA on many chains at once; return the states, the step size and the energy traces."""
    found: tuple[np.ndarray, ...] = value_and_gradient(x)
    trace = np.empty((len(x), steps))
    for t in range(steps):
        factor = rng.choice(STEP_FACTORS)
        step = np.sqrt(2 * factor * base_step)  # a leapfrog step of this size is one of Langevin's
        x, found, chance = hamiltonian_move(x, found, step, 1, value_and_gradient, rng)
        if adapt and factor == 1.0:
            base_step *= np.exp((chance.mean() - TARGET_ACCEPTANCE) / np.sqrt(1 + t / 10))
        trace[:, t] = found[0]
    return x, base_step, trace


def _pilot(value_and_gradient: ValueAndGradient, event: tuple[int, ...]) -> _Plan:
    """Find a step size and a length that make chains from dispersed starts agree.

    Run from a generator of its own, so that draws depend on their seed and nothing else.
    """
    rng = np.random.default_rng(20250101)

    def dispersed() -> np.ndarray:
        return START_SCALE * rng.standard_normal((PILOT_CHAINS, *event))

    for steps in PILOT_STEPS:
        _, step_size, _ = _langevin(value_and_gradient, dispersed(), 0.1, 300, rng, adapt=True)
        x = dispersed()
        records = []
        for _ in range(200):
            x, _, trace = _langevin(value_and_gradient, x, step_size, steps // 200, rng)
            records.append(np.column_stack([trace[:, -1], x.reshape(len(x), -1)]))
        series = np.moveaxis(np.asarray(records), (0, 1, 2), (2, 1, 0))[..., 100:]
        mixing = Mixing("MALA steps", steps // 2, *judge(series))
        if mixing.converged:
            break
    return _Plan(step_size, mixing)
