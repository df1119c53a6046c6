"""Frames are kept until the peer has them, and can be taken again by the next connection."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.transport.outbox import KEPT_BYTES, WAITING, Outbox


def outbox_of(*frames: bytes) -> Outbox:
    outbox = Outbox()
    outbox.resume(1, 0)
    for frame in frames:
        outbox.put(frame)
    return outbox


def taken(outbox: Outbox, connection: int, count: int) -> list[bytes]:
    found = [outbox.take(connection) for _ in range(count)]
    return [it.frame for it in found if it is not None]


class TestOutbox:
    def test_gives_frames_in_order(self) -> None:
        assert taken(outbox_of(b"1", b"2"), 1, 2) == [b"1", b"2"]

    def test_gives_the_next_connection_what_the_peer_does_not_have(self) -> None:
        outbox = outbox_of(b"1", b"2", b"3")
        taken(outbox, 1, 3)
        outbox.resume(2, 1)
        assert taken(outbox, 2, 2) == [b"2", b"3"]

    def test_gives_nothing_to_a_connection_that_was_replaced(self) -> None:
        outbox = outbox_of(b"1")
        outbox.resume(2, 0)
        assert outbox.take(1) is None

    def test_forgets_what_the_peer_has(self) -> None:
        outbox = outbox_of(b"1", b"2")
        taken(outbox, 1, 2)
        assert not outbox.acknowledge(1)
        outbox.resume(2, 1)
        assert taken(outbox, 2, 1) == [b"2"]

    @pytest.mark.parametrize("count", [0, 3])
    def test_refuses_a_peer_that_forgot_frames_or_has_some_that_were_never_sent(
        self, count: int
    ) -> None:
        outbox = outbox_of(b"1", b"2", b"3")
        taken(outbox, 1, 2)
        outbox.acknowledge(1)
        with pytest.raises(ValueError, match="frames"):
            outbox.acknowledge(count)

    def test_marks_the_last_frame_and_knows_when_the_peer_has_it(self) -> None:
        outbox = outbox_of(b"1")
        outbox.end(b"bye")
        found = [outbox.take(1), outbox.take(1)]
        assert [it.last for it in found if it] == [False, True]
        assert outbox.acknowledge(2)

    def test_sends_an_acknowledgement_alone_when_nudged(self) -> None:
        outbox = outbox_of()
        outbox.nudge()
        found = outbox.take(1)
        assert found is not None
        assert found.frame == b""

    @pytest.mark.parametrize(("frame", "fit"), [(b"1", WAITING), (bytes(KEPT_BYTES), 1)])
    def test_takes_no_more_than_its_limits(self, frame: bytes, fit: int) -> None:
        outbox = outbox_of(*[frame] * fit)
        with pytest.raises(TimeoutError):
            outbox.put(b"too much", patience=0.01)

    def test_a_writer_goes_on_when_the_peer_has_more(self) -> None:
        outbox = outbox_of(bytes(KEPT_BYTES))
        taken(outbox, 1, 1)
        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(outbox.put, b"next")
            outbox.acknowledge(1)
            writing.result()
        assert taken(outbox, 1, 1) == [b"next"]

    def test_its_end_wakes_writers_and_connections(self) -> None:
        outbox = outbox_of(*[b"1"] * WAITING)
        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(outbox.put, b"too much")
            outbox.close()
            assert isinstance(writing.exception(), EOFError)
        assert outbox.take(1) is None

    @given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20))
    def test_wherever_connections_break_every_frame_arrives_once_and_in_order(
        self, breaks: list[tuple[int, int]]
    ) -> None:
        """Of each connection some frames are taken, and fewer arrive before it breaks."""
        frames = [bytes([number]) for number in range(WAITING)]
        outbox, arrived = outbox_of(*frames), list[bytes]()
        for connection, (sent, lost) in enumerate([*breaks, (WAITING, 0)], start=2):
            outbox.resume(connection, len(arrived))
            left = min(sent, len(frames) - len(arrived))
            arrived += taken(outbox, connection, left)[: max(0, left - lost)]
        assert arrived == frames
