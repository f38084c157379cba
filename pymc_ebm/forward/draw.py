"""Drawing from a Boltzmann distribution with known parameters."""

from __future__ import annotations

import warnings

from collections.abc import Mapping
from weakref import WeakSet

import numpy as np

from pymc_ebm.energies.custom import Custom
from pymc_ebm.energies.energy import Energy
from pymc_ebm.forward.discrete import draw_discrete
from pymc_ebm.forward.function_rows import draw_rows, reaches_rows
from pymc_ebm.forward.langevin import draw_real
from pymc_ebm.forward.mixing import Mixing

_warned: WeakSet[Energy] = WeakSet()


def draw(
    energy: Energy,
    rng: np.random.Generator,
    parameters: Mapping[str, np.ndarray],
    beta: np.ndarray,
    size: tuple[int, ...] | None,
) -> np.ndarray:
    """Draw configurations of shape ``(*batch, *event)``, independent of each other.

    `energy`: template; its own parameters are not used; `rng`: source of randomness. The same
    generator and parameters give the same draws; `parameters`: parameter values, with batch
    dimensions in front; `beta`: inverse temperature, scalar or of batch shape; `size`: batch shape;
    by default that of the parameters.

    Warns
    -----
    UserWarning
        Once an energy, where no exact method applies: what was run and how well it mixed.
    """
    if isinstance(energy, Custom) and energy.batch_shape and reaches_rows(energy):
        assert size is not None
        return draw_rows(energy, rng, parameters, beta, size)
    if isinstance(energy, Custom) and energy.batch_shape:
        # the function sees the whole batch at once, so the batch is drawn as one configuration
        assert size is not None
        size = size[: len(size) - len(energy.batch_shape)]
        energy = energy.joined
    assert energy.event_shape is not None
    batches = {
        name: value.shape[: value.ndim - energy.core_ndims[name]]
        for name, value in parameters.items()
    }
    if size is None:
        size = np.broadcast_shapes(*batches.values(), beta.shape)
    draw_many = draw_real if energy.states is None else draw_discrete
    one_distribution = np.prod([*beta.shape, *(n for b in batches.values() for n in b)]) == 1
    if one_distribution:
        core = {
            name: value.reshape(value.shape[value.ndim - energy.core_ndims[name] :])
            for name, value in parameters.items()
        }
        count = int(np.prod(size))
        values, mixing = draw_many(energy, rng, core, float(beta.reshape(())), count)
        _tell(energy, mixing)
        return values.reshape(*size, *energy.event_shape)
    full = {
        name: np.broadcast_to(value, (*size, *value.shape[value.ndim - energy.core_ndims[name] :]))
        for name, value in parameters.items()
    }
    betas = np.broadcast_to(beta, size)
    out = np.empty((*size, *energy.event_shape))
    for index in np.ndindex(*size):
        core = {name: value[index] for name, value in full.items()}
        values, mixing = draw_many(energy, rng, core, float(betas[index]), 1)
        _tell(energy, mixing)
        out[index] = values[0].reshape(energy.event_shape)
    return out


def _tell(energy: Energy, mixing: Mixing | None) -> None:
    if mixing is None or energy in _warned:
        return
    _warned.add(energy)
    warnings.warn(
        f"{type(energy).__name__}: forward draws of this energy are not exact. {mixing.sentence()}",
        UserWarning,
        stacklevel=2,
    )
