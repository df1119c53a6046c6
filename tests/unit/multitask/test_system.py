"""What a job of one organisation may read from where."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus.core.errors import SpecError
from isthmus.data.spec import Dataset
from isthmus.multitask import system
from isthmus.system import LocalInputs
from tests.unit.multitask.made_data import spec

PIPE, FILE = Dataset(path="-"), Dataset(path="rows.parquet")


def load(folder: Path, compare_rows: int = 0, **keys: Any) -> object:
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
    return system.load(spec(compare_rows=compare_rows), LocalInputs(**defaults | keys))


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
