"""What tests of several rooms share."""

import os

# every worker has a core to itself: threads of BLAS would wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytensor
import pytest


@pytest.fixture
def interpreted():
    """Evaluate graphs node by node: compiling one takes seconds, evaluating it a few times does not."""
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        yield
