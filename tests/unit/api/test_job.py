"""Jobs that are changed and saved in Python say what their files say, or why they cannot."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isthmus as im
from isthmus.core.errors import SpecError
from tests.trial_in_memory import JOB, ROOT

EXAMPLES = [path for path in ROOT.glob("examples/*/*.toml") if path.parent.name != "party"]


class TestJob:
    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: "/".join(path.parts[-2:]))
    def test_is_the_same_once_it_is_saved(self, path: Path, tmp_path: Path) -> None:
        job = im.Job.load(path)
        job.save(tmp_path / "new" / "job.toml")
        assert im.Job.load(tmp_path / "new" / "job.toml").digest == job.digest

    def test_takes_specs_tables_and_numbers_of_numpy(self) -> None:
        spec = im.Regression(family="binomial", passive_columns=4, penalty=0.5)
        table = {"family": "binomial", "passive_columns": np.int64(4), "penalty": np.float64(0.5)}
        job = JOB.replace(regression=spec)
        assert job.regression == spec
        assert JOB.replace(regression=table).digest == job.digest != JOB.digest

    def test_loses_a_table(self) -> None:
        job = JOB.replace(regression=None, boosting=im.Boosting(objective="binary", trees=3))
        assert job.regression is None
        assert job.boosting.trees == 3

    @pytest.mark.parametrize(
        ("tables", "said"),
        [
            ({"penalty": 1}, r"no key `penalty`"),
            ({"seed": -1}, r"`seed` is -1, and must be a whole number of at least 0"),
            ({"name": object()}, r"a object is no value of a TOML file"),
            ({"regression": {"family": "binomial"}}, r"\[regression\] lacks `passive_columns`"),
            (
                {"regression": im.Regression(passive_columns=0)},
                r"`regression\.passive_columns` is 0",
            ),
            (
                {"regression": {"passive_columns": 2, "penalty": "a"}},
                r"`regression.penalty` is a text",
            ),
        ],
    )
    def test_says_in_one_sentence_what_does_not_fit(
        self, tables: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(SpecError, match=rf"^job: .*{said}.*`isthmus schema job` lists every"):
            JOB.replace(**tables)

    def test_of_a_table_that_contradicts_itself_is_an_error_of_ours(self) -> None:
        with pytest.raises(im.IsthmusError, match="L1 takes all rows at once") as error:
            im.Regression(passive_columns=4, l1_ratio=1.0, batches=2)
        assert error.value.exit_code == 2

    def test_that_nobody_has_checked_is_not_saved(self, tmp_path: Path) -> None:
        job = im.Job(name="a", seed="7", data=JOB.data)  # type: ignore[arg-type]
        with pytest.raises(SpecError, match=r"`seed` is a text, and must be a whole number"):
            job.save(tmp_path / "job.toml")
        assert not (tmp_path / "job.toml").exists()

    def test_cannot_be_saved_as_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"cannot be written: .*\. Give another path\."):
            JOB.save(tmp_path)
