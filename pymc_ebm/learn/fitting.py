"""Fitting an energy to data: what is asked for, checked before anything runs."""

from __future__ import annotations

import logging
import warnings

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.counts import whole
from pymc_ebm.learn.method import Method, known_shape
from pymc_ebm.learn.methods import choose_method, fitting_methods
from pymc_ebm.learn.result import Epoch, FitResult
from pymc_ebm.learn.rows import Rows
from pymc_ebm.learn.run import Run

_log = logging.getLogger("pymc.ebm")


def fit(
    energy: Energy,
    data: Any,
    *,
    method: Method | None = None,
    optimizer: Any = None,
    epochs: int = 100,
    batch_size: int | None = None,
    validation: Any = None,
    patience: int | None = None,
    score_every: int | None = None,
    schedule: Callable[[int], float] | None = None,
    weight_decay: float | Mapping[str, float] = 0.0,
    fixed: str | Iterable[str] = (),
    callbacks: Sequence[Callable[[Epoch], Any]] = (),
    checkpoint: str | Path | None = None,
    random_seed: Any = None,
    progressbar: bool = True,
) -> FitResult:
    r"""Fit the parameters of an energy to data, and say how likely the data are as it goes.

    Parameters
    ----------
    energy : Energy
        What to fit: a family with numbers to start from, or a `Custom` energy whose function uses
        ``pytensor.shared`` variables (or `pm.Data`), which are learned, and themselves left alone.
    data : array_like, shape ``(rows, *event)``
        Independent configurations: NumPy, pandas, xarray, or a Dask, Zarr or HDF5 array that is
        read batch by batch. Single precision in, single precision throughout.
    method : Method, optional
        `MaximumLikelihood`, `CD`, `PCD`, `TemperedPCD`, `PseudoLikelihood`, `ScoreMatching`,
        `DenoisingScoreMatching`, `NoiseContrastive` or `RatioMatching`. By default maximum
        likelihood where log Z is exact and quick, else PCD, or score matching of real values; the
        log says which.
    optimizer : callable or optax.GradientTransformation, optional
        One of PyMC's update rules, by default ``pm.adam(learning_rate=0.01)``; or one of optax's,
        which keeps its learning rate to itself: a `schedule` scales its updates.
    epochs : int, default 100
        Passes over the data.
    batch_size : int, optional
        Rows a step, 2 or more; batches are as equal as can be. By default all rows.
    validation : array_like, optional
        Held-out rows. The best epoch by their log-likelihood (by the method's own objective where
        log Z is unknown) is what is returned.
    patience : int, optional
        Stop after so many scored epochs without a better validation score.
    score_every : int, optional
        Epochs between log-likelihoods; 0 for none. By default each epoch where log Z is exact and
        quick, else ten in all where it is estimated; the last epoch is always scored.
    schedule : callable, optional
        From the epoch, counted from 0, to a factor of the learning rate.
    weight_decay : float or mapping of str to float, default 0.0
        Adds ``λ θ`` to the gradient; one number for all learned parameters, or one for some.
    fixed : str or iterable of str
        Parameters that stay as they are.
    callbacks : sequence of callable
        Each is called with an `Epoch`; a true result ends the run.
    checkpoint : path-like, optional
        A file that is written after each epoch. If it exists, the run goes on where it stopped,
        bit for bit; it must be of the same energy, data and settings.
    random_seed : int, optional
        Seed of shuffling, chains and noise.
    progressbar : bool, default True
        Show progress.

    Returns
    -------
    FitResult
        ``energy`` and ``history``.

    Raises
    ------
    ValueError
        For data outside the support (by row and column), NaN, a wrong width, batches of fewer than
        two rows, a method that does not fit, or a checkpoint of something else.

    Warns
    -----
    UserWarning
        If parameters or gradients stop being finite: the last good parameters are returned. If
        validation rows are among the training rows.

    See Also
    --------
    score : normalised log-likelihood of rows.

    Notes
    -----
    The negative log-likelihood has the gradient ``⟨∂E/∂θ⟩_data − ⟨∂E/∂θ⟩_model``. An interrupt
    (Ctrl-C) returns the best so far.

    Examples
    --------
    >>> import numpy as np, pymc as pm, pymc_ebm as ebm
    >>> rows = np.random.default_rng(1).integers(0, 2, (200, 4))
    >>> start = ebm.energies.RBM.random(4, 2, random_seed=1)
    >>> found = ebm.fit(start, rows, epochs=20, random_seed=1, progressbar=False)
    >>> bool(found.history.log_likelihood[-1] > found.history.log_likelihood[0])
    True
    """
    if not isinstance(energy, Energy):
        raise TypeError(f"fit: energy is a {type(energy).__name__}; pass an Energy.")
    _require_one_energy(energy)
    rows = Rows(data, energy)
    held_out = None if validation is None else Rows(validation, energy, "validation")
    energy = known_shape(energy, rows)
    size = _checked_batch(batch_size, len(rows))
    epochs = whole("fit", "epochs", epochs)
    if patience is not None:
        patience = whole("fit", "patience", patience)
        if held_out is None:
            raise ValueError("fit: patience= needs validation=, by which epochs are compared.")
    if score_every is not None:
        score_every = whole("fit", "score_every", score_every, 0)
    for name, called in (("schedule", [schedule] if schedule else []), ("callbacks", callbacks)):
        if not isinstance(called, Sequence) or not all(map(callable, called)):
            raise TypeError(f"fit: {name}={called!r}; pass a function, or a list of callbacks.")
    if held_out is not None:
        _warn_about_overlap(rows, held_out)
    method = _checked_method(method, energy)
    run = Run(
        energy, rows, held_out, method, optimizer, epochs, size, score_every, patience,
        schedule or (lambda epoch: 1.0), weight_decay, fixed, callbacks, checkpoint, random_seed,
    )  # fmt: skip
    return run.go(progressbar)


def _require_one_energy(energy: Energy) -> None:
    """Raise if parameters differ from row to row: such an energy belongs into a model."""
    if getattr(energy, "batch_shape", ()):
        raise ValueError(
            f"fit: this function's energies differ from row to row (batch {energy.batch_shape}). "  # type: ignore[attr-defined]
            "Write it for one configuration; for covariates declare a model, ebm.Boltzmann."
        )
    for name, value in energy.parameters.items():
        batch = value.ndim - energy.core_ndims[name]
        if batch > 0 and not all(value.type.broadcastable[:batch]):
            raise ValueError(
                f"fit: {name} of shape {value.type.shape} differs from row to row. Fit one energy; "
                "for covariates declare a model, ebm.Boltzmann(..., log_partition='auto')."
            )


def _checked_batch(batch_size: int | None, n: int) -> int:
    return n if batch_size is None else min(whole("fit", "batch_size", batch_size, 2), n)


def _checked_method(method: Method | None, energy: Energy) -> Method:
    if method is None:
        method = choose_method(energy)
        _log.info(f"fit: {type(energy).__name__} by {method}")
        return method
    if isinstance(method, type) and issubclass(method, Method):
        raise TypeError(f"fit: method is the class {method.__name__}; pass {method.__name__}(...).")
    if not isinstance(method, Method):
        raise TypeError(f"fit: method is a {type(method).__name__}; pass one such as ebm.PCD().")
    why = method.why_not(energy)
    if why is not None:
        raise ValueError(
            f"fit: {type(method).__name__} does not fit: {why}. These do: "
            f"{', '.join(fitting_methods(energy))}."
        )
    return method


def _warn_about_overlap(rows: Rows, held_out: Rows) -> None:
    shared = rows.shared_with(held_out)
    if shared:
        warnings.warn(
            f"fit: {shared} of {len(held_out)} validation rows are among the training rows too; "
            "their log-likelihood says less about new data.",
            stacklevel=3,
        )
