"""How much a test tries: all of it with `make test-long`, a part in the gate."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
"""Whether this is the long run."""

_SHARE = 8

costly = settings() if LONG else settings(max_examples=8)
"""For examples of which each is a whole training: few of them in the gate."""


def some(items: Sequence[T]) -> Sequence[T]:
    """All items in the long run, else every eighth, from a place that the seed of the run draws."""
    return items if LONG else items[random.randrange(_SHARE) :: _SHARE]
