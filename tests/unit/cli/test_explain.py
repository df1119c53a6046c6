import json
from pathlib import Path

import pytest

from isthmus.cli.main import execute


class TestExplain:
    def test_shows_what_would_leave_and_what_its_reader_learns(
        self, trial: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        party = trial / "insurer" / "party.toml"
        assert execute(["explain", str(trial / "job.toml"), "--party", str(party)]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("insurer (passive) would send ")
        telling, _, others = shown.partition("The others:")
        assert " * ComparedRows " in shown
        assert "ComparedRows\n    tells which of its own rows the sender has too" in telling
        assert "MaskedSums\n    tells nothing" in others
        assert "recorded" not in shown

    def test_breaks_lines_between_words_and_before_80_columns(
        self, trial: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        party = trial / "clinic" / "party.toml"
        execute(["explain", str(trial / "boosting.toml"), "--party", str(party)])
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        assert "tells which of its bins part a node, which categories" in "\n".join(lines)

    def test_counts_for_programs(self, trial: Path, capsys: pytest.CaptureFixture[str]) -> None:
        party = trial / "clinic" / "party.toml"
        execute(["explain", str(trial / "job.toml"), "--party", str(party), "--json"])
        found = json.loads(capsys.readouterr().out)
        assert found["role"] == "active"
        assert found["bytes"] == sum(flow["bytes"] for flow in found["flows"])
        assert found["assumptions"]["shared_rows"] == 15_600

    def test_misses_the_run_to_compare_with(
        self, trial: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        party = str(trial / "clinic" / "party.toml")
        arguments = ["explain", str(trial / "job.toml"), "--party", party, "--run", "nowhere"]
        assert execute(arguments) == 2
        assert "nowhere: holds no run" in capsys.readouterr().err

    def test_says_that_nothing_leaves_where_one_organisation_trains_alone(
        self, trial: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["explain", str(trial / "alone.toml")]) == 0
        told = capsys.readouterr().out.splitlines()
        assert told[0] == "One organisation trains by itself: nothing leaves it."
        assert told[1].startswith("memory  about ")
