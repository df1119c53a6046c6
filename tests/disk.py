"""A disk without room."""

import os
import resource
import sys
from collections.abc import Generator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def full_disk(room: int = 0) -> Generator[None]:
    """Let no file of this process, and of those that it starts, grow beyond `room` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python keeps compiled code that was cut off, and no later process can import that module.
    compiled = patch.multiple(sys, dont_write_bytecode=True)
    with compiled, patch.dict(os.environ, PYTHONDONTWRITEBYTECODE="1"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
