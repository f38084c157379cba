"""What a check returns: a finding a quantity, or a test that the report decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["pass", "fail", "not enough", "info"]
Kind = Literal["energy", "order parameter", "slow direction", "variable", "sampler", "model"]

ORDER = {"fail": 0, "not enough": 1, "pass": 2, "info": 3}  # the worst first
FALSE_ALARM = 0.005  # over all tests of a report together
FEWEST_EVENTS = 5.0  # expected in all draws; a count of fewer has no normal limit


@dataclass(frozen=True)
class Finding:
    """The result of one check on one quantity."""

    check: str  # name of the check
    quantity: str  # what was checked
    kind: str  # kind of the quantity
    value: float  # the statistic, and the value it is held against
    threshold: float  # the statistic, and the value it is held against
    # "not enough" where the draws cannot answer; it counts as not passed. "info" is a fact that is
    # neither good nor bad
    verdict: Verdict
    meaning: str  # what the verdict says, in words
    remedy: str = ""  # what to do about it; empty where it passed

    @property
    def goodness(self) -> tuple[int, float]:
        """Order findings of one check: smaller is worse.

        Whether large values are bad is read off the verdict: those that pass lie on the good side
        of the threshold.
        """
        large_is_good = (self.value >= self.threshold) == (self.verdict == "pass")
        value = self.value if np.isfinite(self.value) else -np.inf if large_is_good else np.inf
        return ORDER[self.verdict], value if large_is_good else -value


@dataclass(frozen=True)
class Test:
    """A statistical test whose level depends on how many others are made."""

    __test__ = False  # not a pytest class

    check: str  # as for a finding
    quantity: str  # as for a finding
    kind: str  # as for a finding
    p_value: float  # probability of a statistic at least as extreme in a correct, stationary chain
    passes: str  # what each outcome means
    fails: str  # what each outcome means
    remedy: str  # what to do if it fails
    # how many events the model expected in all draws. With fewer than five a test may fail (far too
    # many were seen) but says nothing when it does not
    events: float = np.inf

    def decide(self, level: float) -> Finding:
        """Hold the p-value against a level; what could not have failed is a fact, not a pass."""
        if np.isnan(self.p_value):
            why = "the statistic does not exist for these draws"
            return not_enough(self.check, self.quantity, self.kind, why, "Draw more.")
        named = (self.check, self.quantity, self.kind, self.p_value, level)
        if self.p_value < level:
            return Finding(*named, "fail", self.fails, self.remedy)
        if self.events < FEWEST_EVENTS:
            why = (
                f"not enough to tell: {self.events:.2g} events were expected, of {FEWEST_EVENTS:g}"
            )
            return Finding(*named, "info", why)
        return Finding(*named, "pass", self.passes)


Result = Finding | Test


def decide(results: Iterable[Result], false_alarm: float = FALSE_ALARM) -> list[Finding]:
    """Turn tests into findings so that all of them together raise few false alarms.

    Every check that tests anything gets the same share of `false_alarm`, so that a hundred
    variables do not dilute the energy's identities; within a check the share is dealt out by
    Holm's method. The union of the shares bounds the false-alarm rate whatever the dependence
    between tests.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal
    of Statistics 6, 65-70.
    """
    results = list(results)
    families: dict[str, list[int]] = defaultdict(list)
    for k, result in enumerate(results):
        if isinstance(result, Test):
            families[result.check].append(k)
    decided: dict[int, Finding] = {}
    for members in families.values():
        share = false_alarm / len(families)
        p_values = np.array([results[k].p_value for k in members])  # type: ignore[union-attr]
        rejecting = True
        for rank, position in enumerate(np.argsort(p_values, kind="stable")):
            level = share / (len(members) - rank)
            finding = results[members[position]].decide(level if rejecting else 0.0)  # type: ignore[union-attr]
            if rejecting and finding.verdict != "fail":
                rejecting, last = False, level
            if not rejecting:
                finding = Finding(**{**vars(finding), "threshold": last})
            decided[members[position]] = finding
    return [decided[k] if isinstance(r, Test) else r for k, r in enumerate(results)]


def judge(
    check: str,
    quantity: str,
    kind: str,
    value: float,
    passes: str,
    fails: str,
    remedy: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Finding:
    """Hold a value against a threshold that it must reach, or must not exceed; NaN fails."""
    threshold = float(at_most if at_least is None else at_least)  # type: ignore[arg-type]
    passed = value <= threshold if at_least is None else value >= threshold
    verdict: Verdict = "pass" if passed else "fail"
    words = (passes, "") if passed else (fails, remedy)
    return Finding(check, quantity, kind, float(value), threshold, verdict, *words)


def not_enough(check: str, quantity: str, kind: str, why: str, remedy: str) -> Finding:
    """Return the finding of a check that the draws cannot answer."""
    return Finding(check, quantity, kind, np.nan, np.nan, "not enough", why, remedy)


def number(value: float) -> str:
    """Write a figure with four digits, a dash where there is none."""
    return "–" if np.isnan(value) else f"{value:.4g}"
