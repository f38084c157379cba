"""NUTS for discrete variables: through a Gaussian field drawn afresh at every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray
from pymc.step_methods.compound import Competence
from pytensor.graph.basic import Variable
from pytensor.graph.replace import clone_replace, graph_replace
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.conditionals.evaluated import Evaluated
from pymc_ebm.relaxation.relaxed_variable import RelaxedVariable
from pymc_ebm.step_methods.discrete_step import DiscreteStep, Point


class RelaxedNUTS(DiscreteStep):
    r"""Move a pairwise discrete variable by NUTS on its Gaussian field.

    Given a configuration s, coordinates are drawn exactly, ``z ~ N(Lᵀ s, 1)``, moved by NUTS
    under ``−½|z|² + Σ_i log 2cosh((L z)_i + f_i)``, and s is drawn exactly from ``s | z``. All
    three leave the joint distribution alone, whatever moves the other variables of the model.
    Children and random parameters enter the fields f.

    Parameters
    ----------
    vars : variable or list of variables
        A pairwise discrete Boltzmann variable, or an `RBM`, whose hidden units take part. With
        several, each gets a step of its own.
    factor : {"auto", "edges", "modes", "fourier", "patterns"}, default "auto"
        The matrix L, as for `relax`.
    target_accept : float, default 0.8
        NUTS's mean acceptance rate.
    model : Model, optional
        By default the model on the context stack.
    rng : int or Generator, optional
        Source of randomness.
    initial_point : dict, optional
        Not used; PyMC passes it to every step.
    compile_kwargs : dict, optional
        Passed to the compilation.
    blocked : bool, default False
        PyMC's switch between one step for all variables and one for each.

    Raises
    ------
    ValueError
        If the variable is not pairwise, or a child ties entries together.

    See Also
    --------
    relax : The same density as a model of its own, for NUTS on all variables at once.

    Notes
    -----
    Statistics: ``spin_energy``, ``magnetization``, and ``field_acceptance``, ``field_step_size``,
    ``field_tree_depth`` and ``field_diverging`` of NUTS.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=0.3, graph=ebm.Graph.square(4, 4))
    ...     step = ebm.RelaxedNUTS([s])
    >>> step.step(model.initial_point(1))[0]["s"].shape
    (4, 4)
    """

    name = "relaxed_nuts"
    stats_dtypes_shapes: ClassVar[dict[str, tuple[Any, Any]]] = {  # type: ignore[misc]
        **DiscreteStep.stats_dtypes_shapes,
        "field_acceptance": (np.float64, []),
        "field_step_size": (np.float64, []),
        "field_tree_depth": (np.int64, []),
        "field_diverging": (bool, []),
    }

    def __init__(
        self,
        vars: Sequence[Variable] | Variable,
        *,
        factor: str = "auto",
        target_accept: float = 0.8,
        model: pm.Model | None = None,
        rng: Any = None,
        initial_point: Any = None,
        compile_kwargs: dict | None = None,
        blocked: bool = False,
    ) -> None:
        self._factor, self._target_accept = factor, target_accept
        super().__init__(
            vars,
            model=model,
            rng=rng,
            initial_point=initial_point,
            compile_kwargs=compile_kwargs,
            blocked=blocked,
        )

    def _prepare(
        self, rv: TensorVariable, model: pm.Model, initial_point: Any, compile_kwargs: dict | None
    ) -> None:
        variable = self._variable = RelaxedVariable(model, rv, self._factor, "RelaxedNUTS")
        size = (*variable.batch, variable.size)
        z, x = pt.tensor("z", shape=size), pt.tensor("x", shape=_encoded(variable), dtype="int64")
        value = self._value_var
        odds = variable.hidden_log_odds(value)
        self._at_zero = Evaluated([variable.fields_at_zero()], model, compile_kwargs)
        self._energy = Evaluated([variable.energy(value)], model, compile_kwargs)
        self._hidden = None if odds is None else Evaluated([odds], model, compile_kwargs)
        pull, centre = variable.field.pull(z), variable.centre(x)
        # the couplings, as NUTS sees them: numbers that are set before each of its steps
        found = set(ancestors([pull, centre]))
        self._parameters = {
            str(v.name): pytensor.shared(np.zeros(_known(v)), name=v.name, shape=v.type.shape)
            for v in model.value_vars
            if v in found
        }
        with pm.Model(model=None) as inner:  # or it would nest in the model around
            coordinates = pm.Normal("z", 0.0, 1.0, shape=size)
            self._fields = pytensor.shared(
                np.zeros((*variable.batch, *_fields_shape(variable))), name="fields"
            )
        shared = [(v, self._parameters[str(v.name)]) for v in model.value_vars if v in found]
        pull, centre = cast(list[TensorVariable], clone_replace([pull, centre], shared))
        with inner:
            moved = graph_replace([pull], [(z, coordinates)], strict=False)[0]
            pm.Potential("spins", variable.field.over_states(self._fields + moved).sum())
            self._nuts = pm.NUTS(
                [coordinates],
                model=inner,
                target_accept=self._target_accept,
                rng=self.rng.spawn(1)[0],
                initial_point={"z": np.zeros(size)},
                **({"compile_kwargs": compile_kwargs} if compile_kwargs else {}),
            )
        kwargs = compile_kwargs or {}
        self._centre = pm.compile([x], centre, **kwargs)
        self._at = pm.compile([z], self._fields + pull, **kwargs)
        self._centre.trust_input = self._at.trust_input = True
        self._say(
            f"NUTS on {variable.size} coordinates of its Gaussian field ({variable.field.kind})"
            + (
                f", with {', '.join(str(child.name) for child in variable.children)} as field"
                if variable.children
                else ""
            )
        )

    @classmethod
    def competence(cls, var: TensorVariable, has_grad: bool) -> int:
        """Leave the choice to the user."""
        return Competence.INCOMPATIBLE

    def _begin(self, tune: int, draws: int) -> None:
        self._nuts.reset_tuning()
        self._nuts.setup_chain(self.rng.spawn(1)[0], tune, draws)
        self._at_zero.forget()

    def stop_tuning(self) -> None:
        """Fix step size and mass matrix."""
        super().stop_tuning()
        if not self._parts:
            self._nuts.stop_tuning()

    @property
    def memory(self) -> dict[str, Any]:
        """What changes while sampling, NUTS's included."""
        return {**super().memory, "nuts": None if self._parts else self._nuts.sampling_state}

    @memory.setter
    def memory(self, memory: dict[str, Any]) -> None:
        DiscreteStep.memory.fset(self, memory)  # type: ignore[attr-defined]
        if not self._parts:
            self._nuts.sampling_state = memory["nuts"]

    def _move(self, value: NDArray, point: Point) -> tuple[NDArray, dict[str, Any]]:
        variable = self._variable
        hidden = None
        if self._hidden is not None:
            [odds] = self._hidden(point)
            hidden = self.rng.logistic(size=odds.shape) < odds
        for name, parameter in self._parameters.items():
            parameter.set_value(np.asarray(point[name]))
        [at_zero] = self._at_zero(point)
        self._fields.set_value(at_zero)
        centre = self._centre(variable.encode(value, hidden).astype(np.int64))
        z = centre + self.rng.normal(size=centre.shape)
        moved, [nuts] = self._nuts.step({"z": z})
        new = variable.draw(self._at(moved["z"]), self.rng).astype(value.dtype)
        rows = new.reshape(int(np.prod(variable.batch)), -1)
        stats = {
            "spin_energy": float(self._energy({**point, self._name: new})[0]),
            "magnetization": variable.states.order(rows),
            "field_acceptance": nuts["mean_tree_accept"],
            "field_step_size": nuts["step_size"],
            "field_tree_depth": nuts["depth"],
            "field_diverging": nuts["diverging"],
        }
        return new, stats


def _encoded(variable: RelaxedVariable) -> tuple[int, ...]:
    return (*variable.batch, variable.field.graph.n_vertices)


def _fields_shape(variable: RelaxedVariable) -> tuple[int, ...]:
    n = variable.field.graph.n_vertices
    return (n,) if variable.field.is_spin else (n, len(variable.states))


def _known(value_var: Variable) -> tuple[int, ...]:
    return tuple(length or 1 for length in value_var.type.shape)
