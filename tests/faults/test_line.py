"""A real gRPC line between two parties on this machine."""

import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from isthmus.core.errors import ChannelError, IsthmusError, PeerError, SpecError
from isthmus.transport.framing import CHUNK
from isthmus.transport.grpc import GrpcChannel, Identity, Listener, dial, listen
from isthmus.transport.message import Message
from tests.faults.parties import ANY_PORT, Blob, Note, connected, party, quietly

Lines = tuple[GrpcChannel, GrpcChannel]

PATIENCE = 600.0


def send_blobs(line: GrpcChannel, count: int) -> None:
    for _ in range(count):
        line.send(Blob(data=bytes(CHUNK)))


@pytest.fixture
def lines(clinic: Identity, insurer: Identity) -> Generator[Lines]:
    with connected(clinic, insurer, patience=PATIENCE) as both:
        yield both


class TestLine:
    def test_each_end_names_the_other_party(self, lines: Lines) -> None:
        to_insurer, to_clinic = lines
        assert (to_insurer.peer, to_clinic.peer) == ("insurer", "clinic")

    def test_many_messages_go_back_and_forth(self, lines: Lines) -> None:
        to_insurer, to_clinic = lines

        def double() -> None:
            for _ in range(200):
                to_insurer.send(Note(number=2 * to_insurer.receive(Note).number))

        with ThreadPoolExecutor(1) as threads:
            doubling = threads.submit(double)
            for number in range(200):
                to_clinic.send(Note(number=number))
                assert to_clinic.receive(Note).number == 2 * number
            doubling.result()

    def test_both_may_speak_before_they_listen(self, lines: Lines) -> None:
        for end in lines:
            end.send(Blob(data=bytes(3 * CHUNK)))
        for end in lines:
            assert len(end.receive(Blob).data) == 3 * CHUNK

    def test_a_message_of_40_mib_arrives_whole(self, lines: Lines) -> None:
        to_insurer, to_clinic = lines
        data = os.urandom(40 * 2**20)
        with ThreadPoolExecutor(1) as threads:
            sending = threads.submit(to_clinic.send, Blob(data=data))
            assert to_insurer.receive(Blob).data == data
            sending.result()
        assert to_clinic.bytes_sent == to_insurer.bytes_received > len(data)

    def test_a_fast_sender_waits_for_a_slow_reader(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        with connected(clinic, insurer, patience=1.0) as (to_insurer, to_clinic):
            with pytest.raises(ChannelError, match="'clinic' took nothing of our Blob for 1 s"):
                send_blobs(to_clinic, 500)
            assert 0 < to_clinic.bytes_sent < 64 * 2**20
            assert len(to_insurer.receive(Blob).data) == CHUNK

    def test_a_silent_peer_is_named_when_patience_ends(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        with (
            connected(clinic, insurer, patience=0.2) as (to_insurer, _),
            pytest.raises(
                ChannelError, match=r"waited 0.2 s for Note from 'insurer'.*isthmus check"
            ),
        ):
            to_insurer.receive(Note)


class TestRefusal:
    def test_of_another_type(self, lines: Lines) -> None:
        to_insurer, to_clinic = lines
        to_clinic.send(Blob(data=b""))
        with pytest.raises(PeerError, match=r"expected Note from 'insurer', got Blob\."):
            to_insurer.receive(Note)

    def test_of_a_type_that_we_do_not_know(self, lines: Lines) -> None:
        to_insurer, to_clinic = lines
        to_clinic.transmit("Backdoor", b"\x80")
        with pytest.raises(PeerError, match=r"expected Note from 'insurer', got Backdoor\."):
            to_insurer.receive(Note)

    def test_of_more_bytes_than_we_accept(self, lines: Lines) -> None:
        class Blob(Message, frozen=True):
            max_bytes = 1000
            data: bytes

        to_insurer, to_clinic = lines
        to_clinic.transmit("Blob", bytes(1001))
        with pytest.raises(
            PeerError, match="announced a Blob of 1001 bytes, over the limit of 1000"
        ):
            to_insurer.receive(Blob)


class TestClose:
    @pytest.mark.parametrize("code", [3, 4])
    @pytest.mark.parametrize("leaver", [0, 1])
    def test_the_reason_arrives_whoever_leaves_and_whether_it_passes(
        self, lines: Lines, leaver: int, code: int
    ) -> None:
        leaving, staying = lines[leaver], lines[1 - leaver]
        leaving.close("my disk is full", again=code == ChannelError.exit_code)
        for _ in range(2):
            with pytest.raises(IsthmusError, match="stopped: my disk is full") as heard:
                staying.receive(Note)
            assert str(heard.value).startswith(f"'{staying.peer}' stopped: ")
            assert heard.value.exit_code == code
            with pytest.raises(IsthmusError, match="stopped: my disk is full") as heard:
                staying.send(Note(number=1))
            assert heard.value.exit_code == code

    @pytest.mark.parametrize("leaver", [0, 1])
    def test_what_was_sent_before_arrives(self, lines: Lines, leaver: int) -> None:
        leaving, staying = lines[leaver], lines[1 - leaver]
        leaving.send(Blob(data=bytes(5 * CHUNK)))
        leaving.close()
        assert len(staying.receive(Blob).data) == 5 * CHUNK
        with pytest.raises(ChannelError, match="has finished its part and left"):
            staying.receive(Note)

    @pytest.mark.parametrize("leaver", [0, 1])
    def test_wakes_a_peer_that_is_sending(self, lines: Lines, leaver: int) -> None:
        leaving, staying = lines[leaver], lines[1 - leaver]
        with ThreadPoolExecutor(1) as threads:
            sending = threads.submit(send_blobs, staying, 500)
            leaving.receive(Blob)
            leaving.close("I have seen enough")
            with pytest.raises(PeerError, match="stopped: I have seen enough"):
                sending.result()

    @pytest.mark.parametrize("leaver", [0, 1])
    def test_a_line_that_breaks_without_a_word_is_gone(
        self, clinic: Identity, insurer: Identity, leaver: int
    ) -> None:
        with connected(clinic, insurer, patience=1.0) as lines:
            self._breaks(lines[leaver], lines[1 - leaver])

    def _breaks(self, leaving: GrpcChannel, staying: GrpcChannel) -> None:
        leaving.abort()
        with pytest.raises(ChannelError, match=r"the line to '\w+' is gone|holds nothing of this"):
            staying.receive(Note)
        with pytest.raises(ChannelError, match=r"the line to '\w+' was closed on this side"):
            leaving.receive(Note)


class TestListener:
    def test_gives_each_of_two_peers_its_own_line(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        bank = party("bank")
        peers = {"insurer": insurer.certificate, "bank": bank.certificate}
        with listen(clinic, ANY_PORT, peers) as listener:
            for number, peer in enumerate([insurer, bank]):
                with dial(
                    peer, listener.address, "clinic", clinic.certificate, 20, quietly
                ) as to_clinic:
                    to_clinic.send(Note(number=number))
                    with listener.accept(peer.name, 20, quietly) as line:
                        assert (line.peer, line.receive(Note).number) == (peer.name, number)

    def test_a_peer_that_starts_again_takes_the_place_of_its_first_try(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        with listen(clinic, ANY_PORT, {"insurer": insurer.certificate}) as listener:
            target = (insurer, listener.address, "clinic", clinic.certificate)
            with dial(*target, 20, quietly) as first, dial(*target, 20, quietly) as second:
                with pytest.raises(ChannelError, match="'clinic' has a line to another process"):
                    first.receive(Note)
                with listener.accept("insurer", 20, quietly) as line:
                    line.send(Note(number=5))
                    assert second.receive(Note).number == 5

    def test_counts_down_and_then_names_who_did_not_come(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        lefts: list[float] = []
        with (
            listen(clinic, ANY_PORT, {"insurer": insurer.certificate}) as listener,
            pytest.raises(ChannelError, match=r"'insurer' did not come to 127.0.0.1:\d+ within"),
        ):
            listener.accept("insurer", 1.2, lefts.append)
        assert lefts == sorted(lefts, reverse=True)
        assert lefts[-1] == 0

    def test_one_address_has_one_listener(self, clinic: Identity, insurer: Identity) -> None:
        peers = {"insurer": insurer.certificate}
        with (
            listen(clinic, ANY_PORT, peers) as listener,
            pytest.raises(SpecError, match=rf"cannot listen on {listener.address}"),
        ):
            listen(clinic, listener.address, peers)


class TestDial:
    def test_waits_for_a_peer_that_listens_later(self, clinic: Identity, insurer: Identity) -> None:
        with listen(clinic, ANY_PORT, {"insurer": insurer.certificate}) as listener:
            address = listener.address

        def listen_when_missed(_: float) -> None:
            if not started:
                started.append(listen(clinic, address, {"insurer": insurer.certificate}))

        started: list[Listener] = []
        with dial(insurer, address, "clinic", clinic.certificate, 30, listen_when_missed) as line:
            assert line.peer == "clinic"
        started[0].close()

    def test_says_what_to_look_at_when_nobody_answers(
        self, clinic: Identity, insurer: Identity
    ) -> None:
        with listen(clinic, ANY_PORT, {"insurer": insurer.certificate}) as listener:
            address = listener.address
        with pytest.raises(
            ChannelError, match=rf"'clinic' did not answer at {address} within 0.5 s"
        ):
            dial(insurer, address, "clinic", clinic.certificate, 0.5, quietly)


class TestIdentity:
    def test_does_not_show_its_private_key(self, clinic: Identity) -> None:
        assert "PRIVATE" not in repr(clinic)
