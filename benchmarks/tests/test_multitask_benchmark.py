"""The benchmark of tasks runs, on made-up rows that say nothing; no LightGBM is installed here."""

import gzip
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bench_multitask, census, census_lightgbm, rivals
from benchmarks.bench_multitask import Found, Sizes, shortfalls
from benchmarks.census import INCOME, MARRIAGE, TEST, TRAIN, VALIDATION, Census, Encoding
from benchmarks.census_jobs import ALL, BY_RATE, FEW, FIXED, JOINT, JOINT_FIXED, SINGLE
from benchmarks.census_lightgbm import BY_DEFAULT, TUNED
from benchmarks.census_training import Trained
from benchmarks.measurement import Row
from isthmus.core.errors import SpecError

SIZES = Sizes(
    seeds=(0,),
    complete=(1.0, 0.5),
    tries=1,
    processes=1,
    table={"hidden": [4], "tower": [], "epochs": 1, "dimension": 2},
)
BOOSTING = """
import json, pathlib, sys
found = [dict(auc=0.75, trees=3, cpu=0.5, rows=70)] * 2
pathlib.Path("cost.json").write_text(json.dumps(found))
"""


def line(number: int) -> str:
    """A row of the file: the older, the more income, and the less often unmarried."""
    cells = [f"kind {number % 2}"] * len(census.COLUMNS)
    for name in (*census.AMOUNTS, "weight"):
        cells[census.COLUMNS.index(name)] = str(number % 7)
    age = number % 10
    cells[census.COLUMNS.index("age")] = str(age)
    cells[census.COLUMNS.index("marital_status")] = "Divorced" if age > 3 else "Never married"
    cells[census.COLUMNS.index("income")] = "50000+." if age > 7 else "- 50000."
    return ", ".join(cells) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "census.gz"
    with gzip.open(path, "wt") as opened:
        opened.writelines(line(number) for number in range(400))
    return path


@pytest.fixture
def rows(file: Path) -> Census:
    return census.read(file)


@contextmanager
def nowhere() -> Generator[Path]:
    raise SpecError("it is not on the index.")
    yield


def trained(income: float, marriage: float) -> list[Trained]:
    return [Trained({INCOME: income, MARRIAGE: marriage}, 10, 1.0, {})]


class TestCensus:
    def test_splits_all_rows_into_three_parts(self, rows: Census) -> None:
        assert {name: len(part) for name, part in rows.parts.items()} == {
            TRAIN: 280,
            VALIDATION: 60,
            TEST: 60,
        }

    def test_finds_both_labels_and_leaves_out_where_they_come_from(self, rows: Census) -> None:
        part = rows.parts[TEST]
        assert (part.column(INCOME).to_numpy() == (part.column("age").to_numpy() > 7)).all()
        assert (part.column(MARRIAGE).to_numpy() == (part.column("age").to_numpy() <= 3)).all()
        features = census.features(part, Encoding(4, 1))
        assert not {"marital_status", "weight", "income", *census.TASKS} & set(features)

    def test_leaves_the_same_labels_to_ours_and_to_lightgbm(self, rows: Census) -> None:
        ours = census.without_labels(rows.parts[TRAIN], INCOME, 0.1, 7).column(INCOME)
        theirs = census_lightgbm.arrays(rows, 0.1, 7)["train_labels"][:, 0]
        assert len(ours) - ours.null_count == 28
        assert (ours.is_null().to_numpy() == np.isnan(theirs)).all()

    def test_buckets_begin_at_amounts_above_the_least(self) -> None:
        assert census.boundaries(np.array([0, 0, 3, 5, 3]), 4) == [3, 5]
        many = census.boundaries(np.arange(101.0), 4)
        assert many == [1, 25, 50, 75]

    def test_rare_categories_have_no_row(self, rows: Census) -> None:
        part = rows.parts[TRAIN]
        counts = {
            it["values"]: it["counts"] for it in part.column("race").value_counts().to_pylist()
        }
        least = sum(counts.values()) // 2 + 1
        kept = census.features(part, Encoding(4, least))["race"]["values"]
        assert kept == sorted(name for name, count in counts.items() if count >= least)

    def test_says_where_the_file_should_be(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="ISTHMUS_BENCH_MULTITASK"):
            census.read(tmp_path / "nothing.gz")


class TestAims:
    def test_are_missed_below_lightgbm_where_few_labels_are(self) -> None:
        found: Found = {
            (FEW, BY_DEFAULT): trained(0.91, 0.9),
            (FEW, TUNED): trained(0.93, 0.9),
            (FEW, JOINT): trained(0.92, 0.898),
        }
        (missed,) = shortfalls(found, [])
        assert "income is 0.0100 below LightGBM, tuned" in missed

    def test_allow_a_little_where_all_labels_are(self) -> None:
        found: Found = {
            (ALL, TUNED): trained(0.95, 0.99),
            (ALL, JOINT): trained(0.948, 0.988),
            (ALL, BY_RATE): trained(0.945, 0.99),
        }
        (missed,) = shortfalls(found, [])
        assert BY_RATE in missed

    def test_are_missed_by_a_task_that_suffers_from_another(self) -> None:
        found: Found = {
            (ALL, SINGLE): trained(0.95, 0.99),
            (ALL, JOINT): trained(0.951, 0.985),
            (ALL, FIXED): trained(0.5, 0.5),
        }
        (missed,) = shortfalls(found, [])
        assert "never_married is 0.0050 below that of the task alone" in missed

    def test_look_at_the_speed_of_joint_batches(self) -> None:
        row: Row = {"rows with both labels": "5%", "queues": JOINT, bench_multitask.RELATIVE: 0.5}
        (missed,) = shortfalls({}, [row])
        assert "0.5 of joint batches" in missed


class TestMeasurement:
    def test_has_a_row_for_every_model(
        self, rows: Census, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "rival_lightgbm.py").write_text(BOOSTING)
        monkeypatch.setattr(census_lightgbm, "__file__", str(tmp_path / "census_lightgbm.py"))
        python = Path(sys.executable)
        found = bench_multitask.measure(SIZES, lambda: rows, lambda: nullcontext(python))
        few, many = (found.tables[title] for title in list(found.tables)[1::-1])
        assert names(many) == [BY_DEFAULT, TUNED, SINGLE, JOINT, BY_RATE, FIXED]
        assert names(few) == [BY_DEFAULT, TUNED, SINGLE, JOINT, JOINT_FIXED, BY_RATE, FIXED]
        speed = found.tables[list(found.tables)[2]]
        assert [row["rows with both labels"] for row in speed] == ["100%", "50%", "50%"]
        assert "LightGBM" in found.answer

    def test_goes_on_without_lightgbm(self, rows: Census) -> None:
        sizes = Sizes(
            seeds=(0,), shares=(FEW,), complete=(1.0,), processes=1, tries=1, table=SIZES.table
        )
        found = bench_multitask.measure(sizes, lambda: rows, nowhere)
        assert names(next(iter(found.tables.values()))) == [
            *(SINGLE, JOINT, JOINT_FIXED, BY_RATE, FIXED)
        ]
        assert found.falls_short[0] == "LightGBM was not measured: it is not on the index."

    def test_says_when_lightgbm_cannot_be_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rivals, "PYTHON", "no-such-python")
        with pytest.raises(SpecError, match="could not be installed"), bench_multitask.LIGHTGBM():
            pass


def names(table: Sequence[Row]) -> list[str]:
    return [str(row["model"]) for row in table]
