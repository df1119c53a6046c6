"""The grid of a search: lists of values in the place of values."""

from pathlib import Path
from typing import Any

import pytest

from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.jobs import grid
from isthmus.jobs.grid import varied
from isthmus.jobs.job import Data, Fold, Job
from isthmus.jobs.load import load_job
from isthmus.vertical.regression.spec import Regression
from tests.unit.jobs.desk import JOB


@pytest.fixture
def job(tmp_path: Path) -> Job:
    file = tmp_path / "job.toml"
    file.write_text(JOB)
    return Job.load(file)


class TestLoad:
    def test_tries_every_combination_of_values(self, tmp_path: Path) -> None:
        file = tmp_path / "grid.toml"
        file.write_text("folds = 3\nregression = {penalty = [0.1, 1.0], max_rounds = [2, 3]}\n")
        found = grid.load(file)
        assert found.choices == [
            {"regression.penalty": penalty, "regression.max_rounds": rounds}
            for penalty in (0.1, 1.0)
            for rounds in (2, 3)
        ]
        assert found.parts == [Fold(part=part, of=3) for part in (1, 2, 3)]

    @pytest.mark.parametrize(
        ("said", "sentence"),
        [
            ({}, "names no values to try"),
            ({"folds": 5}, "names no values to try"),
            ({"folds": 1, "regression.penalty": [1.0]}, "`folds` is the number of parts"),
            ({"folds": "five", "regression.penalty": [1.0]}, "`folds` is the number of parts"),
            ({"regression": {"penalty": 0.1}}, r"`regression.penalty` is no list.*= \[0.1\]"),
            ({"regression.penalty": []}, "`regression.penalty` is no list of values"),
            ({"regression.penalty": [0.1] * 500, "folds": 3}, "1,500 trainings, and a search"),
        ],
    )
    def test_refuses_what_is_no_grid(self, said: dict[str, Any], sentence: str) -> None:
        with pytest.raises(SpecError, match=sentence):
            grid.grid(said)

    def test_asks_for_a_file_that_is_there(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"grid\.toml: there is no such file\. Give the path"):
            grid.load(tmp_path / "grid.toml")


class TestFold:
    def test_is_one_of_several_parts(self) -> None:
        with pytest.raises(SpecError, match="part 3 of 2 is not there"):
            spec.convert({"train": "people", "fold": {"part": 3, "of": 2}}, Data, "job")

    def test_is_for_aligned_rows(self, tmp_path: Path) -> None:
        file = tmp_path / "job.toml"
        file.write_text(
            'name = "alone"\nseed = 7\n[data]\ntrain = "people"\nfold = {part = 1, of = 5}\n'
            '[datasets.people]\npath = "people.csv"\nlabel = "ill"\n'
            '[baseline]\nmodel = "regression"\n'
        )
        with pytest.raises(SpecError, match=r"`data.fold` is for training on aligned rows"):
            load_job(file)


class TestVaried:
    def test_changes_the_values_and_what_is_scored_and_nothing_else(self, job: Job) -> None:
        choice = {"regression.penalty": 0.5, "regression.encryption.key_bits": 4096}
        found = varied(job, ("regression",), choice, Fold(part=2, of=5))
        table: Regression = found.regression
        assert (table.penalty, table.encryption.key_bits) == (0.5, 4096)
        assert table.passive_columns == job.regression.passive_columns
        assert found.data is not None
        assert found.data.fold == Fold(part=2, of=5)
        assert (found.parties, found.alignment) == (job.parties, job.alignment)

    def test_changes_how_columns_are_prepared(self, job: Job) -> None:
        prepares = job.replace(preparation={"woe": {"bins": 4}})
        tables = ("regression", "preparation")
        found = varied(prepares, tables, {"preparation.woe.bins": 6}, None)
        assert found.preparation.woe.bins == 6
        with pytest.raises(
            SpecError, match=r"only keys of \[regression\] and \[preparation\] vary"
        ):
            varied(prepares, tables, {"alignment.minimum_size": 1}, None)

    def test_is_the_job_itself_with_its_own_values(self, job: Job) -> None:
        choice = {"regression.passive_columns": job.regression.passive_columns}
        assert varied(job, ("regression",), choice, None).digest == job.digest

    @pytest.mark.parametrize(
        ("key", "value", "sentence"),
        [
            ("regression.penality", 0.1, "did you mean `penalty`"),
            ("regression.penalty", "much", "regression.penalty"),
            ("regression.encryption.key_bits", 1024, "key_bits` is 1024, and must be .* 2,048"),
            ("data.test_share", 0.5, r"only keys of \[regression\] vary"),
            ("regression", {}, r"only keys of \[regression\] vary"),
        ],
    )
    def test_refuses_keys_and_values_that_are_none(
        self, job: Job, key: str, value: object, sentence: str
    ) -> None:
        with pytest.raises(SpecError, match=sentence):
            varied(job, ("regression",), {key: value}, None)
