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
from pymc_ebm.energies.pairwise import Pairwise
from pymc_ebm.energies.rbm import RBM
from pymc_ebm.forward.elimination import draw_by_elimination, has_low_tree_width
from pymc_ebm.forward.mixing import Advance, Mixing, find_length
from pymc_ebm.forward.spins import draw_spins
from pymc_ebm.graphs import Graph
from pymc_ebm.moves.heat_bath import HeatBath

ENUMERATED_STATES = 2**18
CHUNK = 2**14
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
        W, b, c = (parameters[name] for name in "Wbc")
        values = {"J": W.reshape(-1), "h": np.concatenate([b, c])}
        units, mixing = draw_spins(_joint(*W.shape), rng, values, 1.0, count)
        return units[:, :n], mixing
    if energy.pairwise_form() is None:
        raise ValueError(
            f"{type(energy).__name__}: {len(states)}^{n} configurations are too many to enumerate "
            f"(more than {ENUMERATED_STATES:,}), and this energy is not pairwise, so there is no "
            "forward sampler for it. Sample it with pm.sample instead of pm.draw or prior "
            "predictive."
        )
    return _draw_pairwise(energy, rng, parameters, beta, count)


@lru_cache(maxsize=8)
def _joint(n_visible: int, n_hidden: int) -> Energy:
    """Return the energy over both layers of a restricted Boltzmann machine of a given size."""
    return RBM(np.zeros((n_visible, n_hidden))).joint()


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
def _numeric_form(energy: Energy) -> tuple[Pairwise, Callable[..., list[np.ndarray]]]:
    """Compile parameters → (J, field) of the pairwise form."""
    inputs = _inputs(energy)
    form = energy.replace(**inputs).pairwise_form()
    assert form is not None
    compiled = pytensor.function(
        list(inputs.values()), [form.J, form.field], mode=PY, on_unused_input="ignore"
    )
    return form, compiled


def _draw_pairwise(
    energy: Energy,
    rng: np.random.Generator,
    parameters: Mapping[str, np.ndarray],
    beta: float,
    count: int,
) -> tuple[np.ndarray, Mixing | None]:
    """Draw exactly where tree-width is low, else run chains as long as pilots took to agree."""
    form, evaluate = _numeric_form(energy)
    J, field = evaluate(*parameters.values())
    graph, q = form.graph, len(form.states)
    states = np.asarray(form.states)
    coupling = np.broadcast_to(beta * J, (graph.n_edges,))
    everywhere = (*graph.shape, q)
    table = np.ascontiguousarray(np.broadcast_to(beta * field, everywhere).reshape(-1, q))
    interaction = np.ascontiguousarray(form.interaction)
    if has_low_tree_width(graph, q):
        numbers = draw_by_elimination(graph, coupling, interaction, table, rng, count)
        return states[numbers].astype(np.int8), None
    mixing = _pilot(graph, coupling.tobytes(), interaction.tobytes(), table.tobytes())
    move = HeatBath(graph, coupling, interaction)
    numbers = _dispersed(rng, count, graph.n_vertices, q)
    for x in numbers:
        move.sweep(x, table, mixing.steps, kernels.xoshiro.seed_state(rng))
    return states[numbers].astype(np.int8), mixing


@lru_cache(maxsize=32)
def _pilot(graph: Graph, coupling: bytes, interaction: bytes, field: bytes) -> Mixing:
    """Find how many sweeps make chains from dispersed starts agree in their states' shares."""
    n = graph.n_vertices
    table = np.frombuffer(field).reshape(n, -1)
    q = table.shape[1]
    move = HeatBath(graph, np.frombuffer(coupling), np.frombuffer(interaction).reshape(q, q))

    def new_chain(rng: np.random.Generator) -> Advance:
        x = _dispersed(rng, 1, n, q)[0]
        state = kernels.xoshiro.seed_state(rng)

        def advance(sweeps: int) -> tuple[float, ...]:
            move.sweep(x, table, sweeps, state)
            shares = np.bincount(x, minlength=q) / n
            return shares[0], np.sum(shares**2)

        return advance

    return find_length("heat-bath sweeps", new_chain, PILOT_UPDATES / n)


def _dispersed(rng: np.random.Generator, count: int, n: int, q: int) -> np.ndarray:
    """Draw state numbers with proportions that differ from chain to chain."""
    return np.stack([rng.choice(q, n, p=rng.dirichlet(np.ones(q))) for _ in range(count)]).astype(
        np.int8
    )
