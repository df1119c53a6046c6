"""Scores of rows, kept on disk in the form of the table that the rows came from."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data import reading
from isthmus.data.scores import Scores, StoredScores
from isthmus.data.spec import Dataset
from isthmus.data.table import Table

FILE = "Person,day,sick,age\n A1,3,1,30\nb2,1,,40\nA3,2,0,50\n"
SCORES, ALONE = np.array([0.9, 0.4, 0.2]), np.array([0.6, 0.5, 0.4])
CLASSES = np.array([[0.5, 0.2, 0.1], [0.3, 0.7, 0.1], [0.2, 0.1, 0.8]])
COLUMNS = ["Person", "day", "row", "label", "score", "score_active_only"]


@pytest.fixture
def rows(tmp_path: Path) -> Table:
    (tmp_path / "people.csv").write_text(FILE)
    people = Dataset(path="people.csv", identifiers=("Person", "day"), label="sick")
    trained_on = reading.load(
        Dataset(path="people.csv", identifiers=("Person", "day"), columns=("age",)), tmp_path, []
    )
    return reading.load(people, tmp_path, ["trim", "lower"], trained_on.coding)


class TestScores:
    def test_have_the_identifiers_of_the_file(self, rows: Table) -> None:
        found = Scores(rows, SCORES, ALONE).table()
        assert found.column_names == COLUMNS
        assert found.to_pylist()[0] == {
            "Person": " A1",
            "day": 3,
            "row": 0,
            "label": 1.0,
            "score": 0.9,
            "score_active_only": 0.6,
        }

    def test_say_where_a_label_is_not_known(self, rows: Table) -> None:
        assert Scores(rows, SCORES).table()["label"].to_pylist() == [1.0, None, 0.0]

    def test_have_no_label_where_no_row_has_one(self, rows: Table) -> None:
        unlabelled = Table(rows.identifiers, rows.features, rows.names, np.full(3, np.nan))
        assert Scores(unlabelled, SCORES).table().column_names == ["row", "score"]

    def test_of_classes_say_which_is_the_most_probable(self, rows: Table) -> None:
        found = Scores(rows, CLASSES).table()
        assert found.column_names[-4:] == ["score_0", "score_1", "score_2", "predicted_class"]
        assert found["predicted_class"].to_pylist() == [0, 1, 2]

    def test_give_way_to_identifiers_of_the_same_name(self, rows: Table) -> None:
        keys = rows.keys.rename_columns(["score", "row"])
        named = Table(rows.identifiers, rows.features, rows.names, rows.label, keys=keys)
        assert Scores(named, SCORES).table().column_names == [
            *("score", "row", "row_", "label", "score_")
        ]

    def test_come_in_the_order_of_the_file(self, rows: Table) -> None:
        taken = np.array([2, 0, 1])
        found = Scores(rows.take(taken), SCORES[taken]).table()
        assert found["row"].to_pylist() == [0, 1, 2]
        assert found["score"].to_pylist() == SCORES.tolist()

    def test_are_readable_by_their_owner_only(self, rows: Table, tmp_path: Path) -> None:
        Scores(rows, SCORES).save(tmp_path / "scores.parquet")
        assert (tmp_path / "scores.parquet").stat().st_mode & 0o777 == 0o600

    def test_are_csv_where_the_name_says_so(self, rows: Table, tmp_path: Path) -> None:
        Scores(rows, SCORES).save(tmp_path / "scores.csv")
        found = csv.read_csv(tmp_path / "scores.csv")
        assert found["Person"].to_pylist() == [" A1", "b2", "A3"]
        assert found["score"].to_pylist() == SCORES.tolist()


class TestJoin:
    """Whoever reads the file of the rows finds the scores of every one."""

    @pytest.fixture
    def stored(self, rows: Table, tmp_path: Path) -> Path:
        taken = np.array([2, 0, 1])
        Scores(rows.take(taken), SCORES[taken]).save(tmp_path / "predictions.parquet")
        return tmp_path

    def test_in_pandas(self, stored: Path) -> None:
        pandas: Any = pytest.importorskip("pandas")
        people = pandas.read_csv(stored / "people.csv")
        found = people.merge(pandas.read_parquet(stored / "predictions.parquet"))
        assert found["score"].tolist() == SCORES.tolist()
        assert people.iloc[found["row"]]["age"].tolist() == found["age"].tolist()

    def test_in_polars(self, stored: Path) -> None:
        polars: Any = pytest.importorskip("polars")
        people = polars.read_csv(stored / "people.csv")
        scores = polars.read_parquet(stored / "predictions.parquet")
        found = people.join(scores, on=["Person", "day"], how="left")
        assert found["score"].to_list() == SCORES.tolist()

    def test_in_duckdb(self, stored: Path) -> None:
        duckdb: Any = pytest.importorskip("duckdb")
        found = duckdb.sql(
            f"select p.age, s.score from '{stored}/people.csv' p "  # noqa: S608 - our own files
            f"join '{stored}/predictions.parquet' s using (Person, day) order by p.age"
        ).fetchall()
        assert found == list(zip([30, 40, 50], SCORES.tolist(), strict=True))

    def test_in_sql(self, stored: Path) -> None:
        """SQLite stands for databases that are filled from both files."""
        with closing(sqlite3.connect(":memory:")) as database:
            for name, table in (
                ("people", csv.read_csv(stored / "people.csv")),
                ("scores", parquet.read_table(stored / "predictions.parquet")),
            ):
                columns = ", ".join(f'"{column}"' for column in table.column_names)
                places = ", ".join("?" * len(table.column_names))
                database.execute(f"create table {name} ({columns})")
                lines = [tuple(row.values()) for row in table.to_pylist()]
                database.executemany(f"insert into {name} values ({places})", lines)  # noqa: S608
            found = database.execute(
                "select p.age, s.score from people p join scores s using (Person, day) "
                "order by p.age"
            ).fetchall()
        assert found == list(zip([30, 40, 50], SCORES.tolist(), strict=True))


class TestStoredScores:
    @pytest.mark.parametrize("scores", [SCORES, CLASSES], ids=["one score", "classes"])
    @pytest.mark.parametrize("alone", [None, ALONE], ids=["joint", "and alone"])
    def test_come_back_as_they_were_saved(
        self, scores: Floats, alone: Floats | None, rows: Table, tmp_path: Path
    ) -> None:
        Scores(rows, scores, alone).save(tmp_path / "scores.parquet")
        found = StoredScores.load(tmp_path / "scores.parquet")
        assert np.array_equal(found.labels, [1, np.nan, 0], equal_nan=True)
        assert np.array_equal(found.predictions, scores)
        assert (found.alone is None) == (alone is None)
        assert np.array_equal(found.labelled().predictions, scores[..., [0, 2]])

    def test_come_back_beside_identifiers_of_the_same_name(
        self, rows: Table, tmp_path: Path
    ) -> None:
        keys = rows.keys.rename_columns(["score", "label"])
        named = Table(rows.identifiers, rows.features, rows.names, rows.label, keys=keys)
        Scores(named, SCORES).save(tmp_path / "scores.parquet")
        assert np.array_equal(StoredScores.load(tmp_path / "scores.parquet").predictions, SCORES)

    @pytest.mark.parametrize("name", ["gone.parquet", "people.csv", "other.parquet"])
    def test_refuse_a_file_that_holds_none(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "people.csv").write_text("person\nada\n")
        parquet.write_table(pa.table({"score": [1.0]}), tmp_path / "other.parquet")
        with pytest.raises(SpecError, match=r"holds no predictions. The run that wrote it did not"):
            StoredScores.load(tmp_path / name)
