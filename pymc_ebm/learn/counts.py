"""Counts that users pass: whole numbers, and no less than they can be."""

from __future__ import annotations

from typing import Any


def whole(owner: str, name: str, value: Any, least: int = 1) -> int:
    """Return a count as an int, or say what it must be."""
    try:
        count = int(value)
        right = not isinstance(value, str) and count == value and count >= least
    except (TypeError, ValueError, OverflowError):
        right = False
    if not right:
        raise ValueError(f"{owner}: {name} must be a whole number, {least} or more, got {value!r}.")
    return count


def settle_counts(method: Any, *names: str) -> None:
    """Check counts among the settings of a frozen method, and keep them as ints."""
    for name in names:
        count = whole(type(method).__name__, name, getattr(method, name))
        object.__setattr__(method, name, count)
