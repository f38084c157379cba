"""What a simulation keeps of its replicas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from numpy.typing import NDArray

from pymc_ebm.forward.replicas import Replicas


@dataclass
class Records:
    """Observables (betas, chains, draws), final states (betas, chains, n) or None."""

    energy: NDArray[np.float64]
    order: NDArray[np.float64]
    states: NDArray[np.int8] | None
    finished: NDArray[np.bool_]

    @classmethod
    def empty(cls, betas: int, chains: int, draws: int, n: int) -> Records:
        """Begin with nothing; states are kept up to a million entries."""
        nothing = np.full((betas, chains, draws), np.nan)
        keep = betas * chains * n <= 1_000_000
        states = np.zeros((betas, chains, n), np.int8) if keep else None
        return cls(nothing, nothing.copy(), states, np.zeros((betas, chains), bool))

    def note(self, b: int, lanes: slice, t: int, replicas: Replicas) -> None:
        """Measure the replicas of some chains."""
        E, m = replicas.measure()
        used = lanes.stop - lanes.start
        self.energy[b, lanes, t], self.order[b, lanes, t] = E[:used], m[:used]

    def keep(self, b: int, lanes: slice, replicas: Replicas) -> None:
        """Note that some chains are done, and where they stand."""
        self.finished[b, lanes] = True
        if self.states is not None:
            self.states[b, lanes] = replicas.values()[: lanes.stop - lanes.start]

    def to_tree(
        self, betas: NDArray[np.float64], shape: tuple[int, ...], attrs: dict[str, Any]
    ) -> xr.DataTree:
        """Label everything; leave out states of temperatures that were not finished."""
        chain = np.arange(self.energy.shape[1])
        coords = {"beta": betas, "chain": chain, "draw": np.arange(self.energy.shape[2])}
        dims = ("beta", "chain", "draw")
        observables = {"energy": (dims, self.energy), "magnetization": (dims, self.order)}
        tree = {"posterior": xr.Dataset(observables, coords=coords, attrs=attrs)}
        whole = self.finished.all(axis=1)
        if self.states is not None and whole.any():
            axes = [f"axis_{k}" for k in range(len(shape))]
            states = self.states[whole].reshape(-1, chain.size, *shape)
            tree["last_state"] = xr.Dataset(
                {"state": (("beta", "chain", *axes), states)},
                coords={"beta": betas[whole], "chain": chain},
            )
        return xr.DataTree.from_dict(tree)
