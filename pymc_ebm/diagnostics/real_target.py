"""What a model says about its real variables: unconstrained coordinates and their scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from numpy.typing import NDArray
from pymc.blocking import DictToArrayBijection, RaveledVars
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.diagnostics.thinning import thinned

MOST_DRAWS = 4_000
MOST_NUMBERS = 4_000_000
MOST_WORK = 40_000_000  # entries of the model's free variables, over all draws looked at
BLOCK = 200  # draws


@dataclass(frozen=True)
class RealDraws:
    """Thinned draws in unconstrained coordinates, with the gradient of the log-density."""

    names: list[str]  # one a coordinate
    owners: list[str]  # the variable each coordinate belongs to
    shapes: dict[str, tuple[int, ...]]  # shapes of the variables' coordinates, in order
    x: NDArray[np.float64]  # (chains, draws, d); coordinates, and ``∂ log p / ∂ x`` there
    score: NDArray[np.float64]  # (chains, draws, d); coordinates, and ``∂ log p / ∂ x`` there
    log_density: NDArray[np.float64]  # (chains, draws); log p there
    thinning: float  # share of all draws that were looked at
    # coordinates → (log p, score), the discrete variables being those of the last draw
    density: Callable[[NDArray], tuple[float, NDArray]]
    fixed: bool  # whether there are no discrete variables


class RealTarget:
    """The log-density of a model's real variables and its gradient."""

    def __init__(self, model: pm.Model) -> None:
        self.rvs = [rv for rv in model.free_RVs if rv.dtype.startswith("float")]
        self._values = [model.rvs_to_values[rv] for rv in self.rvs]
        self.model = model
        if not self.rvs:
            raise ValueError("no real variables")
        gradient: Any = model.dlogp(vars=self.rvs)
        self._density = pm.compile(model.value_vars, [model.logp(), gradient])
        self._density.trust_input = True

    def density(self, point: Mapping[str, NDArray]) -> tuple[float, NDArray]:
        """Return log p and its gradient."""
        arguments = (np.asarray(point[str(v.name)], dtype=v.dtype) for v in self.model.value_vars)
        logp, gradient = self._density(*arguments)
        return float(logp), np.asarray(gradient)

    def draws(
        self, posterior: xr.Dataset, points: Callable[[int, int], dict[str, NDArray]]
    ) -> RealDraws:
        """Evaluate the score at thinned draws."""
        sizes = posterior.sizes
        shapes = {str(v.name): np.shape(points(0, 0)[str(v.name)]) for v in self._values}
        d = sum(int(np.prod(shape)) for shape in shapes.values())
        work = sum(int(np.prod(np.shape(value))) for value in points(0, 0).values())
        most = min(MOST_DRAWS, MOST_NUMBERS // d, MOST_WORK // work)
        kept = thinned(sizes["draw"], max(most // sizes["chain"], 40))
        x = np.empty((sizes["chain"], len(kept), d))
        score, logp = np.empty_like(x), np.empty(x.shape[:2])
        for chain in range(sizes["chain"]):
            for k, draw in enumerate(kept):
                point = points(chain, int(draw))
                x[chain, k] = DictToArrayBijection.map({v: point[v] for v in shapes}).data
                logp[chain, k], score[chain, k] = self.density(point)
        last = points(sizes["chain"] - 1, int(kept[-1]))
        layout = DictToArrayBijection.map({v: last[v] for v in shapes}).point_map_info

        def density(u: NDArray) -> tuple[float, NDArray]:
            return self.density(DictToArrayBijection.rmap(RaveledVars(u, layout), last))

        names, owners = [], []
        for rv, shape in zip(self.rvs, shapes.values(), strict=True):
            labels = [
                f"{rv.name}[{', '.join(map(str, k))}]" if k else str(rv.name)
                for k in np.ndindex(*shape)
            ]
            names += labels
            owners += [str(rv.name)] * len(labels)
        fixed = len(self.rvs) == len(self.model.free_RVs)
        thinning = len(kept) / sizes["draw"]
        by_owner = {str(rv.name): s for rv, s in zip(self.rvs, shapes.values(), strict=True)}
        return RealDraws(names, owners, by_owner, x, score, logp, thinning, density, fixed)


def value_points(
    model: pm.Model, posterior: xr.Dataset, coordinates: Callable[..., list[NDArray]] | None
) -> Callable[[int, int], dict[str, NDArray]]:
    """Return a function from chain and draw to the values of the model's value variables."""
    rvs: list[TensorVariable] = list(model.free_RVs)
    names = [str(model.rvs_to_values[rv].name) for rv in rvs]
    arrays = [posterior[str(rv.name)].transpose("chain", "draw", ...) for rv in rvs]
    loaded: dict[tuple[int, int], list[NDArray]] = {}

    def point(chain: int, draw: int) -> dict[str, NDArray]:
        block, offset = divmod(draw, BLOCK)
        if (chain, block) not in loaded:
            loaded.clear()  # one block in memory at a time: traces may be lazy and huge
            rows = slice(block * BLOCK, (block + 1) * BLOCK)
            loaded[chain, block] = [
                np.asarray(a.isel(chain=chain, draw=rows).values).astype(rv.dtype, copy=False)
                for a, rv in zip(arrays, rvs, strict=True)
            ]
        values = [a[offset] for a in loaded[chain, block]]
        if coordinates is not None:
            values = [np.asarray(v) for v in coordinates(*values)]
        return dict(zip(names, values, strict=True))

    return point
