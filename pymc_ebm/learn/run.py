"""One run of a fit: epochs, scores, the best so far, and the file it goes on from."""

from __future__ import annotations

import logging
import time
import warnings

from collections.abc import Mapping
from typing import Any

import numpy as np

from rich.progress import Progress

from pymc_ebm.learn.checkpoint import Checkpoint
from pymc_ebm.learn.history import History
from pymc_ebm.learn.learned import Learned, Values
from pymc_ebm.learn.log_likelihood import LogLikelihood
from pymc_ebm.learn.method import Descent, known_shape
from pymc_ebm.learn.optimizer import name_of, optimizer_of
from pymc_ebm.learn.result import Epoch, FitResult
from pymc_ebm.learn.rows import Rows
from pymc_ebm.learn.saving import fingerprint_of
from pymc_ebm.log_z.estimated.estimate import MOST_RUNGS

MOST_SCORED = 5000  # training rows that a log-likelihood is averaged over
SCORES = 10  # of a run, where log Z has to be estimated
ROUNDS = (300, 2000)  # of such an estimate
QUICK = 0.05  # seconds that an exact log Z may take to be computed at every epoch

_log = logging.getLogger("pymc.ebm")


class Run:
    """One call of `fit`: parameters, chains, optimiser, records and the best so far."""

    def __init__(
        self, energy, rows, held_out, method, optimizer, epochs, size, score_every, patience,
        schedule, weight_decay, fixed, callbacks, checkpoint, random_seed,
    ) -> None:  # fmt: skip
        self.rows, self.held_out, self.method = rows, held_out, method
        self.epochs, self.size, self.patience = epochs, size, patience
        self.schedule, self.callbacks = schedule, callbacks
        self.rng = np.random.default_rng(random_seed)
        self.learned = Learned(energy, fixed, rows.dtype)
        self.descent: Descent = method.descent(self.learned, rows, self.rng)
        free = {**self.learned.free, **self.descent.extra}
        self.optimizer = optimizer_of(optimizer, free)
        self.decay = _checked_decay(weight_decay, self.learned)
        self.likelihood = LogLikelihood(
            known_shape(self.learned.energy, rows),
            rows,
            self.learned.frozen,
            estimate={"method": "tempering", "draws": _affordable(epochs * len(rows))},
        )
        self.scored_rows = Rows(rows.take(np.arange(min(len(rows), MOST_SCORED))), energy)
        self.every = self._interval(score_every)
        self.history, self.done, self.why = History(), 0, "epochs"
        self.best: Values | None = None
        self.best_score, self.since_best = -np.inf, 0
        if held_out is not None and not self.every and not self.descent.compares_rows:
            raise ValueError(
                f"fit: nothing compares epochs on validation rows: {type(method).__name__} follows "
                "no objective, and log-likelihoods are not scored. Leave out validation=, or pass "
                "score_every= where log Z can be had."
            )
        self.checkpoint = None
        if checkpoint is not None:
            same = {
                "optimizer": name_of(optimizer),
                "weight_decay": str(self.decay),
                "learned": str(sorted(self.learned.free)),
                "start": fingerprint_of(self.learned.template),
                "validation": "none" if held_out is None else held_out.fingerprint(),
                "score_every": str(self.every),
                "random_seed": str(random_seed),
            }
            self.checkpoint = Checkpoint(checkpoint, self._facts() | same)
            self._resume()

    def _interval(self, score_every: int | None) -> int:
        """Return how many epochs lie between two log-likelihoods, 0 for none."""
        how = self.likelihood.how
        if score_every is not None:
            if score_every and how == "unknown":
                raise ValueError(
                    "fit: log Z of this energy is neither exact nor estimated; score_every=0."
                )
            return int(score_every)
        if how == "unknown" or (how == "estimated" and self.learned.energy.states is None):
            return 0
        if how == "exact" and (self.likelihood.seconds or 0.0) < QUICK:
            return 1
        return max(1, -(-self.epochs // SCORES))

    def _facts(self) -> dict[str, str]:
        """Return what the history and a checkpoint say of a run."""
        return {
            "energy": repr(self.learned.template),
            "data": self.rows.fingerprint(),
            "method": self.method.describe(self.rows),
            "batch_size": str(self.size),
        }

    def _snapshot(self) -> Values:
        """Return the numbers of all that is learned."""
        extra = {k: np.asarray(v.get_value()) for k, v in self.descent.extra.items()}
        return {**self.learned.values, **extra}

    def _finite(self) -> bool:
        return all(np.isfinite(value).all() for value in self._snapshot().values())

    def _put_back(self, values: Values) -> None:
        self.learned.values = values
        for name, variable in self.descent.extra.items():
            variable.set_value(np.asarray(values[name], variable.dtype))

    def go(self, progressbar: bool) -> FitResult:
        """Run all epochs."""
        began = time.perf_counter()
        start: Values | None = None
        with Progress(disable=not progressbar) as progress:
            task = progress.add_task(self._label({}), total=self.epochs, completed=self.done)
            try:
                while self.done < self.epochs and not self._out_of_patience():
                    start = self._snapshot()
                    with np.errstate(over="ignore", invalid="ignore"):  # it is looked at below
                        record = self._epoch()
                    if record is None or not self._finite():
                        self._diverged(start)
                        break
                    start = None  # an interrupt from here on has nothing to take back
                    record["seconds"] = time.perf_counter() - began
                    self.done += 1
                    self._score(record)
                    self.history.records.append(record)
                    if self.checkpoint is not None:
                        self._write()
                    progress.update(task, advance=1, description=self._label(record))
                    told = Epoch(self.done, record, self.learned.frozen)
                    ended = [callback(told) for callback in self.callbacks]  # all of them
                    if any(ended):
                        self.why = "callback"
                        break
            except KeyboardInterrupt:
                self.why = "interrupted"
                if start is not None:
                    self._put_back(start)
                _log.warning(
                    f"fit: interrupted in epoch {self.done + 1} of {self.epochs}; the best so far "
                    "is returned."
                )
        if self.best is not None:
            self._put_back(self.best)
        attrs: dict[str, Any] = {**self._facts(), "ended": self.why, "epochs": self.done}
        for name, value in self.descent.extra.items():
            attrs[name] = float(value.get_value())
        attrs["log_partition_is"] = self.likelihood.how
        return FitResult(self.learned.frozen(), self.history.to_dataset(**attrs))

    def _out_of_patience(self) -> bool:
        """Tell whether a run has gone on for long enough without a better score."""
        if self.patience is None or self.since_best < self.patience:
            return False
        self.why = "patience"
        return True

    def _epoch(self) -> dict[str, float] | None:
        """Go once through the data; None if a gradient is not finite."""
        n = len(self.rows)
        order = self.rng.permutation(n) if self.size < n else np.arange(n)
        batches = np.array_split(order, max(1, -(-n // self.size)))
        factor = _checked_factor(self.schedule(self.done), self.done)
        losses, norms = [], []
        for self.step, numbers in enumerate(batches):
            loss, gradient = self.descent.gradient(self.rows.take(numbers), self.rng)
            norm = float(np.sqrt(sum(np.vdot(g, g) for g in gradient.values())))
            if not np.isfinite(norm):
                return None
            for name, rate in self.decay.items():
                gradient[name] = gradient[name] + rate * self.learned.free[name].get_value()
            self.optimizer.step(gradient, factor)
            self.descent.settle()
            losses.append(loss)
            norms.append(norm)
        record = {
            "gradient_norm": float(np.mean(norms)),
            "learning_rate": self.optimizer.base_rate * factor,
        }
        if (self.done + 1) % max(1, self.epochs // SCORES) == 0:
            record.update(self.descent.health())
        if not np.isnan(losses).any():
            record["loss"] = float(np.mean(losses))
        return record

    def _score(self, record: dict[str, float]) -> None:
        """Add log-likelihoods to a record, and remember the best parameters."""
        last = self.done == self.epochs
        if self.every and (self.done % self.every == 0 or last):
            try:
                log_z, error = self.likelihood.log_z(self.rng)
            except ValueError as problem:  # an estimate that cannot be trusted is not recorded
                _log.warning(f"fit: epoch {self.done} is not scored. {problem}")
                return
            train = self.likelihood.energies(self.scored_rows).mean()
            record.update(log_partition=log_z, log_partition_se=error)
            record["log_likelihood"] = float(-train - log_z)
            if self.held_out is None:
                return
            held_out = self.likelihood.energies(self.held_out).mean()
            record["validation_log_likelihood"] = float(-held_out - log_z)
            record["free_energy_gap"] = float(held_out - train)
            self._compare(record["validation_log_likelihood"])
        elif not self.every and self.held_out is not None and self.descent.compares_rows:
            rng = np.random.default_rng(0)  # the same noise each time
            loss, _gradient = self.descent.gradient(self.held_out.whole(), rng)
            if np.isfinite(loss):
                record["validation_loss"] = loss
                self._compare(-loss)

    def _compare(self, score: float) -> None:
        if score > self.best_score:
            self.best_score, self.since_best, self.best = score, 0, self._snapshot()
        else:
            self.since_best += 1

    def _diverged(self, start: Values) -> None:
        """Go back to the epoch's start, and say what happened."""
        self._put_back(start)
        self.why = "diverged"
        rate = self.optimizer.base_rate * _checked_factor(self.schedule(self.done), self.done)
        warnings.warn(
            f"fit: parameters or gradients stopped being finite at step {self.step + 1} of epoch "
            f"{self.done + 1}, learning rate {rate:g}. The parameters from before that epoch are "
            "returned. Try a learning rate ten times smaller, or weight_decay=1e-4.",
            stacklevel=4,
        )

    def _label(self, record: Mapping[str, float]) -> str:
        """Say in a few words where the run stands."""
        parts = [type(self.method).__name__]
        for name, short in (
            ("validation_log_likelihood", "validation"), ("log_likelihood", "training"),
            ("loss", "loss"), ("swap_acceptance", "swaps"),
        ):  # fmt: skip
            if name in record:
                parts.append(f"{short} {record[name]:.3f}")
        return ", ".join(parts[:4])

    def _write(self) -> None:
        assert self.checkpoint is not None
        groups = {
            "learned": self._snapshot(),
            "memory": self.optimizer.arrays(),
            "descent": self.descent.arrays(),
            "best": self.best or {},
        }
        facts = {
            "done": self.done,
            "best_score": self.best_score,
            "since_best": self.since_best,
            "generator": self.rng.bit_generator.state,
        }
        self.checkpoint.write(groups, facts, self.history.to_dataset())

    def _resume(self) -> None:
        assert self.checkpoint is not None
        found = self.checkpoint.read()
        if found is None:
            return
        groups, facts, history = found
        self._put_back(groups["learned"])
        self.optimizer.restore(groups["memory"])
        self.descent.restore(groups["descent"])
        self.best = groups["best"] or None
        self.done, self.since_best = facts["done"], facts["since_best"]
        self.best_score = facts["best_score"]
        self.rng.bit_generator.state = facts["generator"]
        self.history = History.from_dataset(history)
        for epoch, record in enumerate(self.history.records):
            factor = _checked_factor(self.schedule(epoch), epoch)
            if not np.isclose(record["learning_rate"], self.optimizer.base_rate * factor):
                raise ValueError(
                    "fit: the checkpoint is of another run: its learning rate in epoch "
                    f"{epoch + 1} was {record['learning_rate']:g}, and this schedule= says "
                    f"{self.optimizer.base_rate * factor:g}. Choose another file, or remove it."
                )
        _log.info(f"fit: goes on after epoch {self.done} of {self.epochs}")


def _checked_factor(factor: Any, epoch: int) -> float:
    """Return a schedule's factor as a number."""
    if not isinstance(factor, int | float | np.number) or not 0 <= factor < np.inf:
        raise ValueError(
            f"fit: schedule({epoch}) = {factor!r}; a factor of the learning rate is a number, 0 or "
            "more."
        )
    return float(factor)


def _affordable(rows: int) -> int:
    """Return rounds of an exchange run: about a tenth of the time that training takes.

    A step passes a row through the weights some five times, and a sweep of a rung twice.
    """
    return int(np.clip(0.1 * 2.5 * rows / (SCORES * MOST_RUNGS), *ROUNDS))


def _checked_decay(decay: Any, learned: Learned) -> dict[str, float]:
    rates = dict(decay) if isinstance(decay, Mapping) else dict.fromkeys(learned.free, decay)
    for name, rate in rates.items():
        if name not in learned.free:
            raise ValueError(f"fit: weight_decay names {name!r}; learned are {[*learned.free]}.")
        if not isinstance(rate, int | float | np.number) or not 0 <= rate < np.inf:
            raise ValueError(
                f"fit: weight_decay of {name} must be a number, 0 or more, got {rate!r}."
            )
    return {name: float(rate) for name, rate in rates.items() if rate}
