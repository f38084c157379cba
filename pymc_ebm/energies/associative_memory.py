"""What networks that remember share: memories, and the walk from a cue down to one of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import xarray as xr

from numpy.typing import NDArray
from pytensor.compile.mode import Mode
from pytensor.tensor.variable import TensorVariable

from pymc_ebm.energies.energy import Energy, constant_value

RETRIEVED = 0.9  # from this overlap on, a state counts as a memory
MIXED = (3, 5, 7)  # memories whose majority a spurious state may be
PY = Mode(linker="py", optimizer="fast_compile")


class AssociativeMemory(Energy):
    """An energy of vectors whose minima are memories.

    Families say what the memories are, and how a state moves downhill.
    """

    updates: tuple[str, ...] = ()  # ways to move; the first is the default

    @property
    @abstractmethod
    def memories(self) -> TensorVariable | None:
        """What is remembered, shape (M, N); None if it is not known."""

    @abstractmethod
    def _advance(
        self, states: NDArray, free: NDArray[np.bool_], update: str, rng: np.random.Generator,
        numbers: dict[str, NDArray],
    ) -> NDArray:  # fmt: skip
        """Return states (C, N) after one step, entries moved where `free` (C, N) says so."""

    @abstractmethod
    def _energies(self, states: NDArray, numbers: dict[str, NDArray]) -> NDArray:
        """Return the energies (C,) of states (C, N), gaps being 0."""

    def _checked_cues(self, cues: NDArray) -> None:
        """Raise where a cue holds values that a state cannot."""

    def _start(self, states: NDArray) -> NDArray:
        """Return where a walk from a cue (C, N) begins, gaps being 0."""
        return states

    def _settled(self, before: NDArray, after: NDArray) -> NDArray[np.bool_]:
        """Tell which states (C, N) a step has left where they were, shape (C,)."""
        settled: NDArray[np.bool_] = (before == after).all(axis=1)
        return settled

    def _recognise(
        self, states: NDArray, overlaps: NDArray, memories: NDArray
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return which memory each state is, −1 for none, and whether it is a mixture of some."""
        nearest = np.abs(overlaps).argmax(axis=1)
        found = np.abs(overlaps)[np.arange(len(states)), nearest] >= RETRIEVED
        mixed = np.zeros(len(states), bool)
        for count in MIXED:
            if count > len(memories):
                break
            top = np.argsort(-np.abs(overlaps), axis=1)[:, :count]
            signs = np.sign(np.take_along_axis(overlaps, top, axis=1))
            majority = np.sign(np.einsum("ck,ckn->cn", signs, memories[top]))
            mixed |= (majority * states).mean(axis=1) >= RETRIEVED
        return np.where(found, nearest, -1), mixed & ~found

    def retrieve(
        self,
        cue: Any,
        *,
        steps: int = 100,
        update: str | None = None,
        clamp: bool = False,
        random_seed: Any = None,
    ) -> xr.Dataset:
        """Walk from a cue downhill until nothing moves, and say what was remembered.

        Parameters
        ----------
        cue : array_like, shape (N,) or (cues, N)
            Where to start; NaN or masked entries are gaps, which say nothing at first and are
            filled in.
        steps : int, default 100
            At most so many; a step looks at every entry once.
        update : str, optional
            ``"asynchronous"``: entries one after another in random order, each to its best value;
            the energy never rises. ``"synchronous"``: all at once from the same state. By default
            the first that the network has; continuous ones move all at once, and never uphill.
        clamp : bool, default False
            Whether entries that the cue knows stay as they are.
        random_seed : int or Generator, optional
            Source of orders and of ties.

        Returns
        -------
        Dataset
            ``state`` (cue, entry); ``energy`` (cue,) and ``energies`` (cue, step), from the start
            on; ``overlap`` (cue, memory), the cosine between state and memory; ``memory`` (cue,),
            the number of the memory that the state is (an overlap of .9 or more, in size: spins
            remember a pattern's reverse, too), −1 for none; ``mixture``, whether it is a spurious
            mixture of several; ``steps`` until it stood still and whether it ``converged``. Without
            a dimension for cues if one was given.

        Raises
        ------
        ValueError
            If a cue has another length, holds values that no state has, or is all gaps; if the
            energy's parameters are symbolic.

        Examples
        --------
        >>> import numpy as np, pymc_ebm as ebm
        >>> network = ebm.energies.Hopfield([[1, 1, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1]])
        >>> found = network.retrieve([1, 1, np.nan, -1, -1, np.nan], random_seed=1)
        >>> found.state.values.astype(int), int(found.memory)
        (array([ 1,  1,  1, -1, -1, -1]), 0)
        """
        family = type(self).__name__
        update = self.updates[0] if update is None else update
        if update not in self.updates:
            raise ValueError(f"{family}: update={update!r} is none of {', '.join(self.updates)}.")
        if isinstance(steps, bool) or steps != int(steps) or steps < 1:
            raise ValueError(f"{family}: steps must be 1 or more, and whole, got {steps!r}.")
        numbers, memories = self._numbers()
        single, cues = self._read_cues(cue)
        gaps, rng = np.isnan(cues), np.random.default_rng(random_seed)
        states = np.where(gaps, np.zeros((), cues.dtype), cues)
        if not clamp:
            states = self._start(states)
        free = gaps if clamp else np.ones_like(gaps)
        energies = [self._energies(states, numbers)]
        taken, active = np.zeros(len(states), np.int64), np.arange(len(states))
        for _ in range(int(steps)):
            moved = self._advance(states[active], free[active], update, rng, numbers)
            stands = self._settled(states[active], moved)
            states[active] = moved
            taken[active[~stands]] += 1
            now = energies[-1].copy()
            now[active] = self._energies(moved, numbers)
            energies.append(now)
            active = active[~stands]
            if not active.size:
                break
        lengths = np.linalg.norm(states, axis=1)[:, None] * np.linalg.norm(memories, axis=1)
        overlaps = states @ memories.T / np.maximum(lengths, np.finfo(states.dtype).tiny)
        memory, mixture = self._recognise(states, overlaps, memories)
        found = xr.Dataset(
            {
                "state": (("cue", "entry"), states),
                "energy": ("cue", energies[-1]),
                "energies": (("cue", "step"), np.stack(energies, axis=1)),
                "overlap": (("cue", "memory_index"), overlaps),
                "memory": ("cue", memory),
                "mixture": ("cue", mixture),
                "steps": ("cue", taken),
                "converged": ("cue", ~np.isin(np.arange(len(states)), active)),
            },
            attrs={"update": update},
        )
        return found.isel(cue=0) if single else found

    def _numbers(self) -> tuple[dict[str, NDArray], NDArray]:
        """Return the parameters and the memories as numbers."""
        numbers = {}
        for name, value in self.parameters.items():
            known = constant_value(value)
            try:
                numbers[name] = np.asarray(value.eval(mode=PY) if known is None else known)
            except Exception as error:
                raise ValueError(
                    f"{type(self).__name__}: {name} is symbolic; retrieve needs numbers. For a "
                    "posterior over what was remembered, declare the network in a model."
                ) from error
        memories = self.memories
        n = int((self.event_shape or (0,))[0])
        if memories is None:
            return numbers, np.empty((0, n))
        return numbers, np.asarray(memories.eval(mode=PY))

    def _read_cues(self, cue: Any) -> tuple[bool, NDArray]:
        """Return whether there is one cue alone, and cues (C, N) with NaN for gaps."""
        family, (n,) = type(self).__name__, self.event_shape or (0,)
        masked = np.ma.masked_invalid(cue) if np.ma.isMaskedArray(cue) else np.asarray(cue)
        kind = masked.dtype if masked.dtype in (np.float32, np.float64) else np.float64
        cues = np.ma.filled(np.ma.asarray(masked).astype(kind), np.nan)
        if cues.ndim not in (1, 2) or cues.shape[-1] != n:
            raise ValueError(
                f"{family}: a cue has {n} entries, and this one has shape {cues.shape}."
            )
        single, cues = cues.ndim == 1, np.atleast_2d(cues)
        empty = np.flatnonzero(np.isnan(cues).all(axis=1))
        if empty.size:
            raise ValueError(f"{family}: cue {empty[0]} is all gaps; it says nothing to remember.")
        if np.isinf(cues).any():
            raise ValueError(f"{family}: a cue holds infinite values.")
        self._checked_cues(cues)
        return single, cues


def require_signs(family: str, what: str, values: NDArray) -> None:
    """Raise where known values, NaN aside, are not −1 or +1."""
    wrong = np.argwhere(~np.isin(values, (-1, 1)) & ~np.isnan(values))
    if wrong.size:
        row, column = (int(k) for k in wrong[0])
        hint = ""
        if np.isin(values[~np.isnan(values)], (0, 1)).all():
            hint = " Values in {0, 1} become spins by 2 v − 1."
        raise ValueError(
            f"{family}: {what}[{row}, {column}] = {values[row, column]:g}; spins are −1 or "
            f"+1.{hint}"
        )
