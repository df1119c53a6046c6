import json

import pytest

from isthmus.cli.main import execute
from isthmus.core.schema import keys
from isthmus.jobs.job import Job


class TestSchema:
    @pytest.mark.parametrize(("file", "key"), [("job", "regression.family"), ("party", "policy")])
    def test_is_a_table_for_people(
        self, file: str, key: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["schema", file]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert key in [line.split()[0] for line in lines if line]

    def test_shows_each_key_in_one_piece(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert execute(["schema", "job"]) == 0
        shown = capsys.readouterr().out.split()
        assert not {key.key for key in keys(Job)} - set(shown)

    def test_is_json_schema_for_programs(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert execute(["schema", "job", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["$ref"] == "#/$defs/Job"
        assert found["$defs"]["Job"]["additionalProperties"] is False

    def test_of_one_table_has_its_keys_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert execute(["schema", "job", "regression"]) == 0
        first, _, *lines = capsys.readouterr().out.splitlines()
        assert first == "The keys of [regression] in the job file."
        shown = [line.split()[0] for line in lines if not line.startswith(" ")]
        assert shown[:2] == ["regression.family", "regression.penalty"]
        assert all(key.startswith("regression.") for key in shown)

    def test_of_one_table_is_its_keys_for_programs(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["schema", "party", "policy.enclaves", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert "policy.enclaves.allow_simulated" in [each["key"] for each in found]

    def test_suggests_a_table_for_one_that_is_not_there(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["schema", "job", "regresion"]) == 2
        told = capsys.readouterr().err
        assert "no table [regresion] in a job file: did you mean `regression`?" in told

    def test_breaks_lines_between_words_and_at_80_columns(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["schema", "job"]) == 0
        meanings = [line for line in capsys.readouterr().out.splitlines() if line[:1] == " "]
        words = {word for key in keys(Job) for word in key.meaning.split()}
        assert max(map(len, meanings)) <= 80
        assert {word for line in meanings for word in line.split()} <= words
