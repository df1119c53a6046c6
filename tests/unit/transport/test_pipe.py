"""A bounded line of frames between two threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from isthmus.transport.pipe import Pipe


class TestPipe:
    def test_is_first_in_first_out(self) -> None:
        pipe = Pipe()
        pipe.put(b"1")
        pipe.put(b"2")
        assert [pipe.get(), pipe.get()] == [b"1", b"2"]

    def test_takes_no_more_than_its_limit(self) -> None:
        pipe = Pipe(limit=1)
        pipe.put(b"1")
        with pytest.raises(TimeoutError):
            pipe.put(b"2", patience=0.01)

    def test_a_waiting_writer_goes_on_when_there_is_room(self) -> None:
        pipe = Pipe(limit=1)
        pipe.put(b"1")
        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(pipe.put, b"2")
            assert [pipe.get(), pipe.get()] == [b"1", b"2"]
            writing.result()

    def test_an_empty_pipe_keeps_the_reader_waiting(self) -> None:
        with pytest.raises(TimeoutError):
            Pipe().get(patience=0.01)

    def test_what_was_in_it_can_be_read_after_its_end(self) -> None:
        pipe = Pipe()
        pipe.put(b"1")
        pipe.end()
        assert list(pipe) == [b"1"]

    def test_the_last_frame_needs_no_room(self) -> None:
        pipe = Pipe(limit=1)
        pipe.put(b"1")
        pipe.end(b"last")
        assert list(pipe) == [b"1", b"last"]

    def test_nothing_goes_in_after_its_end(self) -> None:
        pipe = Pipe()
        pipe.end()
        pipe.end(b"too late")
        with pytest.raises(EOFError):
            pipe.put(b"too late")
        assert list(pipe) == []


class TestDrain:
    def test_waits_until_the_reader_asks_for_more(self) -> None:
        pipe = Pipe()
        pipe.put(b"1")
        frames = iter(pipe)
        next(frames)
        with pytest.raises(TimeoutError):  # the reader has the frame, and is not done with it
            pipe.drain(patience=0.01)
        with ThreadPoolExecutor(1) as threads:
            threads.submit(next, frames, None)
            pipe.drain()
            pipe.end()

    def test_returns_when_the_pipe_has_ended(self) -> None:
        pipe = Pipe()
        pipe.put(b"1")
        pipe.end()
        pipe.drain()
        assert pipe.get() == b"1"
