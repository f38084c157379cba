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

from pymc_ebm.tempering.base_density import Base, Density, fit_base
from pymc_ebm.tempering.pilot import FIRST_RUNGS, Path, pilot_base
from pymc_ebm.tempering.ratios import log_ratios, neighbour_ess
from pymc_ebm.tempering.schedule import Schedule, symbolic

_log = logging.getLogger("pymc.ebm")

LEAST_ESS = 0.02  # fraction of draws that reweighting to the next rung may leave


def temper(
    model: pm.Model | None = None,
    *,
    base: xr.DataTree | Literal["modes", "normal"] = "modes",
    schedule: Literal["adapted", "uniform"] = "adapted",
    pilot_draws: int = 800,
    random_seed: Any = None,
    progressbar: bool = True,
) -> pm.Model:
    r"""Add an inverse temperature that travels between an easy density and the model's.

    With ψ the energy of the easy density, the base, φ minus the model's log-density over all values
    in their unbounded form, and ``Δ = φ − ψ``, NUTS samples x and u together from

    ``exp(−ψ(x) − B(u) Δ(x) − log ζ(B(u)))``, u between 0 and 1.

    At ``B = 0`` this is the base, where nothing is in the way; at ``B = 1`` the model. Modes that
    no trajectory of the model itself connects are joined by way of the base. The schedule B and
    ``log ζ`` come from short pilot runs of replica exchange, such that u is visited evenly.
    `untemper` turns draws into draws of the model, with log Z.

    The base is a normal, ``x = m + L y``; where optimisation finds several modes, a mixture of that
    normal and of one for each mode with its own curvature, ``x = m_k + L_k y``, in which k is read
    off one more standard normal variable. So a narrow mode beside a wide one has a share at every
    B, and NUTS takes steps of the same size in both.

    Parameters
    ----------
    model : Model, optional
        A model without discrete free variables (`relax` it first); by default the one on the
        context stack. It is not changed.
    base : {"modes", "normal"} or DataTree, default "modes"
        ``"modes"``: a pilot run of replica exchange among powers of the density gives the normal,
        and optimisers from there, from dispersed points and from dips along rays look for modes.
        ``"normal"`` leaves modes out. Draws (group ``posterior``, else ``prior``) of all free
        variables: a normal with their mean and covariance, so they must spread at least as far as
        the model's.
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
        With the free variables ``tempering_y``, ``tempering_v`` (u on the normal scale) and, where
        there are modes, ``tempering_mode``; the model's own free variables and deterministics under
        their names and dims as deterministics; and what `untemper` needs. Observed variables are
        inside the density.

    Raises
    ------
    ValueError
        For discrete free variables, an invalid `base`, `schedule` or `pilot_draws`, or a base so
        far from the model that temperatures between them do not overlap.

    Notes
    -----
    The base and the schedule fit the data at the time of the call. With others set on `model`
    later, draws and log Z stay right, but u may no longer travel.

    Out of reach is a mode that no start leads to: one whose basin is narrow against the distance
    to the others, and in no special direction. Starts are the pilot's draws, dispersed points, and
    dips along rays out of the widest mode: along axes, to the corners of a cube (all of them up to
    10 coordinates, else a thousand) and at random. A ball that fills a share of 10⁻⁵ of all
    directions, such as a basin 15° wide in 10 dimensions off these, is found rarely, and no
    standard error will tell. Above 200 coordinates modes are not looked for.

    References
    ----------
    Graham, M. M. and Storkey, A. J. (2017). Continuously tempered Hamiltonian Monte Carlo. UAI.

    Examples
    --------
    >>> import pymc as pm, pymc_ebm as ebm
    >>> modes = ebm.energies.GaussianMixture([[-8.0], [8.0]], weights=[0.8, 0.2])
    >>> with pm.Model() as model:
    ...     x = ebm.Boltzmann("x", modes)
    >>> tempered = ebm.temper(model, pilot_draws=200, random_seed=1, progressbar=False)
    >>> sorted(v.name for v in tempered.free_RVs)
    ['tempering_mode', 'tempering_v', 'tempering_y']

    Sample it with ``pm.sample(model=tempered)``; `untemper` turns its draws into the model's.
    """
    model = pm.modelcontext(model)
    if not isinstance(base, xr.DataTree) and base not in ("modes", "normal"):
        raise ValueError(f"temper: base={base!r} is neither 'modes', 'normal' nor draws.")
    if pilot_draws < 80:
        raise ValueError(f"temper: pilot_draws={pilot_draws}; a pilot run needs 80 or more.")
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
    minus_logp = _row_by_row(logp, flat)
    with Progress(disable=not progressbar) as progress:
        rounds = (pilot_draws // 8, pilot_draws // 4, pilot_draws // 2, pilot_draws)
        given = isinstance(base, xr.DataTree)
        task = progress.add_task("temper: pilot", total=sum(rounds) * (1 if given else 2))
        advance = partial(progress.advance, task)
        if isinstance(base, xr.DataTree):
            density = fit_base(base, model)
        else:
            start = np.concatenate([np.ravel(point[v.name]) for v in model.value_vars])
            modes = base == "modes"
            density = pilot_base(minus_logp, start, rounds, rng, advance, modes=modes)
        path, log_zeta = _bridge(minus_logp, density, rounds, rng, advance)
    if schedule == "adapted":
        curve = Schedule.adapted(path.ladder, log_zeta, path.differences.mean(axis=0))
    else:
        curve = Schedule.uniform(float(log_zeta[-1]))
    _log.info(
        f"tempering {density.means.shape[1]} coordinates from {density.weights.size} normal(s): "
        f"{len(path.ladder)} pilot temperatures, log Z about {log_zeta[-1]:.2f}, barrier "
        f"{path.rejection.sum():.1f}"
    )
    return _tempered(model, density, curve)


def _row_by_row(logp: TensorVariable, flat: TensorVariable) -> Density:
    """Compile minus the log-density and its gradient, for points (n, d)."""
    function = pm.compile([flat], [logp, pt.grad(logp, flat)])
    function.trust_input = True

    def minus_logp(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        values, gradients = np.empty(len(x)), np.empty(x.shape)
        for k, row in enumerate(x):
            values[k], gradients[k] = function(row)
        return -values, -gradients

    return minus_logp


def _bridge(
    minus_logp: Density,
    base: Base,
    rounds: tuple[int, ...],
    rng: np.random.Generator,
    advance: Callable[[], None],
) -> tuple[Path, NDArray[np.float64]]:
    """Run replica exchange from the base to the target; return it and log Z at its rungs."""
    ladder = np.linspace(0.0, 1.0, FIRST_RUNGS) ** 2
    path = Path(minus_logp, base, ladder, base.draw(len(ladder), rng), rng)
    path.adapt(rounds, advance)
    least = neighbour_ess(path.ladder, path.differences)
    if not least >= LEAST_ESS:
        n = len(path.differences)
        raise ValueError(
            f"temper: of {n} draws at one temperature {least * n:.1f} are effective at the next, "
            "so the base does not cover the model. Pass draws that spread further as base=, leave "
            "base= out, or raise pilot_draws."
        )
    ratios = log_ratios(path.ladder, path.differences)
    return path, np.concatenate([[0.0], np.cumsum(ratios)])


def _tempered(model: pm.Model, base: Base, curve: Schedule) -> pm.Model:
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
        y = pm.Normal("tempering_y", 0.0, 1.0, shape=base.means.shape[1])
        mode = pm.Normal("tempering_mode", 0.0, 1.0) if base.weights.size > 1 else None
        v = pm.Normal("tempering_v", 0.0, 1.0)
        u = pm.Deterministic("tempering_u", 0.5 * pt.erfc(-v / np.sqrt(2)))
        x, log_base = base.symbolic(y, mode)
        logp, *values = graph_replace(outputs, [(flat, x)], strict=False)
        B, log_zeta = symbolic(table, u)
        delta = pm.Deterministic("tempering_difference", log_base - logp)
        pm.Deterministic("tempering_beta", B)
        pm.Potential("tempering", -B * delta - log_zeta)
        for variable, value in zip(own, values, strict=True):
            dims = model.named_vars_to_dims.get(variable.name)
            pm.Deterministic(str(variable.name), value, dims=dims)
    return tempered
