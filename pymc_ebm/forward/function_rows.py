"""Forward draws of a function's rows: each row is a distribution of its own, and enumerated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray

from pymc_ebm.dependence import PY
from pymc_ebm.energies.custom import Custom

MOST_ENTRIES = 2**23  # of all rows' configurations together


def configurations(energy: Custom) -> NDArray[np.int64]:
    """Return all configurations of one row, shape (K, *event)."""
    states, event = energy.states, energy.event_shape
    assert states is not None
    assert event is not None
    n = int(np.prod(event))
    return states.values[np.indices((len(states),) * n).reshape(n, -1).T].reshape(-1, *event)


def reaches_rows(energy: Custom) -> bool:
    """Tell whether the configurations of all rows are few enough."""
    if energy.states is None or energy.event_shape is None:
        return False
    n = int(np.prod(energy.event_shape))
    rows = float(np.prod(energy.batch_shape))
    return len(energy.states) ** float(n) * n * rows <= MOST_ENTRIES


def draw_rows(
    energy: Custom,
    rng: np.random.Generator,
    parameters: Mapping[str, NDArray],
    beta: NDArray[np.float64],
    size: tuple[int, ...],
) -> NDArray[np.int64]:
    """Draw exactly, shape ``(*size, *event)``; `size` ends with the function's batch."""
    batch_ndim = len(energy.batch_shape)
    values = configurations(energy)
    spread = values.reshape(len(values), *(1,) * batch_ndim, *values.shape[1:])
    every = np.broadcast_to(spread, (len(values), *energy.batch_shape, *values.shape[1:]))
    bound = energy.replace(**{k: pt.constant(v) for k, v in parameters.items()})
    log_weights = -beta * pytensor.function([], bound(pt.constant(every)), mode=PY)()
    noise = rng.gumbel(size=(*size[: len(size) - batch_ndim], *log_weights.shape))
    axis = len(size) - batch_ndim
    return values[np.argmax(log_weights + noise, axis=axis)]
