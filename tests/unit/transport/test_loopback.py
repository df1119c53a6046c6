"""Both ends of a line in one process: framing, refusals, and the ways a line can end."""

import os
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
import pytest

from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.transport.framing import CHUNK, Goodbye, Head
from isthmus.transport.loopback import LoopbackEnd, loopback
from isthmus.transport.message import Message, encode
from isthmus.transport.pipe import Pipe

T = TypeVar("T")


class Note(Message, frozen=True):
    number: int


class Blob(Message, frozen=True):
    data: bytes


class Small(Message, frozen=True):
    max_bytes = 100
    data: bytes


def control(frame: Head | Goodbye) -> bytes:
    return msgspec.msgpack.encode(frame)


def reader_of(*frames: bytes) -> LoopbackEnd:
    """The clinic's end of a line on which the insurer put these frames."""
    incoming = Pipe()
    for frame in frames:
        incoming.put(frame)
    return LoopbackEnd("insurer", incoming, Pipe(), patience=0.01)


def send_notes(line: LoopbackEnd, count: int) -> None:
    for number in range(count):
        line.send(Note(number=number))


def while_blocked(blocked: Callable[[], T], then: Callable[[], object]) -> T:
    """Start a call that blocks in its own thread, then do what should wake it."""
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(blocked)
        then()
        return running.result()


class TestLoopback:
    def test_each_end_names_the_other_party(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        assert (clinic.peer, insurer.peer) == ("insurer", "clinic")

    def test_messages_arrive_in_order_in_both_directions(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        for number in range(5):
            clinic.send(Note(number=number))
            insurer.send(Note(number=-number))
        assert [insurer.receive(Note).number for _ in range(5)] == [0, 1, 2, 3, 4]
        assert [clinic.receive(Note).number for _ in range(5)] == [0, -1, -2, -3, -4]

    @pytest.mark.parametrize("size", [0, CHUNK - 20, 3 * CHUNK + 1])
    def test_a_message_of_any_size_arrives_whole(self, size: int) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        data = os.urandom(size)
        clinic.send(Blob(data=data))
        assert insurer.receive(Blob).data == data

    def test_keeps_every_encoding_for_transcripts(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        clinic.send(Note(number=1))
        clinic.send(Blob(data=b"x"))
        assert clinic.sent == [encode(Note(number=1)), encode(Blob(data=b"x"))]
        assert insurer.sent == []

    def test_counts_the_same_bytes_at_both_ends(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        clinic.send(Blob(data=bytes(1000)))
        insurer.receive(Blob)
        assert clinic.bytes_sent == insurer.bytes_received > 1000
        assert clinic.bytes_received == insurer.bytes_sent == 0

    def test_knows_whether_something_has_arrived_and_takes_nothing(self) -> None:
        clinic, insurer = loopback("clinic", "insurer", patience=0.05)
        assert not clinic.arrived(0.1)  # silence beyond the patience ends nothing
        assert while_blocked(lambda: clinic.arrived(30), lambda: insurer.send(Note(number=1)))
        assert clinic.receive(Note).number == 1
        insurer.close()
        assert clinic.arrived(30)
        with pytest.raises(ChannelError, match="'insurer' has finished its part and left"):
            clinic.receive(Note)
        assert clinic.arrived(0)

    def test_a_fast_sender_waits_for_a_slow_reader(self) -> None:
        clinic, insurer = loopback("clinic", "insurer", patience=0.05)
        with pytest.raises(ChannelError, match=r"'insurer' took nothing of our Note for 0.05 s"):
            send_notes(clinic, 1000)
        assert 0 < clinic.bytes_sent < 1000
        assert insurer.receive(Note).number == 0


class TestRefusal:
    def test_of_another_type(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        insurer.send(Blob(data=b""))
        with pytest.raises(PeerError, match=r"expected Note from 'insurer', got Blob\."):
            clinic.receive(Note)

    def test_of_too_many_bytes_before_memory_is_taken(self) -> None:
        clinic = reader_of(control(Head("Small", 2**40)))
        tracemalloc.start()
        with pytest.raises(
            PeerError, match=r"announced a Small of \d+ bytes, over the limit of 100"
        ):
            clinic.receive(Small)
        assert tracemalloc.get_traced_memory()[1] < CHUNK
        tracemalloc.stop()

    def test_of_our_own_message_that_the_peer_would_refuse(self) -> None:
        clinic, _ = loopback("clinic", "insurer")
        with pytest.raises(SpecError, match=r"a Small of \d+ bytes is over its limit of 100"):
            clinic.send(Small(data=bytes(101)))
        assert clinic.sent == []

    def test_of_fields_that_do_not_fit(self) -> None:
        wrong = encode(Blob(data=b"")).replace(b"Blob", b"Note")
        clinic = reader_of(control(Head("Note", len(wrong))), wrong)
        with pytest.raises(PeerError, match="'insurer' sent something that is not a Note"):
            clinic.receive(Note)

    @pytest.mark.parametrize("frame", [b"", b"junk", b"\x93\xa4Head\xa1*\x01", bytes(CHUNK)])
    def test_of_what_announces_nothing(self, frame: bytes) -> None:
        with pytest.raises(PeerError, match="bytes that announce no message"):
            reader_of(frame).receive(Note)

    @pytest.mark.parametrize("piece", [b"", bytes(9), bytes(11)])
    def test_of_a_piece_of_another_length_than_announced(self, piece: bytes) -> None:
        clinic = reader_of(control(Head("Blob", 10)), piece)
        with pytest.raises(PeerError, match=rf"a piece of {len(piece)} bytes inside a Blob"):
            clinic.receive(Blob)


class TestSilence:
    def test_is_named_with_advice(self) -> None:
        clinic, _ = loopback("clinic", "insurer", patience=0.01)
        with pytest.raises(
            ChannelError,
            match=r"waited 0.01 s for Note from 'insurer'\. Is 'insurer' running the same job\? "
            r"Run `isthmus check` on both sides",
        ):
            clinic.receive(Note)

    def test_in_the_middle_of_a_message_too(self) -> None:
        with pytest.raises(ChannelError, match=r"waited 0.01 s for Blob"):
            reader_of(control(Head("Blob", 10))).receive(Blob)


class TestClose:
    def test_wakes_a_reader(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        with pytest.raises(ChannelError, match="'clinic' has finished its part and left"):
            while_blocked(lambda: insurer.receive(Note), then=clinic.close)

    def test_wakes_a_sender(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        with pytest.raises(PeerError, match="'clinic' stopped: the disk is full"):
            while_blocked(
                lambda: send_notes(insurer, 1000), then=lambda: clinic.close("the disk is full")
            )

    def test_lets_what_was_sent_arrive(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        clinic.send(Note(number=7))
        clinic.close("that is all")
        assert insurer.receive(Note).number == 7

    def test_tells_the_peer_why_as_often_as_it_asks(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        clinic.close("the disk is full")
        for _ in range(2):
            with pytest.raises(PeerError, match="'clinic' stopped: the disk is full"):
                insurer.receive(Note)
            with pytest.raises(PeerError, match="'clinic' stopped: the disk is full"):
                insurer.send(Note(number=1))

    def test_says_whether_the_same_command_may_go_on(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        clinic.close("the disk is full", again=True)
        for _ in range(2):
            with pytest.raises(ChannelError, match="'clinic' stopped: the disk is full"):
                insurer.receive(Note)

    def test_the_reason_is_heard_in_the_middle_of_a_message(self) -> None:
        clinic = reader_of(control(Head("Blob", 1000)), control(Goodbye("I was interrupted")))
        with pytest.raises(PeerError, match="'insurer' stopped: I was interrupted"):
            clinic.receive(Blob)

    def test_the_reason_is_not_trusted(self) -> None:
        clinic = reader_of(control(Goodbye("\x1b[2J\nall is \u202ewell" + "!" * 10_000)))
        with pytest.raises(PeerError) as caught:
            clinic.receive(Note)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500

    def test_our_own_is_named_as_such(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        insurer.send(Note(number=1))
        clinic.close()
        clinic.close("a second call does nothing")
        with pytest.raises(ChannelError, match="line to 'insurer' was closed on this side"):
            clinic.receive(Note)
        with pytest.raises(ChannelError, match="line to 'insurer' was closed on this side"):
            clinic.send(Note(number=1))
        with pytest.raises(ChannelError, match="'clinic' has finished its part"):
            insurer.receive(Note)

    def test_a_failed_block_tells_the_peer_that_it_failed_and_nothing_else(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        with pytest.raises(SpecError), clinic:
            raise SpecError("patients.csv: column `income` is empty")
        with pytest.raises(PeerError, match=r"'clinic' stopped: it failed") as caught:
            insurer.receive(Note)
        assert "income" not in str(caught.value)


class TestAbort:
    def test_looks_like_a_cut_line(self) -> None:
        clinic, insurer = loopback("clinic", "insurer")
        clinic.abort()
        with pytest.raises(ChannelError, match="line to 'clinic' is gone"):
            insurer.receive(Note)
        with pytest.raises(ChannelError, match="line to 'clinic' is gone"):
            insurer.send(Note(number=1))
