"""Queries as sources of rows, of a real PostgreSQL server, SQLite and DuckDB."""

import os
import sqlite3
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from isthmus.core.errors import IsthmusError, SpecError
from isthmus.core.extras import MissingExtraError
from isthmus.data import databases
from isthmus.data.reading import load
from isthmus.data.spec import Dataset, Query
from isthmus.data.table import Table
from tests import postgresql
from tests.postgresql import PASSWORD, Server

VARIABLE = "ISTHMUS_TEST_PASSWORD"
PEOPLE = """
    CREATE TABLE people (id {whole}, born date, sick boolean, income numeric(10, 2), town text);
    INSERT INTO people VALUES
    (7, '1990-01-02', true, 10.25, 'Bern'), (8, '1991-02-03', false, 20, 'Oslo');
"""


def read(folder: Path, query: Query, **keys: Any) -> Table:
    return load(Dataset(sql=query, identifiers=("id",), **keys), folder, [])


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    binaries = postgresql.programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("adbc_driver_postgresql", reason="the extra `sql` is not installed")
    with postgresql.running(binaries) as running:
        fill(running)
        yield running


def fill(server: Server) -> None:
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - it may not be there

    url = server.database.replace("owner@", f"owner:{PASSWORD}@")
    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in filter(str.strip, PEOPLE.format(whole="numeric").split(";")):
            cursor.execute(statement)


@pytest.fixture
def query(server: Server, monkeypatch: pytest.MonkeyPatch) -> Query:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    return Query(database=server.database, query="SELECT * FROM people", password_variable=VARIABLE)


class TestPostgreSQL:
    def test_gives_rows_whatever_the_types_of_its_columns(
        self, query: Query, tmp_path: Path
    ) -> None:
        table = read(
            tmp_path, query, label="sick", columns=("income", "town"), categorical=("town",)
        )
        assert table.identifiers == [b"7", b"8"]
        assert table.features.tolist() == [[10.25, 0], [20.0, 1]]
        assert table.label is not None
        assert table.label.tolist() == [1, 0]

    def test_takes_the_password_from_a_file_of_ours_alone(
        self, query: Query, tmp_path: Path
    ) -> None:
        file = tmp_path / "password"
        file.write_text(f"{PASSWORD}\n")
        file.chmod(0o600)
        by_file = replace(query, password_variable=None, password_file=file.name)
        assert len(read(tmp_path, by_file, columns=("income",))) == 2
        file.chmod(0o640)
        with pytest.raises(SpecError, match=r"others on this machine can read it. Run `chmod 600"):
            read(tmp_path, by_file)

    @pytest.mark.parametrize(
        ("keys", "sentence"),
        [
            ({"query": "SELECT * FROM persons"}, "names a table that is not there"),
            ({"query": "SELECT age FROM people"}, "names a column that is not there"),
            ({"query": "SELECT FROM WHERE"}, "is not one statement of SQL"),
            ({"query": "SELECT 1; SELECT 2"}, "is not one statement of SQL"),
            ({"query": "SELECT town::int FROM people"}, "meets a value that it cannot convert"),
            ({"query": "DELETE FROM people RETURNING id"}, "opened to read alone|not one stateme"),
            ({"query": "SELECT id AS a, id AS a FROM people"}, "two columns of the query share"),
            ({"query": "SELECT * FROM people WHERE false"}, "the query has no rows"),
            ({"query": "SELECT id FROM people"}, "'\\*' in `columns` matches no column"),
            ({"database": "postgresql://owner@127.0.0.1:1/x"}, "no server listens there"),
            ({"password_variable": "NOT_SET"}, "'NOT_SET'.*is not set"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_says_in_a_sentence_why_it_gives_none(
        self, query: Query, tmp_path: Path, keys: Mapping[str, str], sentence: str
    ) -> None:
        with pytest.raises(SpecError, match=sentence) as error:
            read(tmp_path, replace(query, **keys))
        assert PASSWORD not in str(error.value)
        assert "Oslo" not in str(error.value)

    def test_does_not_repeat_a_password_that_is_wrong(
        self, query: Query, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(VARIABLE, "staple")
        with pytest.raises(SpecError, match="does not let this user in") as error:
            read(tmp_path, query)
        assert "staple" not in str(error.value)
        assert error.value.__cause__ is None
        assert error.value.__suppress_context__

    def test_is_not_changed(self, query: Query, tmp_path: Path) -> None:
        with pytest.raises(SpecError):
            read(tmp_path, replace(query, query="DELETE FROM people"))
        assert len(read(tmp_path, query, columns=("income",))) == 2


class TestSQLite:
    @pytest.fixture
    def query(self, tmp_path: Path) -> Query:
        pytest.importorskip("adbc_driver_sqlite", reason="the extra `sql` is not installed")
        connection = sqlite3.connect(tmp_path / "people.db")
        connection.executescript(PEOPLE.format(whole="integer"))
        connection.close()
        return Query(database="sqlite:people.db", query="SELECT * FROM people")

    def test_gives_rows(self, query: Query, tmp_path: Path) -> None:
        table = read(tmp_path, query, columns=("income",), label="sick")
        assert (table.identifiers, table.features.tolist()) == ([b"7", b"8"], [[10.25], [20.0]])

    @pytest.mark.parametrize(
        ("keys", "sentence"),
        [
            ({"database": "sqlite:persons.db"}, "persons.db: there is no such file"),
            ({"query": "SELECT * FROM persons"}, "the query fails. Try it with `sqlite3`"),
            ({"query": "DROP TABLE people"}, "the query fails"),
        ],
        ids=["no such file", "no such table", "no query"],
    )
    def test_says_why_it_gives_none(
        self, query: Query, tmp_path: Path, keys: Mapping[str, str], sentence: str
    ) -> None:
        with pytest.raises(SpecError, match=sentence):
            read(tmp_path, replace(query, **keys))
        assert len(read(tmp_path, query, columns=("income",))) == 2

    def test_needs_one_type_in_a_column(
        self, query: Query, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(databases, "_TYPED_BY", 1)
        mixed = "SELECT 1 AS id, 2 AS n UNION ALL SELECT 2, 'x'"
        with pytest.raises(SpecError, match=r"does a column hold one type beyond its first 1 row"):
            read(tmp_path, replace(query, query=mixed))

    def test_asks_for_its_extra(
        self, query: Query, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("isthmus.core.extras.find_spec", lambda _: None)
        with pytest.raises(MissingExtraError, match="a query of SQLite needs the extra `sql`"):
            read(tmp_path, query)


class TestDuckDB:
    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        pytest.importorskip("duckdb", reason="DuckDB is not installed")

    def test_queries_files_beside_the_party_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("id,age\n7,30\n")
        (tmp_path / "b.csv").write_text("id,age\n8,40\n")
        table = read(tmp_path, Query(database="duckdb:", query="FROM read_csv(['a.csv', 'b.csv'])"))
        assert sorted(table.features[:, 0].tolist()) == [30, 40]

    @pytest.mark.parametrize(
        ("database", "query", "sentence"),
        [
            ("duckdb:", "FROM 'persons.csv'", r"the query fails \(IO error of DuckDB\)"),
            ("duckdb:people.duckdb", "SELECT 1", "there is no such file"),
        ],
        ids=["no such file", "no such database"],
    )
    def test_says_why_it_gives_none(
        self, tmp_path: Path, database: str, query: str, sentence: str
    ) -> None:
        with pytest.raises(SpecError, match=sentence):
            read(tmp_path, Query(database=database, query=query))

    def test_is_asked_for_where_it_is_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(databases, "find_spec", lambda _: None)
        with pytest.raises(IsthmusError, match="Run `pip install duckdb`"):
            read(tmp_path, Query(database="duckdb:", query="SELECT 1"))


class TestQuery:
    @pytest.mark.parametrize(
        "url",
        [
            f"postgresql://owner:{PASSWORD}@host/name",
            f"postgresql://owner@host/name?password={PASSWORD}",
            f"mysql://owner:{PASSWORD}@host/name",
        ],
        ids=["beside the user", "as an option", "another kind"],
    )
    def test_of_a_party_file_has_no_password_and_repeats_none(self, url: str) -> None:
        with pytest.raises(ValueError, match="`database`") as error:
            Query(database=url, query="SELECT 1")
        assert PASSWORD not in str(error.value)

    def test_takes_a_password_from_one_place(self) -> None:
        both = {"password_file": "a", "password_variable": "B"}
        with pytest.raises(ValueError, match="from one place"):
            Query(database="postgresql://host/x", query="", **both)
        one = {"password_file": "a"}
        with pytest.raises(ValueError, match="is for PostgreSQL"):
            Query(database="sqlite:a", query="", **one)

    def test_is_found_from_anywhere(self, tmp_path: Path) -> None:
        whole = Query(database="sqlite:a.db", query="SELECT 1").anchored(tmp_path)
        assert whole.database == f"sqlite:{tmp_path / 'a.db'}"
        assert os.sep not in Query(database="duckdb:", query="").anchored(tmp_path).database


class TestDataset:
    @pytest.mark.parametrize("keys", [{}, {"path": "a.csv", "sql": "q"}], ids=["none", "both"])
    def test_has_one_source(self, keys: dict[str, Any]) -> None:
        if "sql" in keys:
            keys = keys | {"sql": Query(database="duckdb:", query="SELECT 1")}
        with pytest.raises(ValueError, match="from a `path` or from a table `sql`"):
            Dataset(**keys)
