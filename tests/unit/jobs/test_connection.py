"""Who listens, who dials, with which keys; and what a peer is told when we stop."""

import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from isthmus.core.errors import (
    ChannelError,
    DiskError,
    IsthmusError,
    JobError,
    LedgerError,
    PeerError,
    PolicyError,
    SpecError,
)
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import certificates, keys
from isthmus.jobs import notices
from isthmus.jobs.connection import check, connect
from isthmus.jobs.messages import Done
from tests.unit.jobs.desk import Desk

IDENTITY = '[identity]\ncertificate = "certificate.pem"\nprivate_key = "key.pem"\n'

ENTRIES: dict[str, tuple[str, str, str, str]] = {
    "no identity": ("clinic", IDENTITY, "", r"has no table \[identity\]: make a key"),
    "no such key": ("clinic", "key.pem", "keys.pem", r"keys\.pem: cannot be read: No such file"),
    "a folder as key": ("clinic", "key.pem", ".", "cannot be read: Is a directory"),
    "a key as certificate": (
        "clinic",
        '"certificate.pem"',
        '"key.pem"',
        r"key\.pem with .*: this is not a certificate in PEM",
    ),
    "unknown peer": (
        "insurer",
        "[peers.clinic]",
        "[peers.shop]",
        r"does not know 'clinic': add a table \[peers.clinic\]",
    ),
    "our own certificate as the peer's": (
        "clinic",
        '"insurer.pem"',
        '"certificate.pem"',
        "is made out to 'clinic'. Ask 'insurer' for its own certificate",
    ),
    "a key as the peer's certificate": (
        "clinic",
        '"insurer.pem"',
        '"key.pem"',
        r"key\.pem: the certificate of 'insurer' is not a PEM file",
    ),
    "nowhere to listen": (
        "clinic",
        'listen = "127.0.0.1:7401"\n',
        "",
        "'clinic' is active and listens for 'insurer': set `listen`",
    ),
    "nowhere to dial": (
        "insurer",
        'address = "127.0.0.1:7401"\n',
        "",
        "'insurer' is passive and dials 'clinic': set `peers.clinic.address`",
    ),
}

ADDRESSES = ["", "localhost", ":7401", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "a:http"]


def expired(desk: Desk, party: str) -> bytes:
    """A certificate of the party's own key that ended an hour ago."""
    key = (desk.folder / party / "key.pem").read_bytes()
    return certificates.self_signed(party, key, days=0)


def with_password(pem: bytes) -> bytes:
    password = BestAvailableEncryption(b"password")
    key = load_pem_private_key(pem, None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, password)


class TestCheck:
    @pytest.mark.parametrize("party", ["clinic", "insurer"])
    def test_accepts_a_party_that_is_ready(self, desk: Desk, party: str) -> None:
        check(desk.plan(party))
        assert desk.plan(party).listens == (party == "clinic")

    @pytest.mark.parametrize(
        ("party", "old", "new", "sentence"), ENTRIES.values(), ids=list(ENTRIES)
    )
    def test_refuses_an_entry(
        self, desk: Desk, party: str, old: str, new: str, sentence: str
    ) -> None:
        for file in desk.folder.glob("*/*.pem"):
            file.chmod(0o600)
        desk.edit_party(party, old, new)
        with pytest.raises(SpecError, match=sentence):
            check(desk.plan(party))

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_refuses_an_address_without_host_or_port(self, desk: Desk, address: str) -> None:
        for party, key in (("clinic", "listen"), ("insurer", "peers.clinic.address")):
            desk.edit_party(party, "127.0.0.1:7401", address)
            with pytest.raises(SpecError, match=f"`{key}` in the party file of '{party}' is '"):
                check(desk.plan(party))

    @pytest.mark.parametrize("address", ["[::1]:7401", "data.example.org:65535"])
    def test_accepts_names_and_the_sixth_version(
        self, desk: Desk, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.edit_party("clinic", "127.0.0.1:7401", address)
        plan = desk.plan("clinic")
        monkeypatch.delenv(keys.TEST_KEY_BITS)
        check(plan)

    @pytest.mark.parametrize("address", ["data.example.org:7401", "0.0.0.0:7401"])
    def test_refuses_other_machines_while_keys_are_those_of_tests(
        self, desk: Desk, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(keys.TEST_KEY_BITS, "1024")
        desk.edit_party("clinic", "127.0.0.1:7401", address)
        with pytest.raises(SpecError, match=r"_KEY_BITS is set, with which keys can be broken, an"):
            check(desk.plan("clinic"))

    def test_refuses_a_key_that_others_can_read(self, desk: Desk) -> None:
        (desk.folder / "clinic" / "key.pem").chmod(0o644)
        with pytest.raises(SpecError, match=r"key\.pem: others can read.*Run `chmod 600`"):
            check(desk.plan("clinic"))

    def test_refuses_a_key_with_a_password(self, desk: Desk) -> None:
        file = desk.folder / "clinic" / "key.pem"
        file.write_bytes(with_password(file.read_bytes()))
        with pytest.raises(SpecError, match="this is not a private key in PEM without a password"):
            check(desk.plan("clinic"))

    def test_refuses_a_key_that_the_certificate_is_not_for(self, desk: Desk) -> None:
        shutil.copy2(desk.folder / "insurer" / "key.pem", desk.folder / "clinic" / "key.pem")
        with pytest.raises(SpecError, match="the certificate is for another private key"):
            check(desk.plan("clinic"))

    def test_refuses_the_certificate_of_another_party(self, desk: Desk) -> None:
        for file in ("key.pem", "certificate.pem"):
            shutil.copy2(desk.folder / "insurer" / file, desk.folder / "clinic" / file)
        with pytest.raises(SpecError, match="is for 'insurer', and this party is 'clinic'"):
            check(desk.plan("clinic"))

    def test_refuses_a_certificate_that_has_ended(self, desk: Desk) -> None:
        for party in ("clinic", "insurer"):
            ended = expired(desk, party)
            (desk.folder / party / "certificate.pem").write_bytes(ended)
            with pytest.raises(SpecError, match=r"the certificate ended on .*make a new one"):
                check(desk.plan(party))

    def test_refuses_a_certificate_of_the_peer_that_has_ended(self, desk: Desk) -> None:
        (desk.folder / "clinic" / "insurer.pem").write_bytes(expired(desk, "insurer"))
        with pytest.raises(SpecError, match=r"insurer\.pem: ended on .* Ask 'insurer' for today's"):
            check(desk.plan("clinic"))


FAREWELLS: dict[str, tuple[BaseException, int, str]] = {
    "a fault that both have to mend": (JobError("only 3 rows are shared"), 3, "only 3 rows are s"),
    "what the peer did": (PeerError("'insurer' sent 7"), 3, "'insurer' sent 7"),
    "a file of ours": (SpecError("/secret/file: column 'secret'"), 3, "its own files or data"),
    "our policy": (PolicyError("`policy.refuse` secret"), 3, "its own policy forbids"),
    "our ledger": (LedgerError("/secret/ledger"), 3, "it failed (LedgerError)"),
    "a bug of ours": (ZeroDivisionError("secret"), 3, "it failed (ZeroDivisionError)"),
    "our disk": (DiskError("/secret/file: no space left"), 4, "its disk is full: run the same"),
    "our memory": (MemoryError("secret"), 4, "its memory is full: run the same command again"),
    "a line of ours, or our enclave": (ChannelError("192.0.2.1 secret"), 4, "its enclave ended: r"),
    "somebody at the keyboard": (KeyboardInterrupt(), 4, "it was interrupted: run the same"),
    "somebody who stops the process": (SystemExit(143), 4, "it was interrupted: run the same"),
}
"""What ends our part, the exit code of the peer, and what it is told."""


@pytest.fixture
def desk_on_a_free_port(desk: Desk) -> Desk:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for party in ("clinic", "insurer"):
        desk.edit_party(party, "127.0.0.1:7401", f"127.0.0.1:{port}")
    return desk


class TestConnect:
    @pytest.mark.parametrize(("error", "code", "told"), FAREWELLS.values(), ids=list(FAREWELLS))
    def test_tells_the_peer_why_it_ends_whether_that_passes_and_nothing_of_ours(
        self, desk_on_a_free_port: Desk, error: BaseException, code: int, told: str
    ) -> None:
        desk = desk_on_a_free_port

        def insurer() -> None:
            with connect(desk.plan("insurer"), Telemetry()) as lines:
                lines["clinic"].receive(Done)

        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(insurer)
            with pytest.raises(type(error)), connect(desk.plan("clinic"), Telemetry()):
                raise error
            with pytest.raises(IsthmusError, match=r"^'clinic' stopped: ") as heard:
                waiting.result()
        assert heard.value.exit_code == code
        assert told in str(heard.value)
        assert "secret" not in str(heard.value)

    def test_names_who_did_not_come(self, desk_on_a_free_port: Desk) -> None:
        desk, waited = desk_on_a_free_port, list[str]()
        desk.edit_party("clinic", "wait = 30.0", "wait = 0.1")
        telemetry = Telemetry(lambda event: waited.append(event.note))
        with (
            pytest.raises(ChannelError, match=r"'insurer' did not come to .* within 0\.1 s"),
            connect(desk.plan("clinic"), telemetry),
        ):
            pytest.fail("nobody has dialled")
        assert "for insurer on 127.0.0.1" in waited[0]

    def test_blames_our_own_certificate_when_it_ended_while_we_waited(
        self, desk_on_a_free_port: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Later(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                return super().now(tz) + timedelta(days=certificates.PARTY_DAYS + 1)

        desk = desk_on_a_free_port
        desk.edit_party("clinic", "wait = 30.0", "wait = 0.1")
        monkeypatch.setattr(notices, "datetime", Later)
        with (
            pytest.raises(SpecError, match=r"certificate of 'clinic', our own, ended at .* waited"),
            connect(desk.plan("clinic"), Telemetry()),
        ):
            pytest.fail("nobody has dialled")
