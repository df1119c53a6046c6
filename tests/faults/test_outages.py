"""Every system over a network that is cut for a while: healed without people, same result."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from isthmus.core.telemetry import Event
from isthmus.jobs.party import PARTY_FILE
from isthmus.store.events import follow
from tests.faults.forwarder import Forwarder
from tests.faults.killing import Outcome, Place, difference, undisturbed
from tests.faults.small_jobs import ALONE, JOBS

pytestmark = pytest.mark.long

PATIENCE = 600
"""Of every party, and the deadline of a round: longer than the longest cut."""

ALONE_JOBS = ("baseline", "baseline of trees", "multitask", "multilingual")
"""Jobs of one organisation, which have no line."""

SYSTEMS = [name for name in JOBS if name not in ALONE_JOBS]


@pytest.fixture(scope="module", params=SYSTEMS)
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Place, Outcome, int]:
    """A job, what it leaves, and how many moments its first party has."""
    folder = tmp_path_factory.mktemp("whole")
    place = Place.make(request.param, folder / "place")
    job = place.folder / "made" / place.job
    job.write_text(job.read_text().replace("deadline = 60", f"deadline = {PATIENCE - 1}"))
    for party in place.parties:
        place.moments(party).unlink(missing_ok=True)  # of the job whose model this one scores with
        file = place.folder / "parties" / party / PARTY_FILE
        lines = file.read_text().splitlines()
        kept = [line for line in lines if not line.startswith("patience = ")]
        file.write_text("\n".join([f"patience = {PATIENCE}.0", *kept]) + "\n")
    outcome, moments = undisturbed(place, folder / "undisturbed")
    return place, outcome, len(moments[place.parties[0]])


@contextmanager
def apart(place: Place) -> Generator[Forwarder]:
    """Put a network between the first party and all others."""
    first, *others = place.parties
    assert first != ALONE
    files = [place.folder / "parties" / party / PARTY_FILE for party in others]
    listens = files[0].read_text().partition('address = "')[2].partition('"')[0]
    with Forwarder(listens) as between:
        for file in files:
            file.write_text(file.read_text().replace(listens, between.address))
        yield between


def wait_for_moment(place: Place, number: int) -> None:
    """Wait until the first party has passed so many of its moments."""
    log = place.moments(place.parties[0])
    while not log.exists() or len(log.read_text().splitlines()) < number:
        assert all(process.is_alive() for process in place.running.values())
        time.sleep(0.005)


class TestCut:
    @pytest.mark.parametrize("seconds", [4, 30, 180])
    def test_is_healed_without_people(
        self,
        seconds: int,
        whole: tuple[Place, Outcome, int],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("tests.faults.killing.TIMEOUT", 3.0 * PATIENCE)
        place, expected, moments = whole
        played = place.copy(tmp_path / "played")
        with apart(played) as between:
            for party in played.parties:
                played.start(party)
            wait_for_moment(played, moments // 2)
            between.darken()
            healing = threading.Timer(seconds, between.lighten)
            healing.start()
            try:
                while played.running:
                    party = played.wait()
                    assert played.codes[party] == [0], played.said()
            finally:
                healing.cancel()
                played.end()
        found = played.outcome()
        assert difference(expected, found) == ""
        assert found.told == expected.told
        notes = [event.note for party in played.parties for event in events(played, party)]
        missing = [note for note in notes if "is missing: no connection" in note]
        assert missing or seconds < 10


def events(place: Place, party: str) -> list[Event]:
    (run,) = place.runs(party)
    return list(follow(run.events))
