"""Discrete variables out, Gaussian fields in: the model NUTS can sample."""

from __future__ import annotations

import logging

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray
from pymc.logprob.transforms import IntervalTransform, Transform
from pymc.model.fgraph import (
    ModelDeterministic,
    ModelFreeRV,
    ModelObservedRV,
    ModelPotential,
    fgraph_from_model,
    model_free_rv,
    model_from_fgraph,
    model_potential,
)
from pymc.pytensorf import rvs_in_graph
from pytensor.graph import FunctionGraph
from pytensor.graph.basic import Variable
from pytensor.graph.traversal import ancestors
from pytensor.tensor.type import discrete_dtypes
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.relaxation.relaxed_variable import RelaxedVariable
from pymc_ebm.variables.boltzmann import is_discrete_boltzmann
from pymc_ebm.variables.copying import (
    copy_starting_values,
    untransformed,
    without_starting_values,
)

_log = logging.getLogger("pymc.ebm")
_ALTERNATIVES = (
    "Use pm.sample on the model as it is (ebm.recommend names the sampler; step="
    "ebm.RelaxedNUTS([{name}]) takes them in turn), or write the variables as one whose couplings "
    "tie them."
)


def relax(model: pm.Model | None = None, *, factor: str | Mapping[str, str] = "auto") -> pm.Model:
    r"""Replace discrete Boltzmann variables by Gaussian fields, exactly, so that NUTS samples them.

    Every pairwise variable s (`Ising`, `Potts`, `Hopfield`, an `RBM` in its joint form, any
    `Boltzmann` with a pairwise discrete energy) becomes a real variable ``s_field`` with the
    density of ``z | s ~ N(Lᵀ s, 1)``, s summed out. With ``L Lᵀ = βJ + D``, D diagonal,

    ``log p(z, θ) = −½|z|² + Σ_i log 2cosh((L z)_i + βh_i) − ½ tr D − log Z(θ) + …``

    and elementwise children of s, observed or not, add their log-odds to the fields. All other
    variables, their dims and coords stay. `recover` draws s given the result.

    Parameters
    ----------
    model : Model, optional
        By default the model on the context stack. It is not changed.
    factor : {"auto", "edges", "modes", "fourier", "patterns"} or dict of str to str
        The matrix L, for all variables or by name. ``"edges"``: the signed incidence matrix, one
        coordinate an edge (two where the couplings are random, so that the density is smooth where
        they change sign). ``"modes"``: the eigenbasis of J. ``"fourier"``: the same on periodic
        square and cubic lattices with one coupling. ``"patterns"``: one coordinate a pattern of a
        Hopfield network. ``"auto"`` chooses by structure and says what it chose.

    Returns
    -------
    Model
        With the same names, dims and coords; the field's last dim is named after the factor,
        ``s_modes`` say. Deterministics that depend on s are left to `recover`.

    Raises
    ------
    ValueError
        If there is nothing to relax; for discrete variables that are not pairwise; for children
        that tie entries of s together, or are discrete and unobserved.

    Notes
    -----
    Hamiltonian dynamics in z does not cross barriers that single spin flips do not cross. Judge
    convergence on the recovered spins, their energy and order parameters, never on z alone; near
    criticality and in glasses use cluster moves, or `temper`.

    References
    ----------
    Zhang, Y., Sutton, C., Storkey, A. and Ghahramani, Z. (2012). Continuous relaxations for
    discrete Hamiltonian Monte Carlo. Advances in Neural Information Processing Systems 25.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> with pm.Model() as model:
    ...     s = ebm.Ising("s", J=0.3, graph=ebm.Graph.square(4, 4))
    ...     y = pm.Normal("y", mu=s, sigma=pm.HalfNormal("sigma"), observed=[[1.0, -1, 1, 1]] * 4)
    >>> relaxed = ebm.relax(model)
    >>> [variable.name for variable in relaxed.free_RVs]
    ['sigma', 's_field']
    """
    model = pm.modelcontext(model)
    plain = untransformed(model)
    variables = relaxed_variables(plain, factor)
    with without_starting_values(model):
        fgraph, _memo = fgraph_from_model(model)
    here = {out.owner.op.name: out for out in fgraph.outputs if hasattr(out.owner.op, "name")}
    placed = {plain.rvs_to_values[rv]: here[rv.name] for rv in plain.free_RVs}
    placed |= {data: here[data.name] for data in plain.data_vars}
    placed |= {
        length: fgraph._dim_lengths[dim]
        for dim, length in plain.dim_lengths.items()
        if not isinstance(length, int) and length.owner is None
    }
    start = plain.initial_point()
    for variable in variables:
        flats = {
            str(child.name): _Flat(start[child.name], _fixed_range(model, child))
            for child in variable.children
            if child in plain.free_RVs
        }
        _replace(fgraph, here, placed, variable, flats)
    relaxed = model_from_fgraph(fgraph, mutate_fgraph=True)
    for variable in variables:
        for child in variable.children:
            if child in plain.free_RVs:
                relaxed.set_initval(relaxed[child.name], start[child.name])
    copy_starting_values(model, relaxed)
    for variable in variables:
        _log.info(
            f"{variable.name}: relaxed to {variable.size} real coordinates "
            f"({variable.field.kind})"
            + (
                f", with {', '.join(str(child.name) for child in variable.children)} in its fields"
                if variable.children
                else ""
            )
        )
    return relaxed


@dataclass(frozen=True)
class _Flat:
    """Where a free child starts, and the transformation to its unbounded value."""

    start: NDArray
    transform: Transform | None


def _fixed_range(model: pm.Model, child: TensorVariable) -> Transform | None:
    """Return a child's transformation, free of the parameters of its density."""
    rv = model[str(child.name)]
    transform = model.rvs_to_transforms[rv]
    if not isinstance(transform, IntervalTransform):
        return transform
    bounds: list[NDArray | None] = []
    for bound in transform.args_fn(*rv.owner.inputs):
        if bound is None:
            bounds.append(None)
            continue
        bound = pt.as_tensor_variable(bound)
        if rvs_in_graph([bound]):
            raise ValueError(
                f"relax: the range of {child.name!r} depends on other variables, so it cannot be "
                "separated from its density. Give it a wider range that does not."
            )
        bounds.append(bound.eval())
    return IntervalTransform(args_fn=lambda *_inputs: tuple(bounds))


def relaxed_variables(plain: pm.Model, factor: str | Mapping[str, str]) -> list[RelaxedVariable]:
    """Write the field of every discrete Boltzmann variable.

    `plain`: A model without transformations of values; `factor`: as for `relax`.

    Raises
    ------
    ValueError
        As for `relax`.
    """
    found = [rv for rv in plain.free_RVs if is_discrete_boltzmann(rv)]
    if not found:
        listed = ", ".join(str(v.name) for v in plain.free_RVs) or "none"
        raise ValueError(
            "relax: the model has no free discrete Boltzmann variable (its free variables: "
            f"{listed}). Declare one with ebm.Ising, ebm.Potts, ebm.RBM, ebm.Hopfield or "
            "ebm.Boltzmann."
        )
    kinds = dict.fromkeys((rv.name for rv in found), factor) if isinstance(factor, str) else factor
    unknown = set(kinds) - {rv.name for rv in found}
    if unknown:
        raise ValueError(
            f"relax: factor= names {sorted(unknown)}, and the discrete variables are "
            f"{[rv.name for rv in found]}."
        )
    variables = [RelaxedVariable(plain, rv, kinds.get(rv.name, "auto"), "relax") for rv in found]
    values = {plain.rvs_to_values[rv]: str(rv.name) for rv in found}
    for variable in variables:
        for child in variable.children:
            if child in plain.free_RVs and child.dtype in discrete_dtypes:
                raise ValueError(
                    f"relax: {child.name!r} is discrete, unobserved, and depends on "
                    f"{variable.name!r}, so the two cannot become fields at once. "
                    f"{_ALTERNATIVES.format(name=variable.name)}"
                )
            [term] = plain.logp(vars=[child], sum=False)
            tied = sorted(name for value, name in values.items() if value in ancestors([term]))
            if len(tied) > 1:
                raise ValueError(
                    f"relax: {child.name!r} depends on the discrete variables {tied} together, so "
                    f"they cannot become fields at once. "
                    f"{_ALTERNATIVES.format(name=variable.name)}"
                )
    return variables


def _replace(
    fgraph: FunctionGraph,
    here: dict[str, TensorVariable],
    placed: dict[Variable, Variable],
    variable: RelaxedVariable,
    flats: Mapping[str, _Flat],
) -> None:
    """Take a variable and its children out of a model's graph, and put its field in."""
    discrete = here[variable.name]
    batch_dims = discrete.owner.op.dims[: len(variable.batch)] or [
        f"{variable.name}_batch_{k}" for k in range(len(variable.batch))
    ]
    dims = (*batch_dims, f"{variable.name}_{variable.field.kind}")
    for dim, length in zip(dims, (*variable.batch, variable.size), strict=True):
        if dim not in fgraph._coords:
            fgraph._coords[dim] = None
            fgraph._dim_lengths[dim] = pytensor.shared(
                np.asarray(length, dtype="int64"), name=dim, shape=()
            )
    rv = pm.Normal.dist(0.0, 1.0, shape=(*variable.batch, variable.size))
    z = model_free_rv(rv, rv.type(variable.field_name), None, variable.field_name, *dims)
    for name, out in list(here.items()):
        if out is discrete or discrete not in ancestors([out]):
            continue
        op = out.owner.op
        if isinstance(op, ModelFreeRV) and name in flats:
            # its density is in the potential; what is left is where it lives
            flat = pm.Flat.dist(shape=flats[name].start.shape)
            value = out.owner.inputs[1]
            new = model_free_rv(flat, value, flats[name].transform, name, *op.dims)
            fgraph.replace(out, new, import_missing=True)
            here[name] = new
            for old, at in placed.items():
                if at is out:
                    placed[old] = new
    for name, out in list(here.items()):
        op = out.owner.op
        if out is discrete or (
            isinstance(op, ModelDeterministic | ModelObservedRV | ModelPotential)
            and discrete in ancestors([out])
        ):
            fgraph.remove_output(fgraph.outputs.index(out))
            del here[name]
    fgraph.add_output(z, import_missing=True)
    coordinates = z.type("coordinates")
    density = model_potential(variable.log_weight(coordinates), f"{variable.name}_log_weight")
    fgraph.add_output(density, import_missing=True)
    fgraph.replace_all(
        [(old, new) for old, new in {**placed, coordinates: z}.items() if old in fgraph.variables],
        import_missing=True,
    )
