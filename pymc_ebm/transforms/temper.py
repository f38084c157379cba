"""Continuous tempering: a model whose draws travel between a Gaussian and the target."""

from __future__ import annotations

import logging

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from numpy.typing import NDArray
from pymc.pytensorf import join_nonshared_inputs
from pytensor.graph.replace import graph_replace
from pytensor.tensor.type import discrete_dtypes
from pytensor.tensor.variable import TensorVariable
from rich.progress import Progress

from pymc_ebm.transforms.base_density import GaussianBase, fit_base
from pymc_ebm.transforms.pilot import FIRST_RUNGS, Path, log_ratios, neighbour_ess, spread
from pymc_ebm.transforms.schedule import Schedule, symbolic

_log = logging.getLogger("pymc.ebm")

LEAST_ESS = 0.02  # fraction of draws that reweighting to the next rung may leave


def temper(
    model: pm.Model | None = None,
    *,
    base: xr.DataTree | None = None,
    schedule: Literal["adapted", "uniform"] = "adapted",
    pilot_draws: int = 800,
    random_seed: Any = None,
    progressbar: bool = True,
) -> pm.Model:
    r"""Add an inverse temperature that travels between an easy density and the model's.

    All values, in their unbounded form, become ``x = m + L y``. With ψ the energy of ``y ~ N(0,
    1)``, φ minus the model's log-density, and ``Δ = φ − ψ``, NUTS samples y and u together from

    ``exp(−ψ(y) − B(u) Δ(y) − log ζ(B(u)))``, u between 0 and 1.

    At ``B = 0`` this is the Gaussian, where nothing is in the way; at ``B = 1`` the model. Modes
    that no trajectory of the model itself connects are joined by way of the Gaussian. The schedule
    B and ``log ζ`` come from short pilot runs of replica exchange, such that u is visited evenly.
    `untemper` turns draws into draws of the model, with log Z.

    Parameters
    ----------
    model : Model, optional
        A model without discrete free variables (`relax` it first); by default the one on the
        context stack. It is not changed.
    base : DataTree, optional
        Draws (group ``posterior``, else ``prior``) of all free variables; the Gaussian takes their
        mean and covariance, so they must spread at least as far as the model's. By default a
        pilot run finds some, by replica exchange among powers of the model's density.
    schedule : {"adapted", "uniform"}, default "adapted"
        ``"uniform"`` is ``B(u) = u`` and ``log ζ`` linear, for comparison.
    pilot_draws : int, default 800
        Length of the last pilot run; earlier ones are shorter.
    random_seed : int or Generator, optional
        Source of randomness of the pilot runs.
    progressbar : bool, default True
        Show progress of the pilot runs.

    Returns
    -------
    Model
        With the free variables ``tempering_y`` and ``tempering_u``; the model's own free variables
        and deterministics under their names and dims as deterministics; and what `untemper` needs.
        Observed variables are inside the density.

    Raises
    ------
    ValueError
        For discrete free variables, an invalid `schedule`, or a base so far from the model that
        temperatures between them do not overlap.

    Notes
    -----
    Data are those at the time of the call: the schedule fits no others.

    References
    ----------
    Graham, M. M. and Storkey, A. J. (2017). Continuously tempered Hamiltonian Monte Carlo. UAI.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> modes = ebm.energies.GaussianMixture([[-8.0], [8.0]], weights=[0.8, 0.2])
    >>> with pm.Model() as model:
    ...     x = ebm.Boltzmann("x", modes)
    >>> with ebm.temper(model, random_seed=1, progressbar=False):
    ...     idata = pm.sample(draws=2000, tune=500, chains=4, random_seed=1, progressbar=False)
    >>> bool(abs((ebm.untemper(idata).posterior["x"] > 0).mean() - 0.2) < 0.15)
    True
    """
    model = pm.modelcontext(model)
    if schedule not in ("adapted", "uniform"):
        raise ValueError(f"temper: schedule={schedule!r} is neither 'adapted' nor 'uniform'.")
    discrete = [str(v.name) for v in model.free_RVs if v.dtype in discrete_dtypes]
    if discrete:
        raise ValueError(
            f"temper: {discrete} are discrete. Temper the relaxed model, ebm.temper(ebm.relax("
            "model)), or sample them with step=ebm.ParallelTempering."
        )
    if not model.free_RVs:
        raise ValueError("temper: the model has no free variables.")
    rng = np.random.default_rng(random_seed)
    point = model.initial_point()
    [logp], flat = join_nonshared_inputs(point, [model.logp()], list(model.value_vars))
    evaluate = _compiled(logp, flat)
    with Progress(disable=not progressbar) as progress:
        rounds = (pilot_draws // 8, pilot_draws // 4, pilot_draws // 2, pilot_draws)
        task = progress.add_task("temper: pilot", total=sum(rounds) * (2 if base is None else 1))
        advance = partial(progress.advance, task)
        if base is None:
            start = np.concatenate([np.ravel(point[v.name]) for v in model.value_vars])
            gaussian = GaussianBase.of(spread(_minus(evaluate), start, rounds, rng, advance))
        else:
            gaussian = fit_base(base, model)
        path, log_zeta = _bridge(_difference(evaluate, gaussian), gaussian, rounds, rng, advance)
    if schedule == "adapted":
        curve = Schedule.adapted(path.betas, log_zeta, path.differences.mean(axis=0))
    else:
        curve = Schedule.uniform(float(log_zeta[-1]))
    _log.info(
        f"tempering {gaussian.mean.size} coordinates: {len(path.betas)} pilot temperatures, log Z "
        f"about {log_zeta[-1]:.2f}, barrier {path.rejection.sum():.1f}"
    )
    return _tempered(model, gaussian, curve)


def _compiled(logp: TensorVariable, flat: TensorVariable) -> Callable:
    function = pm.compile([flat], [logp, pt.grad(logp, flat)])
    function.trust_input = True
    return function


def _minus(evaluate: Callable) -> Callable:
    """Turn log-density and gradient into those of its negative."""

    def minus_logp(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logp, gradient = evaluate(x)
        return -float(logp), -gradient

    return minus_logp


def _difference(evaluate: Callable, base: GaussianBase) -> Callable:
    """Return Δ and its gradient in the base's coordinates."""
    constant = 0.5 * base.mean.size * np.log(2 * np.pi) + base.log_det

    def difference(y: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logp, gradient = evaluate(base.apply(y))
        delta = -float(logp) - 0.5 * float(y @ y) - constant
        return delta, -base.apply_transposed(gradient) - y

    return difference


def _bridge(
    difference: Callable,
    base: GaussianBase,
    rounds: tuple[int, ...],
    rng: np.random.Generator,
    advance: Callable[[], None],
) -> tuple[Path, NDArray[np.float64]]:
    """Run replica exchange from the base to the target; return it and log Z at its rungs."""
    betas = np.linspace(0.0, 1.0, FIRST_RUNGS) ** 2
    path = Path(difference, 1.0, betas, rng.normal(size=(len(betas), base.mean.size)), rng)
    path.adapt(rounds, advance)
    least = neighbour_ess(path.betas, path.differences)
    if least < LEAST_ESS:
        n = len(path.differences)
        raise ValueError(
            f"temper: of {n} draws at one temperature {least * n:.1f} are effective at the next, "
            "so the base does not cover the model. Pass draws that spread further as base=, leave "
            "base= out, or raise pilot_draws."
        )
    ratios = log_ratios(path.betas, path.differences)
    return path, np.concatenate([[0.0], np.cumsum(ratios)])


def _tempered(model: pm.Model, base: GaussianBase, curve: Schedule) -> pm.Model:
    """Write the model."""
    own = [*model.free_RVs, *model.deterministics]
    outputs, flat = join_nonshared_inputs(
        model.initial_point(),
        [model.logp(), *model.replace_rvs_by_values(own)],
        list(model.value_vars),
    )
    tempered = pm.Model(model=None)  # or it would nest in the model around
    for dim, length in model.dim_lengths.items():
        labels = model.coords[dim]
        tempered.add_coord(dim, labels, length=int(length.eval()) if labels is None else None)
    knots = {
        "tempering_knot": np.arange(len(curve.table)),
        "tempering_curve": ["B", "dB", "log_zeta", "dlog_zeta"],
    }
    tempered.add_coords(knots)
    with tempered:
        table = pm.Data("tempering_schedule", curve.table, dims=tuple(knots))
        y = pm.Normal("tempering_y", 0.0, 1.0, shape=base.mean.size)
        v = pm.Normal("tempering_v", 0.0, 1.0)
        u = pm.Deterministic("tempering_u", 0.5 * pt.erfc(-v / np.sqrt(2)))
        logp, *values = graph_replace(outputs, [(flat, base.apply_symbolic(y))], strict=False)
        B, log_zeta = symbolic(table, u)
        constant = 0.5 * base.mean.size * np.log(2 * np.pi) + base.log_det
        delta = pm.Deterministic("tempering_difference", -logp - 0.5 * (y**2).sum() - constant)
        pm.Deterministic("tempering_beta", B)
        pm.Potential("tempering", -B * delta - log_zeta)
        for variable, value in zip(own, values, strict=True):
            dims = model.named_vars_to_dims.get(variable.name)
            pm.Deterministic(str(variable.name), value, dims=dims)
    return tempered
