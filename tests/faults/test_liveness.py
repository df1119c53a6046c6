"""A dead peer is named within ten seconds, a busy one is left in peace, and patience is kept."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from isthmus.core.errors import ChannelError
from isthmus.transport.grpc import GrpcChannel, Identity, listen
from tests.faults.parties import ANY_PORT, Note, quietly

Process = subprocess.Popen[bytes]
Start = Callable[..., AbstractContextManager[tuple[GrpcChannel, Process]]]

# A peer that is there and silent gives another error, so these tests need no clock of their own.
SHORT = 2.0
FOREVER = 1e6


class Missing:
    """Notes who is missing."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []
        self._called = threading.Event()

    def __call__(self, peer: str, left: float) -> None:
        self.calls.append((peer, left))
        self._called.set()

    def wait(self) -> None:
        self._called.wait()


@pytest.fixture
def missing() -> Missing:
    return Missing()


@pytest.fixture
def start(clinic: Identity, insurer: Identity, tmp_path: Path, missing: Missing) -> Start:
    """Starts the insurer as a process; gives the clinic's line to it."""
    (tmp_path / "clinic.pem").write_bytes(clinic.certificate)
    (tmp_path / "insurer.pem").write_bytes(insurer.certificate)
    (tmp_path / "insurer.key").write_bytes(insurer.private_key)

    @contextmanager
    def starting(behaviour: str, patience: float = SHORT) -> Generator[tuple[GrpcChannel, Process]]:
        peers = {"insurer": insurer.certificate}
        with listen(clinic, ANY_PORT, peers, patience=patience, on_absence=missing) as listener:
            arguments = [str(tmp_path), listener.address, behaviour]
            command = [sys.executable, "-m", "tests.faults.peer", *arguments]
            with subprocess.Popen(command, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own
                try:
                    with listener.accept("insurer", 30, quietly) as line:
                        assert line.receive(Note).number == 1
                        yield line, process
                finally:
                    process.kill()

    return starting


class TestDeadPeer:
    def test_that_was_killed_is_gone_when_patience_ends(self, start: Start) -> None:
        with start("idle") as (line, process):
            process.kill()
            with pytest.raises(ChannelError, match="the line to 'insurer' is gone"):
                line.receive(Note)

    @pytest.mark.slow
    def test_that_was_killed_is_gone_long_before_patience_ends(self, start: Start) -> None:
        # Its machine closes the connection, and it does not come back in ten seconds.
        with start("idle", patience=FOREVER) as (line, process):
            process.kill()
            with pytest.raises(ChannelError, match="the line to 'insurer' is gone"):
                line.receive(Note)

    @pytest.mark.slow
    def test_whose_machine_stopped_is_named_and_waited_for(
        self, start: Start, missing: Missing
    ) -> None:
        with start("idle", patience=12.0) as (line, process):
            process.send_signal(signal.SIGSTOP)
            missing.wait()
            assert [peer for peer, _ in missing.calls] == ["insurer"]
            with pytest.raises(ChannelError, match="the line to 'insurer' is gone"):
                line.receive(Note)

    def test_that_forgot_to_close_leaves_in_silence(self, start: Start) -> None:
        with start("forget") as (line, process):
            with pytest.raises(ChannelError, match="the line to 'insurer' is gone"):
                line.receive(Note)
            assert process.wait(timeout=600) == 0
            assert process.stderr is not None
            assert process.stderr.read() == b""


class TestBusyPeer:
    @pytest.mark.slow
    def test_that_holds_the_interpreter_is_not_dropped(self, start: Start) -> None:
        with start("compute", patience=60.0) as (line, _):
            line.send(Note(number=41))
            assert line.receive(Note).number == 42
