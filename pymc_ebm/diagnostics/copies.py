"""Copies: a chain that repeats another, or itself, earlier, later or backwards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numpy.typing import NDArray

from pymc_ebm.diagnostics.evidence import Evidence
from pymc_ebm.diagnostics.finding import Finding, judge

FEWEST_DRAWS = 40
PARTS = 4  # of a chain, each of which is looked for elsewhere
CHANCE = 1e-9  # of a part that recurs although chains are independent
REMEDY = (
    "Some chains are copies: they count once. Give each its own seed (one random_seed= for "
    "pm.sample does so), and do not concatenate a trace with itself."
)


def check(evidence: Evidence) -> list[Finding]:
    """Look for each quarter of a chain in the others and, elsewhere, in itself, both ways round."""
    whole = [s.values for s in evidence.series if s.share == 1]
    if not whole or whole[0].shape[1] < FEWEST_DRAWS:
        return []
    found = next(recurrences(numbered(whole)), None)
    copied = 0 if found is None else found[3]
    words = ""
    if found is not None:
        source, target, way, length = found
        words = f"{length} draws of chain {source} recur in chain {target}, {way}"
    return [
        judge(
            "copied draws", "chains", "model", copied,
            "no stretch of a chain recurs", words, REMEDY, at_most=0.0,
        )
    ]  # fmt: skip


def numbered(series: list[NDArray]) -> NDArray[np.uint64]:
    """Return a random number for each distinct state of all series, shape (chains, draws)."""
    rng = np.random.default_rng(0)
    code = np.zeros(series[0].shape, dtype=np.uint64)
    for values in series:
        bits = (np.asarray(values, dtype=float) + 0.0).view(np.uint64)  # −0 is 0
        code = (code ^ (bits >> np.uint64(29)) ^ bits) * _odd(rng)
    # numbers of like states may share their last bits, on which sums modulo 2⁶⁴ rest
    states, which = np.unique(code, return_inverse=True)
    return rng.integers(2**63, size=len(states), dtype=np.uint64)[which].reshape(code.shape)


def recurrences(code: NDArray[np.uint64]) -> Iterator[tuple[int, int, str, int]]:
    """Yield source, target, direction and length of stretches that chance does not repeat."""
    chains, draws = code.shape
    length = draws // PARTS
    powers = np.full(draws + 1, _odd(np.random.default_rng(1)))
    powers[0] = 1
    powers = np.cumprod(powers)  # modulo 2⁶⁴
    starts = np.arange(draws - length + 1)

    def windows(row: NDArray) -> NDArray:
        """Return ``Σ_k code_{s+k} b^k`` times ``b^s``, one a start s."""
        sums = np.concatenate([[np.uint64(0)], np.cumsum(row * powers[:-1])])
        return sums[length:] - sums[:-length]

    for target in range(chains):
        for way, row in (("in order", code[target]), ("backwards", code[target][::-1])):
            hashes = windows(row)
            for source in range(target + 1):
                for begin in range(0, draws - length + 1, length):
                    part = code[source, begin : begin + length]
                    same = hashes == np.sum(part * powers[:length]) * powers[starts]
                    if source == target and way == "in order":
                        same[begin] = False
                    for start in np.flatnonzero(same)[:3]:
                        if not np.array_equal(part, row[start : start + length]):
                            continue
                        copied = _extended(code[source], row, begin, int(start), length)
                        if _chance(copied, row) < CHANCE / (8 * chains**2 * draws):
                            yield source, target, way, len(copied)


def _extended(source: NDArray, row: NDArray, begin: int, start: int, length: int) -> NDArray:
    """Return the whole stretch of `source` around `begin` that `row` repeats around `start`."""
    back = min(begin, start)
    before = source[begin - back : begin] == row[start - back : start]
    more = min(len(source) - begin, len(row) - start)
    after = source[begin : begin + more] == row[start : start + more]
    first = begin - int(np.argmin(np.append(before[::-1], False)))
    return source[first : begin + max(int(np.argmin(np.append(after, False))), length)]


def _chance(part: NDArray, row: NDArray) -> float:
    """Return how likely an independent chain changes at the same draws to the same states."""
    changes = int(np.sum(part[1:] != part[:-1]))
    moves = np.concatenate([[True], row[1:] != row[:-1]])
    shares = np.unique(row[moves], return_counts=True)[1] / moves.sum()
    # of two states the next one is known once there is a change
    guess = float(np.sum(shares**2)) if len(shares) > 2 else 1.0
    return float(moves.mean() * min(2 * guess, 1.0)) ** changes


def _odd(rng: np.random.Generator) -> np.uint64:
    return np.uint64(int(rng.integers(2**62)) * 2 + 1)
