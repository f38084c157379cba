"""Noise-contrastive estimation: telling data from noise, log Z learned along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pytensor
import pytensor.tensor as pt

from numpy.typing import NDArray
from scipy.special import logsumexp, xlogy

from pymc_ebm.dependence import PY
from pymc_ebm.energies.energy import Energy
from pymc_ebm.learn.counts import settle_counts
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.method import Descent, GraphDescent, Method, batch_variable
from pymc_ebm.learn.rows import Rows
from pymc_ebm.states import States

TRIALS = 1000  # rows of noise that a first value of log Z is taken from


class Noise(Protocol):
    """A distribution that can be drawn from and whose density is known."""

    def rvs(self, size: int, random_state: np.random.Generator) -> NDArray:
        """Draw rows."""

    def logpdf(self, x: NDArray) -> NDArray:
        """Return the normalised log-density (or log-probability) of rows."""


@dataclass(frozen=True)
class NoiseContrastive(Method):
    """Learn to tell data from noise; minus the energy is then the log-odds, and log Z is learned.

    Parameters
    ----------
    noise : distribution, optional
        Anything with ``rvs(size, random_state)`` and ``logpdf(x)``, such as a frozen
        ``scipy.stats.multivariate_normal``. By default a normal with the data's mean and
        covariance, or independent entries with the data's frequencies.
    ratio : int, default 10
        Rows of noise for each row of data.

    Notes
    -----
    The estimate of log Z is in ``history.attrs["log_partition"]``. Works where noise and data
    overlap, so in few dimensions.

    References
    ----------
    Gutmann, M. U. and Hyvärinen, A. (2012). Noise-contrastive estimation of unnormalized
    statistical models. Journal of Machine Learning Research 13, 307-361.
    """

    noise: Noise | None = None
    ratio: int = 10

    def __post_init__(self) -> None:
        """Check noise and ratio."""
        settle_counts(self, "ratio")
        if self.noise is not None and not (
            hasattr(self.noise, "rvs") and hasattr(self.noise, "logpdf")
        ):
            raise TypeError(
                f"NoiseContrastive: noise is a {type(self.noise).__name__}; it needs rvs(size, "
                "random_state) and logpdf(x), as scipy.stats.multivariate_normal(mean, cov) has."
            )

    def describe(self, rows: Rows) -> str:
        """Tell kinds of noise apart by what they say of the first rows."""
        said = "" if self.noise is None else str(_log_density(self.noise, rows.take(np.arange(1))))
        return f"NoiseContrastive(ratio={self.ratio}, noise={type(self.noise).__name__} {said})"

    def obstacle(self, energy: Energy) -> str | None:
        """Take any energy."""
        return None

    def descent(self, learned: Learned, rows: Rows, rng: np.random.Generator) -> Descent:
        """Differentiate the logistic loss."""
        energy, states = learned.energy, learned.energy.states
        noise: Any = self.noise
        if noise is None:
            noise = NormalNoise(rows) if states is None else IndependentNoise(rows, states)
        constant = pytensor.shared(
            np.asarray(_first_log_z(energy, noise, rows, rng), rows.dtype),
            name="log_partition",
            shape=(),
        )
        drawn = batch_variable(energy, rows, "noise")
        said = [pt.vector(name, dtype=rows.dtype) for name in ("noise_of_data", "noise_of_noise")]
        ratio = float(self.ratio)

        def loss(batch: Any) -> Any:
            odds = [
                -energy(x) - constant - log_q - np.log(ratio)
                for x, log_q in zip((batch, drawn), said, strict=True)
            ]
            return pt.softplus(-odds[0]).mean() + ratio * pt.softplus(odds[1]).mean()

        def draw(batch: NDArray, rng: np.random.Generator) -> tuple:
            made = np.asarray(noise.rvs(size=self.ratio * len(batch), random_state=rng))
            made = made.reshape(-1, *batch.shape[1:])
            said = _log_density(noise, batch), _log_density(noise, made)
            return tuple(np.asarray(a, rows.dtype) for a in (made, *said))

        extra = {"log_partition": constant}
        return GraphDescent(learned, rows, loss, drawn, *said, draw=draw, extra=extra)


def _first_log_z(energy: Energy, noise: Any, rows: Rows, rng: np.random.Generator) -> float:
    """Return ``log ⟨exp(−E) / q⟩`` over noise, for the constant to start from."""
    made = np.asarray(noise.rvs(size=TRIALS, random_state=rng))
    if made.size != TRIALS * np.prod(rows.shape[1:]):
        raise ValueError(
            f"NoiseContrastive: {TRIALS} rows of noise have shape {made.shape}, and a row of data "
            f"{rows.shape[1:]}."
        )
    made = made.reshape(-1, *rows.shape[1:])
    if energy.states is not None and not energy.states.allowed(made).all():
        wrong = made[~energy.states.allowed(made)].flat[0]
        raise ValueError(
            f"NoiseContrastive: the noise has {wrong:g}, and {type(energy).__name__} wants one of "
            f"{tuple(energy.states)}. Leave out noise= for independent entries."
        )
    log_weights = -energy(made).eval(mode=PY) - _log_density(noise, made)
    return float(logsumexp(log_weights) - np.log(TRIALS))


def _log_density(noise: Any, x: NDArray) -> NDArray[np.float64]:
    """Ask noise for one log-density a row."""
    try:
        said = np.atleast_1d(np.asarray(noise.logpdf(x), float))
    except ValueError as error:
        raise ValueError(f"NoiseContrastive: noise.logpdf of rows {x.shape}: {error}.") from None
    if said.shape != (len(x),):
        raise ValueError(
            f"NoiseContrastive: noise.logpdf of rows {x.shape} has shape {said.shape}; it must "
            "give one value a row."
        )
    return said


class NormalNoise:
    """A normal with the mean and covariance of data."""

    def __init__(self, rows: Rows) -> None:
        if len(rows) < 2:
            raise ValueError("NoiseContrastive: one row has no covariance; pass noise=.")
        flat = rows.whole().reshape(len(rows), -1).astype(float)
        self._shape = rows.shape[1:]
        self._mean = flat.mean(axis=0)
        covariance = np.atleast_2d(np.cov(flat, rowvar=False))
        ridge = 1e-6 * max(float(np.trace(covariance)) / len(covariance), 1e-12)
        self._factor = np.linalg.cholesky(covariance + ridge * np.eye(len(covariance)))

    def rvs(self, size: int, random_state: np.random.Generator) -> NDArray:
        """Draw rows."""
        z = random_state.standard_normal((size, self._mean.size))
        return (self._mean + z @ self._factor.T).reshape(size, *self._shape)

    def logpdf(self, x: NDArray) -> NDArray:
        """Return the log-density."""
        away = np.asarray(x, float).reshape(len(x), -1) - self._mean
        z = np.linalg.solve(self._factor, away.T)
        log_scale = np.log(np.diag(self._factor)).sum() + 0.5 * len(self._mean) * np.log(2 * np.pi)
        return -0.5 * (z**2).sum(axis=0) - log_scale


class IndependentNoise:
    """Independent entries with the frequencies of data, each value counted once more."""

    def __init__(self, rows: Rows, states: States) -> None:
        self._states, self._shape = states, rows.shape[1:]
        flat = rows.whole().reshape(len(rows), -1)
        counts = (flat[:, :, None] == states.values).sum(axis=0) + 1.0
        absent = states.absent()
        if absent is not None:
            counts *= np.exp(absent.reshape(counts.shape))
        self._p = counts / counts.sum(axis=1, keepdims=True)

    def rvs(self, size: int, random_state: np.random.Generator) -> NDArray:
        """Draw rows."""
        u = random_state.random((size, len(self._p), 1))
        number = (u > np.cumsum(self._p, axis=1)[:, :-1]).sum(axis=2)
        return self._states.values[number].reshape(size, *self._shape)

    def logpdf(self, x: NDArray) -> NDArray:
        """Return the log-probability."""
        hit = np.asarray(x).reshape(len(x), -1)[:, :, None] == self._states.values
        return xlogy(hit, self._p).sum(axis=(1, 2))
