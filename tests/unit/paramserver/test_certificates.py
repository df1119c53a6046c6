"""The line to a given cluster over TLS; the head is a thread that speaks TLS as one of Ray does."""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from isthmus.core.errors import SpecError
from isthmus.paramserver.distributed import certificates
from tests import node_certificates

Variables = Mapping[str, str]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Variables:
    return node_certificates.make(tmp_path_factory.mktemp("ours") / "tls")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Variables:
    return node_certificates.make(tmp_path_factory.mktemp("theirs") / "tls")


class TestLine:
    def test_is_open_where_all_certificates_are_of_one_authority(self, ours: Variables) -> None:
        with head(ours) as address:
            certificates.try_line(address, certificates.read(ours))

    def test_to_a_head_of_another_authority_is_not_opened(
        self, ours: Variables, theirs: Variables
    ) -> None:
        with head(theirs) as address, pytest.raises(SpecError, match="RAY_TLS_CA_CERT has to be"):
            certificates.try_line(address, certificates.read(ours))

    def test_to_a_head_with_another_address_in_its_certificate_is_not_opened(
        self, ours: Variables, tmp_path: Path
    ) -> None:
        elsewhere = node_certificates.make(tmp_path / "tls", "10.9.9.9")
        context = certificates.read({**ours, "RAY_TLS_CA_CERT": elsewhere["RAY_TLS_CA_CERT"]})
        with head(elsewhere) as address, pytest.raises(SpecError, match=r"not valid for '127\.0"):
            certificates.try_line(address, context)

    def test_is_closed_by_a_head_that_does_not_know_our_authority(
        self, ours: Variables, theirs: Variables
    ) -> None:
        mixed = {**theirs, "RAY_TLS_CA_CERT": ours["RAY_TLS_CA_CERT"]}
        with (
            head(ours) as address,
            pytest.raises(SpecError, match="RAY_TLS_SERVER_CERT has to be issued by"),
        ):
            certificates.try_line(address, certificates.read(mixed))

    def test_to_what_speaks_no_tls_says_so(self, ours: Variables) -> None:
        with head(None) as address, pytest.raises(SpecError, match="speaks no TLS that we do"):
            certificates.try_line(address, certificates.read(ours))


class TestFiles:
    @pytest.mark.parametrize("name", certificates.VARIABLES)
    def test_that_are_missing_are_named(self, ours: Variables, name: str) -> None:
        with pytest.raises(SpecError, match=f"{name} in the environment of this command names no"):
            certificates.read({**ours, name: ours[name] + ".not-there"})

    def test_of_an_authority_hold_its_certificate(self, ours: Variables) -> None:
        wrong = {**ours, "RAY_TLS_CA_CERT": ours["RAY_TLS_SERVER_KEY"]}
        with pytest.raises(
            SpecError, match=r"RAY_TLS_CA_CERT: .* cannot be read as the certificate"
        ):
            certificates.read(wrong)

    def test_of_certificate_and_key_belong_together(
        self, ours: Variables, theirs: Variables
    ) -> None:
        mixed = {**ours, "RAY_TLS_SERVER_KEY": theirs["RAY_TLS_SERVER_KEY"]}
        with pytest.raises(SpecError, match=r"are no certificate and its key.*mismatch"):
            certificates.read(mixed)

    def test_of_a_key_have_no_password_that_somebody_would_be_asked_for(
        self, ours: Variables, tmp_path: Path
    ) -> None:
        locked = tmp_path / "locked.key"
        key = Path(ours["RAY_TLS_SERVER_KEY"]).read_bytes()
        locked.write_bytes(with_password(key))
        with pytest.raises(SpecError, match="without a password"):
            certificates.read({**ours, "RAY_TLS_SERVER_KEY": str(locked)})


@contextmanager
def head(variables: Variables | None) -> Iterator[str]:
    """Takes one line, asks for a certificate and speaks first; without variables it has no TLS."""
    with socket.create_server((node_certificates.ADDRESS, 0)) as server:
        answering = threading.Thread(target=answer, args=(server, variables))
        answering.start()
        try:
            yield f"{node_certificates.ADDRESS}:{server.getsockname()[1]}"
        finally:
            answering.join()


def answer(server: socket.socket, variables: Variables | None) -> None:
    line, _ = server.accept()
    with suppress(OSError), line:
        if variables is None:
            line.sendall(b"no TLS here")
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(variables["RAY_TLS_CA_CERT"])
        context.load_cert_chain(variables["RAY_TLS_SERVER_CERT"], variables["RAY_TLS_SERVER_KEY"])
        with context.wrap_socket(line, server_side=True) as encrypted:
            encrypted.sendall(b"settings")
            encrypted.recv(1)


def with_password(key: bytes) -> bytes:
    loaded = serialization.load_pem_private_key(key, password=None)
    return loaded.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
