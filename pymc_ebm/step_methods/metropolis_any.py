"""Single-site Metropolis updates of any discrete energy, by its log-probability alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pymc as pm

from numpy.typing import NDArray
from pymc.step_methods.compound import BlockedStep
from pymc.util import get_random_generator, get_value_vars_from_user_vars
from pytensor.graph.basic import Variable

from pymc_ebm import kernels
from pymc_ebm.boltzmann import is_discrete_boltzmann
from pymc_ebm.children.fields import children_of
from pymc_ebm.step_methods.evaluated import Evaluated


class AnyMetropolis(BlockedStep):
    """What `Metropolis` is for an energy that is not pairwise; see there for the parameters."""

    name = "metropolis_spins"
    default_blocked = False
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        "magnetization": (np.float64, []),
        "acceptance": (np.float64, []),
        "sweeps": (np.int64, []),
    }

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        sweeps: int | None = None,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = False,
    ) -> None:
        if sweeps is not None and (sweeps != int(sweeps) or sweeps < 1):
            raise ValueError(f"Metropolis: sweeps must be a positive integer, got {sweeps}.")
        model = pm.modelcontext(model)
        (self._value_var,) = self.vars = get_value_vars_from_user_vars(vars, model)
        self.rng = get_random_generator(rng)
        self.sweeps = int(sweeps or 1)
        rv = model.values_to_rvs[self._value_var]
        self._name = str(rv.name)
        op: Any = getattr(rv.owner, "op", None)
        if not is_discrete_boltzmann(rv):
            raise ValueError(f"Metropolis cannot sample {rv.name!r}: it is no discrete energy.")
        self._states = np.asarray(op.energy.states)
        logp = model.logp(vars=[rv, *children_of(model, rv)], sum=True)
        self._logp = Evaluated([logp], model, compile_kwargs)

    def step(self, point: dict[str, NDArray]) -> tuple[dict[str, NDArray], list[dict[str, Any]]]:
        """Propose another value of every entry, `sweeps` times.

        Parameters
        ----------
        point : dict of str to ndarray
            Values of all variables; not modified.

        Returns
        -------
        point : dict
            With the variable replaced.
        stats : list of one dict
            The sampler's statistics.
        """
        x = np.array(point[self._name])
        flat = x.reshape(-1)
        trial = {**point, self._name: x}
        logp = float(self._logp(trial)[0])
        q, accepted = self._states.size, 0
        for _ in range(self.sweeps):
            for i in self.rng.permutation(flat.size):
                old = flat[i]
                number = int(np.searchsorted(self._states, old))
                flat[i] = self._states[(number + self.rng.integers(1, q)) % q]
                new_logp = float(self._logp(trial)[0])
                gain = min(new_logp - logp, 0.0)
                if self.rng.random() < kernels.metropolis.LAZINESS * np.exp(gain):
                    logp, accepted = new_logp, accepted + 1
                else:
                    flat[i] = old
        stats = {
            "magnetization": float(x.mean()),
            "acceptance": accepted / (self.sweeps * flat.size),
            "sweeps": self.sweeps,
        }
        return {**point, self._name: x}, [stats]
