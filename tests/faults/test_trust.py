"""Who gets through: only the pinned certificate, and only under TLS 1.3."""

import socket
import ssl
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.crypto import certificates
from isthmus.transport.grpc import Identity, Listener, dial, listen
from tests.faults.parties import ANY_PORT, Note, certified, connected, party, quietly

HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
TLS_ALERT = b"\x15"


@pytest.fixture
def listener(clinic: Identity, insurer: Identity) -> Generator[Listener]:
    with listen(clinic, ANY_PORT, {"insurer": insurer.certificate}) as opened:
        yield opened


class TestPinnedCertificate:
    def test_may_come_from_an_authority_that_nobody_here_trusts(self) -> None:
        authority = certificates.make_authority("health-authority")
        with connected(certified("clinic", authority), certified("insurer", authority)) as (a, b):
            a.send(Note(number=1))
            assert b.receive(Note).number == 1

    def test_another_one_of_the_listener_is_refused_at_once_with_advice(
        self, listener: Listener, insurer: Identity
    ) -> None:
        with pytest.raises(PeerError, match="not the one your party file names for 'clinic'"):
            dial(insurer, listener.address, "clinic", party("clinic").certificate, 600, quietly)

    def test_another_one_of_the_dialler_is_refused_with_advice(
        self, listener: Listener, clinic: Identity
    ) -> None:
        impostor = party("insurer")
        with pytest.raises(ChannelError, match=r"hangs up on us.*certificate of 'insurer'"):
            dial(impostor, listener.address, "clinic", clinic.certificate, 1.2, quietly)
        with pytest.raises(ChannelError, match="'insurer' did not come"):
            listener.accept("insurer", 0.1, quietly)

    def test_another_one_of_the_same_authority_and_name_is_refused(self) -> None:
        authority = certificates.make_authority("health-authority")
        clinic, insurer, impostor = (
            certified(name, authority) for name in ("clinic", "insurer", "insurer")
        )
        with listen(clinic, ANY_PORT, {"insurer": insurer.certificate}) as listener:
            with pytest.raises(ChannelError, match="hangs up on us"):
                dial(impostor, listener.address, "clinic", clinic.certificate, 1.2, quietly)
            wrong = certified("clinic", authority).certificate
            with pytest.raises(PeerError, match="not the one your party file names"):
                dial(insurer, listener.address, "clinic", wrong, 600, quietly)

    def test_decides_who_a_peer_is_whatever_name_it_gives_itself(self, clinic: Identity) -> None:
        bank, insurer = party("bank"), party("insurer")
        peers = {"bank": bank.certificate, "insurer": insurer.certificate}
        renamed = Identity("insurer", bank.certificate, bank.private_key)
        with (
            listen(clinic, ANY_PORT, peers) as listener,
            dial(renamed, listener.address, "clinic", clinic.certificate, 20, quietly),
            listener.accept("bank", 20, quietly) as line,
        ):
            assert line.peer == "bank"
            with pytest.raises(ChannelError, match="'insurer' did not come"):
                listener.accept("insurer", 0.1, quietly)

    def test_made_out_to_another_name_is_refused(
        self, listener: Listener, clinic: Identity, insurer: Identity
    ) -> None:
        with pytest.raises(SpecError, match="for 'hospital' is made out to another name"):
            dial(insurer, listener.address, "hospital", clinic.certificate, 600, quietly)

    def test_of_two_peers_cannot_be_the_same(self, clinic: Identity, insurer: Identity) -> None:
        twice = {"insurer": insurer.certificate, "bank": insurer.certificate}
        with pytest.raises(SpecError, match="two peers have the same certificate"):
            listen(clinic, ANY_PORT, twice)


class TestEncryption:
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_is_tls_1_3_or_nothing(
        self,
        version: ssl.TLSVersion,
        listener: Listener,
        clinic: Identity,
        insurer: Identity,
        tmp_path: Path,
    ) -> None:
        own = tmp_path / "own.pem"
        own.write_bytes(insurer.certificate + insurer.private_key)
        client = ssl.create_default_context(cadata=clinic.certificate.decode())
        client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        client.load_cert_chain(own)
        client.set_alpn_protocols(["h2"])
        client.minimum_version = client.maximum_version = version
        with ExitStack() as opened:
            plain = opened.enter_context(connection(listener))
            if version is ssl.TLSVersion.TLSv1_2:
                with pytest.raises(ssl.SSLError):
                    client.wrap_socket(plain, server_hostname="clinic")
            else:
                secure = opened.enter_context(client.wrap_socket(plain, server_hostname="clinic"))
                assert secure.version() == "TLSv1.3"

    def test_plaintext_is_not_answered(self, listener: Listener) -> None:
        with connection(listener) as plain:
            plain.sendall(HTTP2)
            assert plain.recv(1) in {b"", TLS_ALERT}


def connection(listener: Listener) -> socket.socket:
    host, _, port = listener.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)
