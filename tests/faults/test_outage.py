"""A line outlives its connections: an outage is healed, nothing is lost, nothing comes twice."""

import os
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from isthmus.core.errors import ChannelError
from isthmus.transport.grpc import GrpcChannel, Identity, dial, listen
from tests.faults.forwarder import Forwarder
from tests.faults.parties import ANY_PORT, Blob, Note, quietly

Ends = tuple[GrpcChannel, GrpcChannel]


class Absences:
    """Notes who is missing, and who is back."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []
        self.missing, self.back = threading.Event(), threading.Event()

    def __call__(self, peer: str, left: float) -> None:
        self.told.append((peer, left > 0))
        (self.missing if left else self.back).set()


@contextmanager
def apart(
    clinic: Identity, insurer: Identity, absences: Absences, patience: float = 600.0
) -> Generator[tuple[Forwarder, Ends]]:
    """The clinic listens, the insurer dials, and a network that can be cut is between them."""
    peers = {"insurer": insurer.certificate}
    with (
        listen(clinic, ANY_PORT, peers, patience=patience, on_absence=absences) as listener,
        Forwarder(listener.address) as network,
        dial(
            insurer,
            network.address,
            "clinic",
            clinic.certificate,
            20,
            quietly,
            patience=patience,
            on_absence=absences,
        ) as to_clinic,
        listener.accept("insurer", 20, quietly) as to_insurer,
    ):
        yield network, (to_insurer, to_clinic)


def count(line: GrpcChannel, upto: int) -> None:
    for number in range(upto):
        line.send(Note(number=number))


def counted(line: GrpcChannel, upto: int) -> list[int]:
    return [line.receive(Note).number for _ in range(upto)]


def keep_sending(line: GrpcChannel) -> None:
    while True:
        line.send(Note(number=1))
        threading.Event().wait(0.05)


class TestCut:
    @pytest.mark.slow
    def test_of_4_seconds_is_healed_and_who_was_missing_is_told(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        absences = Absences()
        with apart(clinic, insurer, absences) as (network, ends), ThreadPoolExecutor(4) as threads:
            for end in ends:
                end.send(Note(number=-1))
            assert [end.receive(Note).number for end in ends] == [-1, -1]
            network.darken()
            threading.Timer(4.0, network.lighten).start()
            sending = [threads.submit(count, end, 40) for end in ends]
            got = [threads.submit(counted, end, 40) for end in ends]
            assert [it.result() for it in got] == [[*range(40)]] * 2
            for each in sending:
                each.result()
            assert {peer for peer, _ in absences.told} <= {"clinic", "insurer"}

    @pytest.mark.slow
    def test_that_does_not_end_ends_the_line_after_patience(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        absences = Absences()
        with apart(clinic, insurer, absences, patience=3.0) as (network, ends):
            network.darken()
            for end in ends:
                with pytest.raises(ChannelError, match=r"the line to '\w+' is gone"):
                    keep_sending(end)
            assert {("clinic", True), ("insurer", True)} <= set(absences.told)

    def test_at_the_farewell_does_not_take_what_was_sent_before(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        with apart(clinic, insurer, Absences()) as (network, (to_insurer, to_clinic)):
            to_clinic.send(Note(number=0))
            to_insurer.receive(Note)
            with ThreadPoolExecutor(1) as threads:
                to_insurer.send(Blob(data=bytes(3)))
                network.reset()
                leaving = threads.submit(to_insurer.close)
                assert to_clinic.receive(Blob).data == bytes(3)
                with pytest.raises(ChannelError, match="has finished its part and left"):
                    to_clinic.receive(Note)
                leaving.result()


class TestResets:
    def test_at_any_moment_change_nothing_that_arrives(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        data = [os.urandom(size) for size in (1, 100, 3 * 2**20, 10, 2**20, 5 * 2**20) * 4]
        done = threading.Event()

        def send_all(line: GrpcChannel) -> None:
            for each in data:
                line.send(Blob(data=each))

        def receive_all(line: GrpcChannel) -> list[bytes]:
            return [line.receive(Blob).data for _ in data]

        def shake(network: Forwarder) -> int:
            times = 0
            while not done.wait(0.15):
                network.reset()
                times += 1
            return times

        with (
            apart(clinic, insurer, Absences()) as (network, ends),
            ThreadPoolExecutor(5) as threads,
        ):
            shaking = threads.submit(shake, network)
            sending = [threads.submit(send_all, end) for end in ends]
            got = [threads.submit(receive_all, end) for end in ends]
            assert [it.result() == data for it in got] == [True, True]
            for each in sending:
                each.result()
            done.set()
            assert shaking.result() > 1
