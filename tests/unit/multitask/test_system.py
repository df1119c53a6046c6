"""What a job of one organisation may read from where."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus.core.errors import SpecError
from isthmus.data.spec import Dataset
from isthmus.multitask import system
from isthmus.multitask.spec import Task
from isthmus.system import LocalInputs
from tests.unit.multitask.made_data import spec

PIPE, FILE = Dataset(path="-"), Dataset(path="rows.parquet")


def load(
    folder: Path, compare_rows: int = 0, tasks: dict[str, Task] | None = None, **keys: Any
) -> object:
    parquet.write_table(pa.table({"ad": [1], "click": [0]}), folder / "rows.parquet")
    defaults: dict[str, Any] = {
        "folder": folder,
        "train": FILE,
        "test": FILE,
        "test_share": 0.2,
        "normalise": (),
        "seed": 1,
        "job": "digest",
        "others": {},
    }
    job = spec(compare_rows=compare_rows, tasks=tasks or {"ctr": Task(label="click")})
    return system.load(job, LocalInputs(**defaults | keys))


class TestTestRows:
    def test_have_the_columns_that_they_are_measured_by(self, tmp_path: Path) -> None:
        parquet.write_table(pa.table({"ad": [1]}), tmp_path / "later.parquet")
        with pytest.raises(SpecError, match=r"later.parquet: the job names a column 'click'"):
            load(tmp_path, test=Dataset(path="later.parquet"))

    def test_have_the_known_probabilities(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"rows.parquet: the job names a column 'truth'"):
            load(tmp_path, tasks={"ctr": Task(label="click", known="truth")})


class TestPipe:
    def test_is_read_once(self, tmp_path: Path) -> None:
        assert load(tmp_path, train=PIPE)
        assert load(tmp_path, test=PIPE)

    @pytest.mark.parametrize("test", [None, PIPE])
    def test_cannot_be_trained_and_tested_on(self, tmp_path: Path, test: Dataset | None) -> None:
        with pytest.raises(SpecError, match=r"can be read once.*name it in `data.test`"):
            load(tmp_path, train=PIPE, test=test)

    def test_cannot_be_compared_with(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"set `multitask\.compare_rows = 0`"):
            load(tmp_path, train=PIPE, compare_rows=1)

    def test_has_no_conversions(self, tmp_path: Path) -> None:
        with pytest.raises(
            SpecError, match=r"data set 'bought' is the standard input.*give a file"
        ):
            load(tmp_path, others={"bought": PIPE})
