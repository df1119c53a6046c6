"""The compiled code, where this installation has it."""

import pytest

from isthmus.crypto.kernel import loading
from isthmus.crypto.kernel.library import Library


@pytest.fixture(scope="session")
def library() -> Library:
    """The code of this installation."""
    if reason := loading.available():
        pytest.skip(f"the kernel cannot run here: {reason}")
    return loading.library()
