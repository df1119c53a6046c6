import io
import os
from collections.abc import Generator
from contextlib import ExitStack
from typing import NamedTuple

import msgspec
import pytest

from isthmus.core.errors import ChannelError, PeerError
from isthmus.transport.message import Message
from isthmus.transport.streams import StreamChannel


class Blob(Message, frozen=True):
    data: bytes


class Line(NamedTuple):
    """Both ends."""

    first: StreamChannel
    second: StreamChannel


def end(peer: str, incoming: int, outgoing: int) -> StreamChannel:
    return StreamChannel(peer, os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb"), 10.0)


@pytest.fixture
def line() -> Generator[Line]:
    to_first, to_second = os.pipe(), os.pipe()
    first, second = (
        end("second", to_first[0], to_second[1]),
        end("first", to_second[0], to_first[1]),
    )
    with ExitStack() as both:
        for each in (first, second):
            both.callback(each.close)
        yield Line(first, second)


def beginning(sent: bytes) -> StreamChannel:
    """An end that has got these bytes, and then the stream was over."""
    incoming, outgoing = os.pipe(), os.pipe()
    os.write(incoming[1], sent)
    os.close(incoming[1])
    os.close(outgoing[0])
    return end("stranger", incoming[0], outgoing[1])


class NoMemory(io.BytesIO):
    """A stream whose reader has no memory left."""

    def read(self, _size: int | None = -1, /) -> bytes:
        raise MemoryError


HEADS = {
    "no text": b"\x93\xa4Head\xa2\xff\xfe\x01",
    "lists within lists": b"\x93\xa4Head" + b"\x91" * 10_000,
    "nothing": b"",
}


class TestStreamChannel:
    @pytest.mark.parametrize("head", HEADS.values(), ids=list(HEADS))
    def test_what_announces_no_message_is_refused(self, head: bytes) -> None:
        line = beginning(len(head).to_bytes(4) + head)
        with pytest.raises(PeerError, match=r"got \d+ bytes that announce no message"):
            line.receive(Blob)
        line.close()

    @pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 5 * 2**20])
    def test_what_is_sent_arrives(self, line: Line, size: int) -> None:
        data = os.urandom(size)
        for one, other in (line, reversed(line)):
            one.send(Blob(data=data))
            assert other.receive(Blob).data == data

    def test_both_may_speak_before_they_listen(self, line: Line) -> None:
        for each in line:
            for _ in range(3):
                each.send(Blob(data=bytes(2**20)))
        for each in line:
            for _ in range(3):
                assert len(each.receive(Blob).data) == 2**20

    def test_what_was_sent_before_a_close_arrives(self, line: Line) -> None:
        line.first.send(Blob(data=b"last"))
        line.first.close()
        assert line.second.receive(Blob).data == b"last"
        with pytest.raises(ChannelError, match="'first' has finished its part and left"):
            line.second.receive(Blob)

    def test_the_reason_of_a_close_arrives(self, line: Line) -> None:
        line.first.close("the job is another one.")
        with pytest.raises(PeerError, match=r"'first' stopped: the job is another one\."):
            line.second.receive(Blob)

    def test_a_line_that_is_cut_is_named(self, line: Line) -> None:
        line.first.abort()
        with pytest.raises(ChannelError, match="the line to 'first' is gone"):
            line.second.receive(Blob)

    @pytest.mark.parametrize("sent", [b"", b"\0", b"\0\0\0", b"\0\0\0\x05abcd"])
    def test_a_stream_that_ends_in_a_frame_is_a_line_that_is_gone(self, sent: bytes) -> None:
        with beginning(sent) as line, pytest.raises(ChannelError, match="'stranger' is gone"):
            line.receive(Blob)

    @pytest.mark.parametrize("sent", [b"Booting ...\n", b"\0\x10\0\x01" + bytes(20)])
    def test_what_is_no_frame_is_shown(self, sent: bytes) -> None:
        with beginning(sent) as line, pytest.raises(PeerError) as caught:
            line.receive(Blob)
        assert f"'stranger' sent {sent[:4]!r}... where the length of a frame" in str(caught.value)

    def test_a_frame_that_announces_nothing_is_refused(self) -> None:
        frame = msgspec.msgpack.encode("anything")
        with (
            beginning(len(frame).to_bytes(4) + frame) as line,
            pytest.raises(PeerError, match="bytes that announce no message"),
        ):
            line.receive(Blob)

    def test_a_reader_without_memory_says_so(self) -> None:
        line = StreamChannel("stranger", NoMemory(), io.BytesIO(), 10.0)
        with pytest.raises(MemoryError):
            line.receive(Blob)
