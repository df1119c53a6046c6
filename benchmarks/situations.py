"""Situations with data that users of other toolkits reported, each as files to be read."""

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from isthmus.core.errors import IsthmusError
from isthmus.core.telemetry import Telemetry
from isthmus.data.reading import load
from isthmus.data.spec import Dataset, Query
from isthmus.store.runs import Run
from isthmus.system import LocalInputs
from isthmus.vertical.baseline import system as baseline
from isthmus.vertical.baseline.spec import Baseline, BoostingBaseline, RegressionBaseline

PEOPLE = ["id,ill,a1,a2", *(f"{10_000_000 + n},{n % 2},{n / 2},{n * n}" for n in range(200))]
"""Lines of a file in which nothing is wrong."""

Say = Callable[[Path], str]


@dataclass(frozen=True)
class Situation:
    """Something that is tried, in an empty folder, and what is said of it."""

    name: str
    say: Say


def say(situation: Situation) -> str:
    """Returns what is said, without the name of the folder and with its first words in front."""
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        try:
            told = situation.say(folder)
        except IsthmusError as error:
            told = str(error)
        return re.sub(r"\s*\n- ", " (-) ", told.replace(f"{folder}/", "").replace(str(folder), "."))


@dataclass(frozen=True)
class Rows:
    """A data set that is read, and what its notes say."""

    write: Callable[[Path], None]
    path: str = "people.csv"
    keys: Mapping[str, Any] = field(default_factory=dict[str, Any])
    numbers_only: bool = True

    def __call__(self, folder: Path) -> str:
        """Read it; raises what is wrong with it."""
        self.write(folder)
        keys = {"path": self.path, "identifiers": ("id",), "label": "ill"} | dict(self.keys)
        table = load(Dataset(**keys), folder, ["trim"], numbers_only=self.numbers_only)
        facts = table.facts
        forms = f", identifiers {facts.about_identifiers()}" if facts else ""
        notes = "".join(f". {note}" for note in facts.notes) if facts else ""
        return f"read: {len(table):,} rows{forms}{notes}"


def csv(*changes: tuple[int, str, str], ending: str = "\n", encoding: str = "utf-8") -> Rows:
    """Returns a file of people in which some lines are changed: number from 1, old, new."""
    return Rows(lambda folder: _write(folder, changes, ending, encoding))


def _write(
    folder: Path, changes: Sequence[tuple[int, str, str]], ending: str, encoding: str
) -> None:
    lines = list(PEOPLE)
    for number, old, new in changes:
        assert old in lines[number - 1], (number, old)
        lines[number - 1] = lines[number - 1].replace(old, new)
    (folder / "people.csv").write_text(ending.join([*lines, ""]), encoding=encoding)


def every(old: str, new: str) -> Rows:
    """Returns a file of people in which each line but the first is changed."""
    head, *lines = PEOPLE
    text = "\n".join([head, *(re.sub(old, new, line) for line in lines), ""])
    return Rows(lambda folder: _text(folder, text))


def _text(folder: Path, text: str) -> None:
    (folder / "people.csv").write_text(text)


def stored(name: str, values: Any) -> Rows:
    """Returns people in Parquet, with one column stored in another way."""
    columns = {
        "id": [str(n) for n in range(4)],
        "ill": [0, 1, 0, 1],
        "a1": [0.5, 1.5, 2.5, 3.5],
    }

    def write(folder: Path) -> None:
        parquet.write_table(pa.table(columns | {name: values}), folder / "people.parquet")

    return Rows(write, "people.parquet")


def keyed(rows: Rows, *, numbers_only: bool = True, **keys: Any) -> Rows:
    """Returns the same data set with other keys."""
    return Rows(rows.write, rows.path, keys, numbers_only)


def folder_of(*names: str) -> Rows:
    """Returns a folder with the people in several files."""

    def write(folder: Path) -> None:
        head, *lines = PEOPLE
        for number, name in enumerate(names):
            part = lines[number :: len(names)]
            (folder / name).write_text("\n".join([head, *part, ""]))

    return Rows(write, ".")


def asked(database: str, query: str, statement: str = "") -> Rows:
    """Returns the rows of a query."""

    def write(folder: Path) -> None:
        if statement:
            connection = sqlite3.connect(folder / "people.db")
            connection.executescript(statement)
            connection.close()

    return Rows(write, keys={"path": None, "sql": Query(database=database, query=query)})


_OTHER_FORM = csv(*((n, "100001", "A-") for n in range(102, 202)))


def _none_found(folder: Path) -> str:
    _OTHER_FORM.write(folder)
    dataset = Dataset(path=_OTHER_FORM.path, identifiers=("id",), label="ill")
    facts = load(dataset, folder, ["trim"]).facts
    assert facts is not None
    (told,) = facts.forms[0].never_found(np.arange(0, 100, 2))
    return told


_A1 = r",\d+\.\d,"
_FOUR = "CREATE TABLE people (id integer, ill integer, a1 real); INSERT INTO people VALUES "
_FOUR += "(1, 0, 0.5), (2, 1, 1.5), (3, 0, 2.5);"
_WIDE = stored("id", pa.array([1, 2, 3, 4], pa.decimal128(38, 10)))


@dataclass(frozen=True)
class Trained:
    """A model of one organisation on few rows, and what its result says."""

    spec: Baseline
    rows: Sequence[str]
    """Lines: identifier, label, and the columns."""

    test: Sequence[str] = ()
    """Rows to score; empty: none are kept apart."""

    categorical: tuple[str, ...] = ()

    def __call__(self, folder: Path) -> str:
        """Train, and tell what is measured and what is not."""
        names = [f"a{place}" for place in range(self.rows[0].count(",") - 1)]
        for name, lines in (("train", self.rows), ("test", self.test)):
            head = ",".join(["id", "ill", *names])
            (folder / f"{name}.csv").write_text("\n".join([head, *lines, ""]))
        train, test = (
            Dataset(
                path=f"{name}.csv", identifiers=("id",), label="ill", categorical=self.categorical
            )
            for name in ("train", "test")
        )
        inputs = LocalInputs(folder, 7, "0" * 64, train, test if self.test else None)
        data = baseline.load(self.spec, inputs)
        found = baseline.train(self.spec, data, Run.at(folder / "run"), Telemetry()).measure()
        measured = [
            f"{name} {'undefined' if values['model'] is None else 'measured'}"
            for name, values in found.metrics.items()
        ]
        missing = [f"no {name}: {why}" for name, why in found.missing.items()]
        counts = f"{found.rows['train']:,} rows trained, {found.rows['test']:,} scored"
        return "; ".join([f"finished: {counts}", ", ".join(measured), *missing])


def people(count: int, columns: int, *, first: int = 0, label: str = "alternating") -> list[str]:
    """Returns lines of people whose label alternates, or is the same for all."""
    random = np.random.default_rng(first)
    return [
        ",".join(
            [
                str(first + n),
                str(n % 2) if label == "alternating" else label,
                *(f"{value:.3f}" for value in random.normal(size=columns)),
            ]
        )
        for n in range(count)
    ]


_LINEAR = RegressionBaseline(penalty=0.1)
_TREES = BoostingBaseline(trees=3, minimum_bin_rows=1, minimum_node_rows=2)

SITUATIONS: Mapping[str, Sequence[Situation]] = {
    "A bad cell is told as a cell": [
        Situation("one cell of 200 is `?`", csv((61, ",29.5,", ",?,"))),
        Situation(
            "the same, for boosted trees", keyed(csv((61, ",29.5,", ",?,")), numbers_only=False)
        ),
        Situation(
            "the same, and the column is named in `categorical`",
            keyed(csv((61, ",29.5,", ",?,")), numbers_only=False, categorical=("a1",)),
        ),
        Situation("`n/a` twice", csv((5, ",1.5,", ",n/a,"), (61, ",29.5,", ",n/a,"))),
        Situation("an empty cell", csv((61, ",29.5,", ",,"))),
        Situation(
            "an empty cell, for boosted trees", keyed(csv((61, ",29.5,", ",,")), numbers_only=False)
        ),
        Situation("a cell is `inf`", csv((61, ",29.5,", ",inf,"))),
        Situation("a cell is `NaN`", csv((61, ",29.5,", ",NaN,"))),
        Situation("a cell is `-nan`", csv((61, ",29.5,", ",-nan,"))),
        Situation("thousands separators", every(r",\d+\.(\d),", r",1'000.\1,")),
        Situation("numbers with spaces between thousands", every(r",\d+$", ",1 000 000")),
        Situation("a decimal comma, in a file with commas", csv((61, ",29.5,", ",29,5,"))),
        Situation(
            "decimal commas, in a file with semicolons",
            keyed(Rows(lambda folder: _text(folder, _semicolons())), delimiter=";"),
        ),
        Situation(
            'the same with `decimal = ","`',
            keyed(Rows(lambda folder: _text(folder, _semicolons())), delimiter=";", decimal=","),
        ),
        Situation("dates (ISO)", every(_A1, ",2026-01-31,")),
        Situation("dates (31.01.2026)", every(_A1, ",31.01.2026,")),
        Situation("yes and no as label", every(r"^(\d+),\d", r"\1,yes")),
        Situation("`true` and `false` as label", every(r"^(\d*[02468]),\d", r"\1,true")),
        Situation("a currency behind each number", every(_A1, r",12.50 EUR,")),
        Situation("names of towns in a column", every(_A1, ",Bern,")),
        Situation(
            "the same, for boosted trees",
            keyed(every(_A1, ",Bern,"), numbers_only=False),
        ),
        Situation("a line has a cell more", csv((61, ",29.5,", ",29,5,"))),
        Situation("a line has a cell fewer", csv((61, ",29.5,", ","))),
        Situation("three lines are cut short", csv(*((n, ",0,", ",") for n in (2, 4, 6)))),
        Situation(
            "the file is in Latin-1, and a name of a column has an umlaut",
            csv((1, "a1", "größe"), encoding="latin-1"),
        ),
        Situation(
            "the file is in Latin-1, and a text to categorise has one",
            keyed(
                csv((61, ",29.5,", ",Zürich,"), encoding="latin-1"),
                numbers_only=False,
                categorical=("a1",),
                missing="keep",
            ),
        ),
        Situation("the file is in UTF-16", csv(encoding="utf-16")),
        Situation(
            "the file has Windows line ends and a byte order mark",
            csv(ending="\r\n", encoding="utf-8-sig"),
        ),
        Situation("an identifier is empty", csv((61, "10000059,", ","))),
        Situation("a label is empty", csv((61, ",1,29.5", ",,29.5"))),
        Situation(
            "five things at once",
            csv(
                (5, "10000003,", "1.00E+07,"),
                (10, ",0,", ",,"),
                (61, ",29.5,", ",?,"),
                (70, ",4624", ",inf"),
                (80, ",39.0,", ",39,0,"),
            ),
        ),
    ],
    "No row is lost silently": [
        Situation(
            "two identifiers in scientific notation",
            csv((61, "10000059", "1.00001E+07"), (62, "10000060", "1.00001E+07")),
        ),
        Situation(
            "some identifiers end in `.0`",
            csv(*((n, f"{10_000_000 + n - 2},", f"{10_000_000 + n - 2}.0,") for n in (3, 60, 61))),
        ),
        Situation(
            "identifiers are floating-point numbers in Parquet", stored("id", [1.0, 2.0, 3.0, 4.0])
        ),
        Situation(
            "half of the identifiers have another form",
            csv(*((n, "100001", "A-") for n in range(102, 202))),
        ),
        Situation("the same, and after the alignment none of these was found", _none_found),
        Situation("an identifier occurs twice", csv((61, "10000059", "10000058"))),
        Situation(
            'the same with `duplicates = "first"`',
            keyed(csv((61, "10000059", "10000058")), duplicates="first"),
        ),
    ],
    "Values, not type names, decide": [
        Situation(
            "identifiers as dictionary", stored("id", pa.array(list("abcd")).dictionary_encode())
        ),
        Situation(
            "identifiers as string_view", stored("id", pa.array(list("abcd"), pa.string_view()))
        ),
        Situation(
            "identifiers as large_string", stored("id", pa.array(list("abcd"), pa.large_string()))
        ),
        Situation("identifiers as bytes", stored("id", pa.array([b"a", b"b", b"c", b"d"]))),
        Situation("identifiers as decimal(38, 10), as of an Oracle NUMBER", _WIDE),
        Situation(
            "identifiers as UUID",
            stored("id", pa.array([bytes([n] * 16) for n in range(4)], pa.uuid())),
        ),
        Situation("labels as decimal", stored("ill", pa.array([0, 1, 0, 1], pa.decimal128(3, 2)))),
        Situation("labels as text", stored("ill", ["0", "1", "0", "1"])),
        Situation("numbers as text in Parquet", stored("a1", ["1", "2.5", " 3", "+4"])),
        Situation(
            "numbers as dictionary",
            stored("a1", pa.array([1.0, 2.0, 1.0, 2.0]).dictionary_encode()),
        ),
        Situation("a folder of CSV", folder_of("a.csv", "b.csv")),
        Situation("a folder that also has notes", folder_of("a.csv", "notes.txt")),
        Situation("a query of SQLite", asked("sqlite:people.db", "SELECT * FROM people", _FOUR)),
        Situation(
            "a query of a table that is not there",
            asked("sqlite:people.db", "SELECT * FROM persons", _FOUR),
        ),
        Situation(
            "a query of a server that does not run",
            asked("postgresql://reader@127.0.0.1:9/crm", "SELECT * FROM people"),
        ),
        Situation(
            "a query of DuckDB over files",
            asked("duckdb:", "SELECT range AS id, range % 2 AS ill, range / 2 AS a1 FROM range(3)"),
        ),
    ],
    "Nothing that only describes a run can destroy it": [
        Situation("4 rows and 9 columns", Trained(_LINEAR, people(4, 9), people(6, 9, first=90))),
        Situation(
            "the same, for boosted trees", Trained(_TREES, people(4, 9), people(6, 9, first=90))
        ),
        Situation("one row to score", Trained(_LINEAR, people(20, 2), people(1, 2, first=90))),
        Situation(
            "one row to score, for boosted trees",
            Trained(_TREES, people(20, 2), people(1, 2, first=90)),
        ),
        Situation(
            "all rows to score have label 1",
            Trained(_TREES, people(20, 2), people(5, 2, first=90, label="1")),
        ),
        Situation(
            "rows to score have no label",
            Trained(_LINEAR, people(20, 2), people(5, 2, first=90, label="")),
        ),
        Situation(
            "a number is predicted, and one row is scored",
            Trained(RegressionBaseline(family="gaussian"), people(20, 2), people(1, 2, first=90)),
        ),
        Situation("no row is kept to score", Trained(_TREES, people(20, 2))),
        Situation(
            "all rows to train on have label 0",
            Trained(_TREES, people(20, 2, label="0"), people(5, 2, first=90)),
        ),
        Situation(
            "a column is the same everywhere",
            Trained(
                _TREES,
                [f"{line},1" for line in people(20, 1)],
                [f"{line},1" for line in people(6, 1, first=90)],
            ),
        ),
        Situation(
            "each row has a category of its own",
            Trained(
                _TREES,
                [f"{line},c{place}" for place, line in enumerate(people(20, 1))],
                [f"{line},c{place}" for place, line in enumerate(people(6, 1, first=90))],
                ("a1",),
            ),
        ),
    ],
}


def _semicolons() -> str:
    return "\n".join([*(line.replace(",", ";").replace(".", ",") for line in PEOPLE), ""])
