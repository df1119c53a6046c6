"""How much a test tries: all of it with `make test-long`, an eighth in the gate."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
"""Whether this is the long run."""

_SHARE = 8


def some(items: Sequence[T]) -> Sequence[T]:
    """All items in the long run, else every eighth, from a place that the seed of the run draws."""
    return items if LONG else items[random.randrange(_SHARE) :: _SHARE]
