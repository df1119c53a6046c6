"""Nobody waits long for children that have gone for good, but where a test says so."""

import pytest

from isthmus.horizontal.rounds import protocol


@pytest.fixture(autouse=True)
def brief_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "OFFER", 0.1)
