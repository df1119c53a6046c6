"""A whole job over a network that resets its connections: same result, same ledgers."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from isthmus.jobs.party import PARTY_FILE
from isthmus.jobs.run import run
from isthmus.ledger.channel import RecordedChannel
from isthmus.transport.message import Message
from tests.faults.forwarder import Forwarder
from tests.faults.killing import Outcome, Place, difference

EVERY = 3
"""The connection is reset before each third message that a party sends."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place.make("regression", tmp_path_factory.mktemp("regression") / "place")


@pytest.fixture(scope="module")
def undisturbed(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return played(place.copy(tmp_path_factory.mktemp("undisturbed") / "place"))


def played(place: Place) -> Outcome:
    """Play every party of a job in a thread of its own."""
    job = place.folder / "made" / place.job
    with ThreadPoolExecutor(len(place.parties)) as threads:
        files = [place.folder / "parties" / party / PARTY_FILE for party in place.parties]
        for each in [threads.submit(run, job, file) for file in files]:
            each.result()
    return place.outcome()


@pytest.fixture
def network(place: Place, tmp_path: Path) -> Generator[tuple[Place, Forwarder]]:
    """A copy of the job whose second party dials the first one through a network."""
    copy = place.copy(tmp_path / "place")
    _, dialler = copy.parties
    file = copy.folder / "parties" / dialler / PARTY_FILE
    before = file.read_text()
    listens = before.partition('address = "')[2].partition('"')[0]
    with Forwarder(listens) as between:
        file.write_text(before.replace(listens, between.address))
        yield copy, between


class TestResets:
    def test_at_every_third_message_change_neither_result_nor_ledger(
        self,
        undisturbed: Outcome,
        network: tuple[Place, Forwarder],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        copy, between = network
        sends, numbers, resets = RecordedChannel.send, count(), list[int]()

        def send(line: RecordedChannel, message: Message) -> None:
            number = next(numbers)
            if number % EVERY == 0:
                between.reset()
                resets.append(number)
            sends(line, message)

        monkeypatch.setattr(RecordedChannel, "send", send)
        found = played(copy)
        assert difference(undisturbed, found) == ""
        assert found.told == undisturbed.told
        assert len(resets) > 10
