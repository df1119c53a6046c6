"""What holds for every test, and what tests of more than one folder share."""

import os
import sys
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import settings

from isthmus.crypto import keys

# How long an example takes says more about who else is on the machine than about the code.
settings.register_profile("gate", deadline=None, max_examples=30)
settings.register_profile("long", deadline=None, max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

_LONGEST = {"test_pages.py", "test_flower_jobs.py", "test_rounds.py", "test_ray.py"}
"""Files of whole runs that take minutes."""

_COMPUTING = {"vertical", "horizontal", "paramserver", "jobs", "aligned", "local", "tee"}
"""Folders of the longest among the other files."""

# Processes that tests start have it too: a key of full size costs more than all the rest.
os.environ.setdefault(keys.TEST_KEY_BITS, "1024")

# What is compiled is kept for the hundreds of processes that tests start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, in an order that is otherwise left to chance.

    Runs of many processes wait much and compute little: others can go on beside them, but not once
    they are the last ones left. Nor should the last file be one that takes a minute by itself: a
    file goes to one process, and the others would wait for it.
    """
    items.sort(key=_order)


def _order(item: pytest.Item) -> int:
    if "slow" in item.keywords:
        return 0 if item.path.name in _LONGEST else 1
    return 2 if item.path.parent.name in _COMPUTING else 3


_made_once = cache(keys.generate)


@pytest.fixture(scope="module")
def keys_made_once() -> Iterator[None]:
    """Where keys cost more than all the rest: a role takes one that another role had."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "generate", _made_once)
        yield
