import errno
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus import __version__
from isthmus.cli import main
from isthmus.cli.answer import Answer
from isthmus.cli.failures import EXIT_CODES
from isthmus.core import errors
from isthmus.core.errors import IsthmusError, PeerError
from isthmus.crypto import keys

ENGINES = (
    "grpc",
    "gmpy2",
    "pyarrow",
    "sklearn",
    "matplotlib",
    "cryptography",
    "isthmus.jobs",
)


MAIN = "from isthmus.cli.main import main; main()"


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def isthmus(*arguments: str, program: str = MAIN) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command as a process."""
    with start(program, *arguments) as process:
        out, err = process.communicate()
    return process.returncode, out, err


def raising(error: BaseException) -> Callable[..., Answer]:
    def command(*_: object, **__: object) -> Answer:
        raise error

    return command


class TestStandardOutput:
    def test_holds_one_json_object_and_nothing_else(self) -> None:
        code, out, err = isthmus("version", "--json")
        assert (code, json.loads(out)["isthmus"], err) == (0, __version__, "")
        assert json.loads(out)["encryption"] == keys.running("okamoto-uchiyama", "auto")
        assert json.loads(out)["kernel"] == (keys.without_kernel("okamoto-uchiyama") or "runs")

    def test_holds_one_json_object_when_a_command_fails(self, tmp_path: Path) -> None:
        code, out, err = isthmus("check", str(tmp_path / "job.toml"), "--json")
        told = json.loads(out)["error"]
        assert (code, told["kind"], told["exit_code"]) == (2, "SpecError", 2)
        assert err == f"isthmus: {told['message']}\n"

    def test_is_kept_from_libraries_that_print_to_descriptor_1(self) -> None:
        noisy = """
import os
from isthmus.cli import main
clean = main.keep_stdout_clean
main.keep_stdout_clean = lambda: (clean(), os.write(1, b"noise"), os.system("echo more noise"))
main.main()
"""
        code, out, err = isthmus("version", "--json", program=noisy)
        assert (code, err) == (0, "")
        assert json.loads(out)["isthmus"] == __version__

    def test_may_be_closed_by_its_reader(self) -> None:
        with start(MAIN, "schema", "job") as process:
            assert process.stdout is not None
            process.stdout.close()
            assert process.stderr is not None
            assert process.stderr.read() == ""
        assert process.returncode == 0

    def test_has_no_control_codes_in_a_pipe(self) -> None:
        _, out, _ = isthmus("schema", "party")
        assert "datasets.NAME.identifiers" in out
        assert "\x1b" not in out


class TestStart:
    def test_loads_no_engine(self) -> None:
        _, out, _ = isthmus(program="import sys, isthmus.cli.main; print(*sys.modules)")
        assert not set(out.split()) & set(ENGINES)

    def test_tells_the_version_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main.execute(["--version"]) == 0
        assert capsys.readouterr().out == f"isthmus {__version__}\n"

    def test_completes_a_command_for_the_shell(self) -> None:
        words = """
import os, sys
sys.argv[0] = "isthmus"
os.environ |= {"_ISTHMUS_COMPLETE": "complete_bash", "COMP_WORDS": "isthmus le", "COMP_CWORD": "1"}
"""
        assert isthmus(program=words + MAIN)[1].split() == ["ledger"]


class TestErrors:
    def test_a_failure_is_one_sentence_without_a_traceback(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main.execute(["ledger", "show", "no/such/run"]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith("isthmus: no/such/run: holds no run. ")
        assert told.err.count("\n") == 1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["run"], "Missing argument 'JOB'. `isthmus run --help` shows how."),
            (["align", "job.toml"], "Missing option '--party'. `isthmus align --help` shows how."),
            (["ledger"], "Missing command. `isthmus ledger --help` shows how."),
            (["fly"], "No such command 'fly'. `isthmus --help` shows how."),
            (
                ["versio"],
                "No such command 'versio'. Did you mean 'version'? `isthmus --help` shows how.",
            ),
            (
                ["run", "job.toml", "--epochs", "3"],
                "No such option '--epochs'. `isthmus run --help` shows how.",
            ),
        ],
    )
    def test_a_wrong_command_says_how_it_goes(
        self, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main.execute(arguments) == 2
        assert capsys.readouterr().err == f"isthmus: {message}\n"

    def test_a_peer_cannot_steer_the_terminal(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(main, "app", raising(PeerError("it said \x1b[2Jgone\nisthmus: done")))
        assert main.execute(["version"]) == 3
        assert capsys.readouterr().err == "isthmus: it said \\x1b[2Jgone isthmus: done\n"

    def test_a_full_disk_is_one_sentence(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # of a library's temporary file
        monkeypatch.setattr("isthmus.store.runs.find", raising(full))
        assert main.execute(["ledger", "show", "runs", "--json"]) == 2
        told = capsys.readouterr()
        assert told.err.startswith(f"isthmus: {tempfile.gettempdir()}: no space left to write it (")
        assert told.err.count("\n") == 1
        assert json.loads(told.out)["error"]["kind"] == "DiskError"

    def test_a_full_disk_of_temporary_files_is_one_sentence(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.gettempdir", raising(FileNotFoundError(errno.ENOENT, "none")))
        assert main.execute(["version", "--json"]) == 2
        told = capsys.readouterr()
        assert told.err.startswith("isthmus: no folder for temporary files can be written to")
        assert json.loads(told.out)["error"]["kind"] == "DiskError"

    def test_an_interrupt_is_one_sentence(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("isthmus.store.runs.find", raising(KeyboardInterrupt()))
        assert main.execute(["ledger", "show", "runs", "--json"]) == 130
        told = capsys.readouterr()
        assert told.err.startswith("isthmus: interrupted.")
        assert json.loads(told.out)["error"]["kind"] == "Interrupted"

    def test_a_bug_shows_a_traceback_and_says_that_it_is_ours(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("isthmus.store.runs.find", raising(ZeroDivisionError("ada")))
        assert main.execute(["ledger", "show", "runs", "--json"]) == 1
        told = capsys.readouterr()
        assert "Traceback" in told.err
        assert told.err.splitlines()[-1].startswith("isthmus: ZeroDivisionError: this is a bug")
        assert json.loads(told.out)["error"]["kind"] == "Bug"
        assert "ada" not in told.out

    def test_every_exit_code_of_an_error_is_in_the_help(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
        codes = {kind.exit_code for kind in kinds if issubclass(kind, IsthmusError)}
        assert codes <= EXIT_CODES.keys()
        assert main.execute([]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert all(f"{code} {meaning}" in shown for code, meaning in EXIT_CODES.items())
