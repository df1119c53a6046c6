"""What holds for every test."""

import pytest
from hypothesis import settings

# How long an example takes says more about who else is on the machine than about the code.
settings.register_profile("isthmus", deadline=None)
settings.load_profile("isthmus")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, in an order that is otherwise left to chance.

    Runs of many processes wait much and compute little: others can go on beside them, but not once
    they are the last ones left.
    """
    items.sort(key=lambda item: "slow" not in item.keywords)
