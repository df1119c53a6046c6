"""What a role sees of each fault that tests can inject, on a loopback and on a real line."""

from collections.abc import Generator

import pytest

from isthmus.core.errors import ChannelError, PeerError
from isthmus.transport.framing import FramedChannel
from isthmus.transport.grpc import Identity
from isthmus.transport.loopback import loopback
from tests.faults.parties import Blob, Note, connected
from tests.faulty_channel import Fault, FaultyChannel, corrupt, delay, drop, replace, replay

Lines = tuple[FramedChannel, FramedChannel]


@pytest.fixture(params=["loopback", "grpc"])
def lines(request: pytest.FixtureRequest, clinic: Identity, insurer: Identity) -> Generator[Lines]:
    if request.param == "loopback":
        yield loopback("clinic", "insurer")
    else:
        with connected(clinic, insurer, patience=1.0) as both:
            yield both


def second_meets(fault: Fault, lines: Lines) -> FramedChannel:
    """The clinic sends two notes, and the second meets a fault; gives the insurer's end."""
    to_insurer, to_clinic = lines
    faulty = FaultyChannel(to_insurer, 2, fault)
    assert faulty.peer == "insurer"
    faulty.send(Note(number=1))
    faulty.send(Note(number=2))
    assert to_clinic.receive(Note).number == 1
    return to_clinic


class TestFault:
    def test_delay_changes_nothing_else(self, lines: Lines) -> None:
        assert second_meets(delay(0.01), lines).receive(Note).number == 2

    def test_replay_brings_the_message_twice(self, lines: Lines) -> None:
        to_clinic = second_meets(replay, lines)
        assert [to_clinic.receive(Note).number for _ in range(2)] == [2, 2]

    def test_drop_cuts_the_line(self, lines: Lines) -> None:
        to_insurer, to_clinic = lines
        FaultyChannel(to_insurer, 1, drop).send(Note(number=1))
        with pytest.raises(
            ChannelError, match=r"line to 'clinic' is gone|holds nothing of this line"
        ):
            to_clinic.receive(Note)

    def test_corrupt_is_refused(self, lines: Lines) -> None:
        with pytest.raises(PeerError, match="'clinic' sent something that is not a Note"):
            second_meets(corrupt, lines).receive(Note)

    def test_replace_is_refused(self, lines: Lines) -> None:
        with pytest.raises(PeerError, match="expected Note from 'clinic', got Blob"):
            second_meets(replace(Blob(data=b"")), lines).receive(Note)

    def test_receiving_is_left_alone(self, lines: Lines) -> None:
        to_insurer, to_clinic = lines
        to_clinic.send(Note(number=3))
        assert FaultyChannel(to_insurer, 1, drop).receive(Note).number == 3
