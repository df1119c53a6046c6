"""A party and its enclave, which is a program of its own: whatever happens to one, both end."""

import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from isthmus.core.errors import ChannelError, IsthmusError, JobError, PolicyError, SpecError
from isthmus.tee import process
from isthmus.tee.process import enclave
from isthmus.tee.spec import Enclave
from isthmus.transport.channel import Channel
from tests.faults.enclaves import INSIDE, SENTENCE, command
from tests.faults.parties import Blob, Note

PATIENCE = 30.0


def started(behaviour: str, argument: str = "") -> AbstractContextManager[Channel]:
    return enclave(Enclave(command=command(behaviour, argument)), "not.used", PATIENCE)


def send_blobs(line: Channel, count: int) -> None:
    for _ in range(count):
        line.send(Blob(data=bytes(10 * 2**20)))


@pytest.fixture
def alive(tmp_path: Path) -> Path:
    """A pipe that a program holds: reading it ends when that program does."""
    path = tmp_path / "alive"
    os.mkfifo(path)
    return path


class TestLine:
    def test_leads_there_and_back_whatever_the_program_prints(self) -> None:
        with started("echo") as line:
            assert line.peer == "our enclave"
            assert line.receive(Note).number != os.getpid()
            for data in (b"a", os.urandom(20 * 2**20)):
                line.send(Blob(data=data))
                assert line.receive(Blob).data == data
            line.send(Blob(data=b""))

    def test_runs_the_module_where_there_is_no_command(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        program = "from isthmus.tee.process import inside\nwith inside():\n    raise MemoryError\n"
        (tmp_path / "some_enclave.py").write_text(program)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        with (
            enclave(Enclave(), "some_enclave", PATIENCE) as line,
            pytest.raises(SpecError, match="needs more memory"),
        ):
            line.receive(Note)

    def test_modules_of_the_working_folder_stay_out(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "some_enclave.py").write_text("print('anything')")
        monkeypatch.chdir(tmp_path)
        with (
            enclave(Enclave(), "some_enclave", PATIENCE) as line,
            pytest.raises(ChannelError, match=r"exit code 1 .*No module named"),
        ):
            line.receive(Note)


class TestLastWords:
    @pytest.mark.parametrize(
        ("behaviour", "kind", "sentence"),
        [("refuse", PolicyError, SENTENCE), ("refuse_the_job", JobError, "too few.")],
    )
    def test_keep_class_and_sentence(
        self, behaviour: str, kind: type[IsthmusError], sentence: str
    ) -> None:
        with started(behaviour) as line:
            line.send(Note(number=1))
            for _ in range(2):  # who asks again is told again
                with pytest.raises(kind) as caught:
                    line.receive(Note)
                assert type(caught.value) is kind
                assert str(caught.value) == sentence

    def test_reach_a_party_that_is_sending(self) -> None:
        with started("refuse") as line:
            line.send(Note(number=1))
            with pytest.raises(PolicyError, match="does not trust"):
                send_blobs(line, 100)

    def test_of_a_bug_do_not_tell_what_was_inside(self) -> None:
        with started("stumble") as line:
            line.send(Note(number=1))
            with pytest.raises(IsthmusError, match="KeyError inside the enclave") as caught:
                line.receive(Note)
        assert type(caught.value) is IsthmusError
        assert INSIDE not in str(caught.value)


class TestMemory:
    def test_that_does_not_suffice_is_named_with_the_key_to_raise(self) -> None:
        with started("grow", "400") as line:
            assert line.receive(Note).number == 1
            line.send(Note(number=1))
            with pytest.raises(SpecError, match=r"400 MiB.*larger `alignment.memory_mib`"):
                line.receive(Note)

    def test_that_messages_fill_is_named_too(self) -> None:
        with (
            started("take_in", "400") as line,
            pytest.raises(SpecError, match=r"400 MiB.*larger `alignment.memory_mib`"),
        ):
            send_blobs(line, 100)


class TestDeadEnclave:
    def test_that_was_killed_is_named_at_once(self) -> None:
        with started("echo") as line:
            os.kill(line.receive(Note).number, signal.SIGKILL)
            with pytest.raises(ChannelError, match=r"our enclave was ended by signal 9 \(Killed\)"):
                line.receive(Blob)

    def test_is_named_to_a_party_that_is_sending(self) -> None:
        with started("echo") as line:
            os.kill(line.receive(Note).number, signal.SIGKILL)
            with pytest.raises(ChannelError, match="our enclave was ended by signal 9"):
                send_blobs(line, 100)

    def test_that_crashed_is_named_with_its_last_line(self) -> None:
        with started("crash") as line:
            line.receive(Note)
            line.send(Note(number=1))
            with pytest.raises(ChannelError, match='exit code 7 with "loader: no enclave memory'):
                line.receive(Note)

    def test_that_left_too_early_is_named(self) -> None:
        with started("leave") as line:
            line.receive(Note)
            with pytest.raises(ChannelError, match="'our enclave' has finished its part and left"):
                line.receive(Note)


class TestCommand:
    @pytest.mark.parametrize("program", ["no-such-loader", "", "a\0b", "/"])
    def test_that_cannot_be_started_is_named_by_its_key(self, program: str) -> None:
        with (
            pytest.raises(SpecError, match=r"cannot start .*Look at `enclave.command`"),
            enclave(Enclave(command=(program,)), "not.used", PATIENCE),
        ):
            pytest.fail("there is no such program")

    def test_that_ends_before_a_word_is_named_by_its_key(self) -> None:
        with (
            started("never_speak") as line,
            pytest.raises(SpecError, match=r"/dev/sgx_enclave.*Run `enclave.command`"),
        ):
            line.receive(Note)

    def test_that_hangs_up_is_named_by_its_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "_GRACE", 0.1)
        monkeypatch.setattr(process, "_LAST_GRACE", 0.1)
        with (
            started("hang_up") as line,
            pytest.raises(SpecError, match=r"closed its line.*Run `enclave.command`"),
        ):
            line.receive(Note)

    def test_that_chatters_on_the_line_is_named_by_its_key(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(process, "_GRACE", 0.1)
        with (
            started("chatter") as line,
            pytest.raises(SpecError, match=r"wrote b'Boot'.*`enclave.command`"),
        ):
            line.receive(Note)


class TestEnd:
    def test_of_the_party_ends_the_enclave(self, alive: Path) -> None:
        program = [sys.executable, "-m", "tests.faults.enclave_host", str(alive)]
        with subprocess.Popen(program) as party, alive.open("rb") as held:  # noqa: S603 - our own
            party.kill()
            assert held.read() == b""  # returns once the enclave has ended

    def test_of_the_block_ends_a_program_that_does_not_listen(
        self, monkeypatch: pytest.MonkeyPatch, alive: Path
    ) -> None:
        monkeypatch.setattr(process, "_GRACE", 0.1)
        monkeypatch.setattr(process, "_LAST_GRACE", 0.1)
        with started("stay", str(alive)) as line:
            held = alive.open("rb")
            line.receive(Note)
        with held:
            assert held.read() == b""

    def test_of_a_failed_block_keeps_its_error(self) -> None:
        def fail() -> None:
            with started("echo") as line:
                line.receive(Note)
                raise PolicyError(SENTENCE)

        with pytest.raises(PolicyError, match="does not trust"):
            fail()
