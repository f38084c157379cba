"""What tests of several rooms share."""

import pytensor
import pytest


@pytest.fixture
def interpreted():
    """Evaluate graphs node by node: compiling one takes seconds, evaluating it a few times does not."""
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        yield
