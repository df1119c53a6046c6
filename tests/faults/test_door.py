"""The door before TLS: strangers neither lock peers out nor take what a party works with."""

import socket
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from isthmus.core.errors import ChannelError
from isthmus.transport.grpc import Identity, Listener, dial, listen
from tests.faults.parties import ANY_PORT, Note, quietly

IDLE = 200
DESCRIPTORS = Path("/proc/self/fd")


def strangers(listener: Listener, opened: ExitStack) -> list[socket.socket]:
    """Connect many times, and say nothing."""
    host, _, port = listener.address.rpartition(":")
    connections = list[socket.socket]()
    for _ in range(IDLE):
        connection = socket.create_connection((host, int(port)), timeout=60)
        connections.append(opened.enter_context(connection))
    return connections


def is_closed(connection: socket.socket) -> bool:
    try:
        while connection.recv(100):
            pass
    except ConnectionResetError:
        pass
    return True  # else `recv` waits for longer than a test may


class TestDoor:
    def test_idle_strangers_neither_keep_peers_out_nor_take_our_descriptors(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        with (
            ExitStack() as opened,
            listen(clinic, ANY_PORT, {"insurer": insurer.certificate}) as listener,
        ):
            before = len(list(DESCRIPTORS.iterdir()))
            idle = strangers(listener, opened)
            with (
                dial(insurer, listener.address, "clinic", clinic.certificate, 60, quietly) as line,
                listener.accept("insurer", 60, quietly) as to_insurer,
            ):
                ours = len(list(DESCRIPTORS.iterdir())) - before - IDLE
                assert ours < IDLE / 2
                line.send(Note(number=1))
                assert to_insurer.receive(Note).number == 1
                assert all(is_closed(each) for each in idle)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def listener(clinic: Identity, insurer: Identity, told: list[str]) -> Generator[Listener]:
    peers = {"insurer": insurer.certificate}
    with listen(clinic, ANY_PORT, peers, patience=5.0, on_second=told.append) as opened:
        yield opened


class TestSecondProcess:
    """Two processes with one key: the newcomer is named at both ends."""

    def test_does_not_take_the_line_of_the_first(
        self, listener: Listener, clinic: Identity, insurer: Identity, told: list[str]
    ) -> None:
        target = (insurer, listener.address, "clinic", clinic.certificate)
        with (
            dial(*target, 20, quietly) as first,
            listener.accept("insurer", 20, quietly) as to_first,
        ):
            with pytest.raises(ChannelError, match="another process with the key of 'insurer'"):
                dial(*target, 60, quietly)
            assert told == ["insurer"]
            first.send(Note(number=1))
            assert to_first.receive(Note).number == 1

    def test_that_comes_while_nothing_has_crossed_is_taken_for_the_first_one_started_again(
        self, listener: Listener, clinic: Identity, insurer: Identity, told: list[str]
    ) -> None:
        target = (insurer, listener.address, "clinic", clinic.certificate)
        with dial(*target, 20, quietly) as first, dial(*target, 20, quietly) as second:
            with pytest.raises(ChannelError, match="another process with the key of 'insurer'"):
                first.receive(Note)
            assert told == ["insurer"]
            with listener.accept("insurer", 20, quietly) as line:
                line.send(Note(number=5))
                assert second.receive(Note).number == 5

    def test_that_was_started_in_place_of_a_killed_one_ends_the_line_of_that_one_at_once(
        self, listener: Listener, clinic: Identity, insurer: Identity, told: list[str]
    ) -> None:
        target = (insurer, listener.address, "clinic", clinic.certificate)
        with dial(*target, 20, quietly) as killed:
            killed.send(Note(number=1))
            line = listener.accept("insurer", 20, quietly)
            line.receive(Note)
            killed.abort()
        again = dial(*target, 20, quietly)
        with pytest.raises(ChannelError, match="'insurer' was started again"):
            line.receive(Note)
        with listener.accept("insurer", 20, quietly) as newer, again:
            newer.send(Note(number=7))
            assert again.receive(Note).number == 7
        assert told == []


class TestListenerStartedAgain:
    def test_takes_up_a_line_on_which_nothing_has_crossed(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        peers = {"insurer": insurer.certificate}
        with listen(clinic, ANY_PORT, peers) as first:
            address = first.address
            line = dial(insurer, address, "clinic", clinic.certificate, 20, quietly)
            line.send(Note(number=1))
        with (
            listen(clinic, address, peers) as second,
            second.accept("insurer", 20, quietly) as to_insurer,
            line,
        ):
            assert to_insurer.receive(Note).number == 1

    def test_ends_a_line_of_which_it_holds_nothing(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        peers = {"insurer": insurer.certificate}
        with listen(clinic, ANY_PORT, peers) as first:
            address = first.address
            line = dial(insurer, address, "clinic", clinic.certificate, 20, quietly)
            line.send(Note(number=1))
            killed = first.accept("insurer", 20, quietly)
            killed.send(Note(number=killed.receive(Note).number))
            line.receive(Note)
        with (
            listen(clinic, address, peers),
            pytest.raises(ChannelError, match="'clinic' holds nothing of this line any more"),
        ):
            line.receive(Note)
