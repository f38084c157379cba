"""A narrow mode beside a wide one: weights .7 and .3, widths .25 and 1, 6 √d apart.

``python -m benchmarks.narrow_mode [seeds] [dimensions] [methods] [off]``, by default ``20 2,5,10
temper ais tempering ti``, takes half an hour. For each dimension and method it prints in how many
seeds log Z, and the weight of the narrow mode, are within three of their own standard errors of the
truth, and the mean errors. ``off`` leaves the modes out of the base, as ``base="normal"`` does.
"""

from __future__ import annotations

import logging
import sys
import warnings

import numpy as np
import nutpie
import pymc as pm
import xarray as xr

from arviz_stats.base import array_stats

import pymc_ebm as ebm

from pymc_ebm.energies import GaussianMixture

DRAWS, TUNE, CHAINS = 2000, 500, 4
NARROW = 0.7


def energy(d: int) -> GaussianMixture:
    """Return the mixture, whose log Z is ½ d log 2π."""
    return GaussianMixture([[-3.0] * d, [3.0] * d], [0.25, 1.0], [NARROW, 1 - NARROW])


class Tempered:
    """Tempered NUTS, compiled once for all seeds whose base has as many components."""

    def __init__(self, d: int, base: str) -> None:
        self._d, self._base = d, base
        self._compiled: dict[bool, nutpie.compile_pymc.CompiledPyMCModel] = {}

    def __call__(self, seed: int) -> list[tuple[float, float, float]]:
        """Return (estimate, error, truth) of log Z and of the weight."""
        with pm.Model() as model:
            ebm.Boltzmann("x", energy(self._d))
        tempered = ebm.temper(model, base=self._base, random_seed=seed, progressbar=False)
        single = "tempering_mode" not in tempered.named_vars
        if single not in self._compiled:
            self._compiled[single] = nutpie.compile_pymc_model(tempered)
        kept = self._compiled[single]
        names = [v.name for v in kept.shared_var_keys if str(v.name).startswith("tempering_")]
        inputs = {v.name: v.get_value() for v in shared_inputs(tempered)}
        compiled = kept.with_data(**{name: inputs[name] for name in names})
        idata = nutpie.sample(
            compiled, draws=DRAWS, tune=TUNE, chains=CHAINS, cores=1, seed=seed, progress_bar=False
        )
        table = tempered["tempering_schedule"].get_value()
        data = xr.Dataset({"tempering_schedule": (("knot", "curve"), table)})
        tree = xr.DataTree.from_dict(
            {"posterior": idata["posterior"].to_dataset(), "constant_data": data}
        )
        result = ebm.untemper(tree, resample=False)
        facts = result["tempering"]
        w = facts["weight"].to_numpy() * facts["weight"].size
        narrow = result["posterior"]["x"].to_numpy()[..., 0] < 0
        weight = float((w * narrow).mean())
        series = w * (narrow - weight)
        error = float(array_stats.mcse(series, chain_axis=-2, draw_axis=-1, method="mean"))
        self.divergences = int(idata["sample_stats"]["diverging"].sum())
        return [
            (float(facts["log_z"]), float(facts["log_z_se"]), log_z(self._d)),
            (weight, error, NARROW),
        ]


def shared_inputs(model: pm.Model) -> list:
    """Return the shared variables of a model's log-density and deterministics."""
    from pytensor.compile.sharedvalue import SharedVariable
    from pytensor.graph.traversal import ancestors

    return [
        v for v in ancestors([model.logp(), *model.deterministics]) if isinstance(v, SharedVariable)
    ]


def log_z(d: int) -> float:
    """Return the truth."""
    return 0.5 * d * float(np.log(2 * np.pi))


def estimated(d: int, base: str, method: str, seed: int) -> list[tuple[float, float, float]]:
    """Return (estimate, error, truth) of log Z."""
    found = ebm.estimate_log_partition(
        energy(d), method=method, base=base, chains=100, temperatures=300, draws=600,
        random_seed=seed, progressbar=False,
    )  # fmt: skip
    return [(float(found.log_z), float(found.log_z_se), log_z(d))]


def main() -> None:
    """Print a line a dimension and method."""
    warnings.filterwarnings("ignore")
    logging.getLogger("pymc").setLevel(logging.ERROR)
    arguments = [a for a in sys.argv[1:] if a not in ("off", "temper", "ais", "tempering", "ti")]
    seeds = int(arguments[0]) if arguments else 20
    dimensions = arguments[1].split(",") if len(arguments) > 1 else ("2", "5", "10")
    base = "normal" if "off" in sys.argv else "modes"
    methods = [m for m in ("temper", "ais", "tempering", "ti") if m in sys.argv[1:]]
    for d in map(int, dimensions):
        for method in methods or ("temper", "ais", "tempering", "ti"):
            run = Tempered(d, base) if method == "temper" else None
            rows = np.array(
                [run(s) if run else estimated(d, base, method, s) for s in range(seeds)]
            )
            for k, what in enumerate(("log Z", "weight of the narrow mode")[: rows.shape[1]]):
                found, error, truth = rows[:, k].T
                z = (found - truth) / error
                name = "temper" if run else f"estimate_log_partition, {method}"
                print(
                    f"d = {d}, {name}, {what}: within 3 errors in {(np.abs(z) < 3).sum()} of "
                    f"{seeds}, largest {np.abs(z).max():.2f}, z sd {np.sqrt((z**2).mean()):.2f}; "
                    f"mean absolute error {np.abs(found - truth).mean():.4f}, stated "
                    f"{error.mean():.4f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
