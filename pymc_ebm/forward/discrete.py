"""Forward draws of discrete variables: enumeration where it is possible, else chains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import pytensor
import pytensor.tensor as pt

from pytensor.compile.mode import Mode
from pytensor.tensor.variable import TensorVariable

from pymc_ebm import kernels
from pymc_ebm.energies.energy import Energy
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.forward.mixing import Mixing, judge
from pymc_ebm.forward.spins import draw_spins
from pymc_ebm.moves.heat_bath import HeatBath

ENUMERATED_STATES = 2**18
CHUNK = 2**14
PILOT_CHAINS = 4
PILOT_RECORDS = 400
PILOT_UPDATES = 50_000_000  # about two seconds
PY = Mode(linker="py", optimizer="fast_compile")


def draw_discrete(
    energy: Energy,
    rng: np.random.Generator,
    parameters: Mapping[str, np.ndarray],
    beta: float,
    count: int,
) -> tuple[np.ndarray, Mixing | None]:
    """Draw `count` configurations of a discrete energy.

    Parameters
    ----------
    energy : Energy
        Template with a known event shape.
    rng : numpy.random.Generator
        Source of randomness.
    parameters : mapping of str to ndarray
        Values of the energy's parameters, without batch dimensions.
    beta : float
        Inverse temperature.
    count : int
        Number of independent draws.

    Returns
    -------
    values : ndarray of int8, shape (count, n)
    mixing : Mixing or None
        None if the draws are exact.

    Raises
    ------
    ValueError
        If there are too many configurations to enumerate and the energy is not pairwise.
    """
    if energy.ising_form() is not None:
        return draw_spins(energy, rng, parameters, beta, count)
    assert energy.states is not None
    assert energy.event_shape is not None
    n, states = int(np.prod(energy.event_shape)), np.asarray(energy.states)
    if len(states) ** float(n) <= ENUMERATED_STATES:
        key = tuple(parameters[name].tobytes() for name in energy.parameters)
        shapes = tuple(parameters[name].shape for name in energy.parameters)
        dtypes = tuple(parameters[name].dtype.str for name in energy.parameters)
        cumulative = _cumulative(energy, key, shapes, dtypes, beta)
        chosen = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
        return states[_digits(chosen, len(states), n)].astype(np.int8), None
    if isinstance(energy, RBM) and beta == 1.0:
        joint = RBM(*(pt.as_tensor_variable(parameters[name]) for name in "Wbc")).joint()
        values = {name: value.eval(mode=PY) for name, value in joint.parameters.items()}
        units, mixing = draw_spins(joint, rng, values, 1.0, count)
        return units[:, :n], mixing
    if energy.pairwise_form() is None:
        raise ValueError(
            f"{type(energy).__name__}: {len(states)}^{n} configurations are too many to enumerate "
            f"(more than {ENUMERATED_STATES:,}), and this energy is not pairwise, so there is no "
            "forward sampler for it. Sample it with pm.sample instead of pm.draw or prior "
            "predictive."
        )
    return _by_heat_bath(energy, rng, parameters, beta, count)


def _digits(numbers: np.ndarray, q: int, n: int) -> np.ndarray:
    """Write configuration numbers in base q, shape (len(numbers), n)."""
    return (numbers[:, None] // q ** np.arange(n)) % q


@lru_cache(maxsize=8)
def _cumulative(
    energy: Energy,
    values: tuple[bytes, ...],
    shapes: tuple[tuple[int, ...], ...],
    dtypes: tuple[str, ...],
    beta: float,
) -> np.ndarray:
    """Cumulative weights of all configurations."""
    parameters = [
        np.frombuffer(value, dtype).reshape(shape)
        for value, shape, dtype in zip(values, shapes, dtypes, strict=True)
    ]
    assert energy.states is not None
    assert energy.event_shape is not None
    n, states = int(np.prod(energy.event_shape)), np.asarray(energy.states)
    x = pt.tensor("x", shape=(None, *energy.event_shape), dtype="float64")
    inputs = _inputs(energy)
    evaluate = pytensor.function(
        [x, *inputs.values()], energy.replace(**inputs)(x), mode=PY, on_unused_input="ignore"
    )
    total = len(states) ** n
    energies = np.concatenate(
        [
            evaluate(
                states[_digits(np.arange(start, min(start + CHUNK, total)), len(states), n)]
                .reshape(-1, *energy.event_shape)
                .astype(float),
                *parameters,
            )
            for start in range(0, total, CHUNK)
        ]
    )
    return np.cumsum(np.exp(-beta * (energies - energies.min())))


def _inputs(energy: Energy) -> dict[str, TensorVariable]:
    """Return free inputs that stand for an energy's parameters, without batch dimensions."""
    return {
        name: pt.tensor(shape=p.type.shape[p.ndim - energy.core_ndims[name] :], dtype=p.dtype)
        for name, p in energy.parameters.items()
    }


@lru_cache(maxsize=32)
def _numeric_form(energy: Energy) -> tuple[object, Callable[..., list[np.ndarray]]]:
    """Compile parameters → (J, field) of the pairwise form."""
    inputs = _inputs(energy)
    form = energy.replace(**inputs).pairwise_form()
    assert form is not None
    compiled = pytensor.function(
        list(inputs.values()), [form.J, form.field], mode=PY, on_unused_input="ignore"
    )
    return form, compiled


def _by_heat_bath(
    energy: Energy,
    rng: np.random.Generator,
    parameters: Mapping[str, np.ndarray],
    beta: float,
    count: int,
) -> tuple[np.ndarray, Mixing]:
    """Run chains for as long as pilot chains from dispersed starts took to agree."""
    form, evaluate = _numeric_form(energy)
    J, field = evaluate(*parameters.values())
    graph, q = form.graph, len(form.states)  # type: ignore[attr-defined]
    n = graph.n_vertices
    move = HeatBath(graph, beta * J, np.ascontiguousarray(form.interaction))  # type: ignore[attr-defined]
    table = np.ascontiguousarray(np.broadcast_to(beta * field, (*graph.shape, q)).reshape(n, q))
    pilot_rng = np.random.default_rng(20250101)  # draws depend on their own seed and nothing else
    interval = 1
    while True:
        series = np.empty((2, PILOT_CHAINS, PILOT_RECORDS))
        for c, x in enumerate(_dispersed(pilot_rng, PILOT_CHAINS, n, q)):
            state = kernels.xoshiro.seed_state(pilot_rng)
            for t in range(PILOT_RECORDS):
                move.sweep(x, table, interval, state)
                counts = np.bincount(x, minlength=q) / n
                series[:, c, t] = counts[0], np.sum(counts**2)
        rhat, ess = judge(series[..., PILOT_RECORDS // 2 :])
        mixing = Mixing("heat-bath sweeps", PILOT_RECORDS // 2 * interval, rhat, ess)
        if mixing.converged or 4 * PILOT_CHAINS * PILOT_RECORDS * interval * n > PILOT_UPDATES:
            break
        interval *= 2
    draws = _dispersed(rng, count, n, q)
    for x in draws:
        move.sweep(x, table, mixing.steps, kernels.xoshiro.seed_state(rng))
    return np.asarray(form.states)[draws].astype(np.int8), mixing  # type: ignore[attr-defined]


def _dispersed(rng: np.random.Generator, count: int, n: int, q: int) -> np.ndarray:
    """Draw state numbers with proportions that differ from chain to chain."""
    return np.stack([rng.choice(q, n, p=rng.dirichlet(np.ones(q))) for _ in range(count)]).astype(
        np.int8
    )
