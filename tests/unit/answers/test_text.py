import pytest

from isthmus.answers.text import WIDTH, facts, indented, page, table
from isthmus.cli.answer import Answer, show, tell


class TestLayout:
    def test_cells_are_printed_as_they_are(self, capsys: pytest.CaptureFixture[str]) -> None:
        tell(page(table(["key"], [["[datasets.people]"]]), facts([("name", "[bold]")])))
        shown = capsys.readouterr().err
        assert "[datasets.people]" in shown
        assert "[bold]" in shown

    def test_numbers_are_right_aligned(self, capsys: pytest.CaptureFixture[str]) -> None:
        tell(table(["times #"], [["1"], ["1,000"]]))
        assert [line for line in capsys.readouterr().err.splitlines() if "1" in line] == [
            "     1",
            " 1,000",
        ]

    def test_long_cells_are_folded_and_not_cut(self, capsys: pytest.CaptureFixture[str]) -> None:
        word = "x" * 2 * WIDTH
        tell(table(["digest"], [[word]]))
        assert word in "".join(capsys.readouterr().err.split())

    def test_commands_are_set_off(self, capsys: pytest.CaptureFixture[str]) -> None:
        show(Answer({}, page("Run:", indented(["isthmus version"]))), as_json=False)
        assert capsys.readouterr().out == "Run:\n  isthmus version\n"
