"""Keywords of a declaration: unknown ones are refused, with the nearest that is known."""

from __future__ import annotations

import difflib
import inspect

from collections.abc import Mapping, Sequence
from typing import Any

OF_PYMC = ("rng", "size", "dtype", "return_next_rng")
OF_THE_MODEL = ("shape", "dims", "observed", "initval", "impute", "total_size", "transform",
                "default_transform")  # fmt: skip
_BOUNDS = "a bounded variable in the energy: x = lower + (upper - lower) * pm.math.sigmoid(z)"
MEANT = {
    "temperature": "beta, the inverse temperature 1 / T",
    "T": "beta, the inverse temperature 1 / T",
    "lower": _BOUNDS,
    "upper": _BOUNDS,
    "hidden_bias": "c",
    "visible_bias": "b",
    "field": "h",
    "coupling": "J",
    "couplings": "J",
    "log_z": "log_partition",
    "testval": "initval",
}


def refuse_unknown_keywords(owner: str, dists: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise for a keyword that none of some functions takes; name the nearest one that they do."""
    known = {*OF_PYMC, *OF_THE_MODEL}
    for function in dists:
        known |= {
            name
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.kind is not parameter.VAR_KEYWORD
        }
    known -= {"energy", "declared"}
    for keyword in kwargs:
        if keyword in known or keyword == "declared":
            continue
        if keyword in MEANT:
            meant = f" Use {MEANT[keyword]}."
        else:
            near = difflib.get_close_matches(keyword, known, n=1)
            meant = (
                f" Did you mean {near[0]}=?" if near else f" It takes {', '.join(sorted(known))}."
            )
        raise TypeError(f"{owner}: unknown keyword {keyword}={kwargs[keyword]!r}.{meant}")
