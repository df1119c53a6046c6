"""The last stop of every error that a command raises."""

import errno
import json

import pytest

from isthmus.cli.failures import fail
from isthmus.core.extras import EXTRAS, extra_of


class TestAMissingModule:
    @pytest.mark.parametrize(
        ("extra", "module"),
        [(extra_of(module), module) for modules in EXTRAS.values() for module in modules],
    )
    def test_of_an_extra_is_one_sentence_that_names_it(
        self, extra: str, module: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        name = f"{module}.below"
        assert fail(ModuleNotFoundError(f"No module named {name!r}", name=name), as_json=True) == 2
        told = capsys.readouterr()
        assert told.err == (
            f"isthmus: this command needs the extra `{extra}`, and its module {name!r} is not "
            f"installed. In a checkout of isthmus, run `pip install '.[{extra}]'`.\n"
        )
        error = json.loads(told.out)["error"]
        assert (error["kind"], error["exit_code"]) == ("MissingExtraError", 2)

    @pytest.mark.parametrize("name", ["msgspec", "isthmus.gone", None])
    def test_of_no_extra_is_a_bug(
        self, name: str | None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert fail(ModuleNotFoundError("it is not there", name=name), as_json=True) == 1
        told = capsys.readouterr()
        assert "isthmus: ModuleNotFoundError: this is a bug in isthmus" in told.err
        assert json.loads(told.out)["error"]["kind"] == "Bug"


class TestAFileOfAnotherUser:
    def test_is_one_sentence_that_names_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        denied = PermissionError(errno.EACCES, "Permission denied", "runs/alignments")
        assert fail(denied, as_json=False) == 2
        (told,) = capsys.readouterr().err.splitlines()
        assert told.startswith("isthmus: runs/alignments: this user may neither read nor change it")
