"""Thousands of random models against enumeration in NumPy."""

import functools
import logging
import warnings

import numpy as np
import pytensor
import pytest

from tests.fuzz import checks, children, models

SMOKE = range(30)
MANY = 2_000
BLOCK = 50


@pytest.fixture(autouse=True)
def quiet():
    logging.getLogger("pymc.ebm").setLevel(logging.WARNING)
    # traces of where nodes come from take a third of the time
    with warnings.catch_warnings(), pytensor.config.change_flags(traceback__limit=0):
        warnings.simplefilter("ignore")
        yield


def check(seed):
    """Declare one model and hold it to everything that applies."""
    case = models.random_case(seed, children.random_child)
    rng = np.random.default_rng(seed + 10**6)
    checks.check_energy_and_logp(case, rng)
    checks.check_log_z(case)
    if case.observed is None:
        checks.check_conditional(case, rng)
        checks.check_relaxed(case, rng)


@functools.cache
def refusals():
    """Return what the package may refuse in words, by the beginning of the message."""
    return (
        "RBM: W has shape (None, None)",
        "Hopfield: patterns have shape (None, None)",
    )


def run(seeds):
    wrong = []
    for seed in seeds:
        try:
            check(seed)
        except Exception as error:
            text = str(error).replace(" 'x'", "")
            if isinstance(error, ValueError) and text.startswith(refusals()):
                continue
            wrong.append(f"seed {seed}: {type(error).__name__}: {str(error)[:600]}")
    assert not wrong, f"{len(wrong)} of {len(seeds)} models are wrong:\n" + "\n\n".join(wrong[:5])


@pytest.mark.parametrize("start", range(0, len(SMOKE), 10))
def test_a_few_random_models(start):
    run(SMOKE[start : start + 10])


@pytest.mark.slow
@pytest.mark.parametrize("start", range(len(SMOKE), len(SMOKE) + MANY, BLOCK))
def test_many_random_models(start):
    run(range(start, start + BLOCK))
