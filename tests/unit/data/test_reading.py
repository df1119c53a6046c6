"""A dataset becomes a table, or one sentence says why not."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus.core.errors import DataError, SpecError
from isthmus.data import reading
from isthmus.data.reading import load
from isthmus.data.sources import opened
from isthmus.data.spec import Dataset
from isthmus.data.table import ColumnCoding, Table

PEOPLE = "person,sick,age,height,smokes\n a1,1,30,1.6,true\nA2,0,40,1.7,false\na3,1,50,1.8,true\n"
Load = Callable[..., Table]


@pytest.fixture
def load_csv(tmp_path: Path) -> Load:
    def load_text(text: str, *, train: Table | None = None, **keys: Any) -> Table:
        (tmp_path / "people.csv").write_text(text, encoding="utf-8")
        dataset = Dataset(path="people.csv", **({"identifiers": ("person",)} | keys))
        return load(dataset, tmp_path, ["trim", "lower"], None if train is None else train.coding)

    return load_text


@pytest.fixture
def load_parquet(tmp_path: Path) -> Load:
    def load_columns(values: dict[str, Any], **keys: Any) -> Table:
        parquet.write_table(pa.table(values), tmp_path / "people.parquet")
        dataset = Dataset(path="people.parquet", **({"identifiers": ("person",)} | keys))
        return load(dataset, tmp_path, [])

    return load_columns


class TestLoad:
    def test_reads_keys_features_and_label(self, load_csv: Load) -> None:
        table = load_csv(PEOPLE, label="sick")
        assert table.identifiers == [b"a1", b"a2", b"a3"]
        assert table.names == ("age", "height", "smokes")
        assert table.features.tolist() == [[30, 1.6, 1], [40, 1.7, 0], [50, 1.8, 1]]
        assert table.label is not None
        assert table.label.tolist() == [1, 0, 1]

    def test_names_rows_by_their_numbers_where_nothing_identifies_them(
        self, load_csv: Load
    ) -> None:
        table = load_csv("sick,age\n1,30\n0,40\n1,40\n", identifiers=(), label="sick")
        assert table.identifiers == [b"0", b"1", b"2"]
        assert table.names == ("age",)
        assert table.features.tolist() == [[30.0], [40.0], [40.0]]  # equal rows are kept

    def test_reads_compressed_csv(self, tmp_path: Path) -> None:
        (tmp_path / "people.csv.gz").write_bytes(gzip.compress(PEOPLE.encode()))
        dataset = Dataset(path="people.csv.gz", identifiers=("person",))
        assert len(load(dataset, tmp_path, [])) == 3

    def test_reads_parquet(self, load_parquet: Load) -> None:
        table = load_parquet({"person": [7, 8], "age": [30, 40]})
        assert (table.identifiers, table.features.tolist()) == ([b"7", b"8"], [[30.0], [40.0]])

    def test_reads_another_delimiter(self, load_csv: Load) -> None:
        assert load_csv(PEOPLE.replace(",", ";"), delimiter=";").names[0] == "sick"

    def test_keeps_the_zeros_that_an_identifier_begins_with(self, load_csv: Load) -> None:
        assert load_csv("person,age\n007,1\n8,2\n").identifiers == [b"007", b"8"]

    def test_drops_them_where_the_dataset_says_integer(self, load_csv: Load) -> None:
        table = load_csv("person,age\n007 ,1\n8,2\n", types={"person": "integer"})
        assert table.identifiers == [b"7", b"8"]

    def test_reads_numbers_from_text_where_the_dataset_says_so(self, load_parquet: Load) -> None:
        table = load_parquet(
            {"person": ["a", "b"], "age": ["30", " 40.5"]}, types={"age": "number"}
        )
        assert table.features.tolist() == [[30.0], [40.5]]

    def test_joins_several_identifiers(self, load_csv: Load) -> None:
        table = load_csv("name,born,age\nada,1815,1\nada,1915,2\n", identifiers=("name", "born"))
        assert len(set(table.identifiers)) == 2
        assert table.names == ("age",)

    def test_may_bring_no_features(self, load_csv: Load) -> None:
        assert load_csv(PEOPLE, label="sick", columns=()).features.shape == (3, 0)

    def test_a_single_value_is_no_obstacle_to_scoring(self, load_csv: Load) -> None:
        train = load_csv("person,age\na,1\nb,2\n")
        assert load_csv("person,age\nc,1\n", train=train).features.tolist() == [[1.0]]

    def test_rows_to_score_take_missing_cells_from_the_rows_trained_on(
        self, load_csv: Load
    ) -> None:
        train = load_csv("person,age\na,1\nb,2\n", missing="mean")
        scored = load_csv("person,age\nc,\nd,9\n", train=train, missing="mean")
        assert scored.features.tolist() == [[1.5], [9.0]]

    @pytest.mark.parametrize(("missing", "value"), [("mean", 20.0), (-1.0, -1.0)])
    def test_rows_to_score_may_lack_a_whole_column(
        self, load_csv: Load, missing: str | float, value: float
    ) -> None:
        train = load_csv("person,age\na,10\nb,30\n")
        scored = load_csv("person,age\nc,\nd,\n", train=train, missing=missing)
        assert scored.features[:, 0].tolist() == [value, value]

    def test_rows_to_score_take_the_mean_of_the_cells_that_training_knew(
        self, load_csv: Load
    ) -> None:
        train = load_csv("person,age\na,10\nb,30\nc,\n", missing="keep")
        scored = load_csv("person,age\nd,\ne,1\n", train=train, missing="mean")
        assert scored.features[:, 0].tolist() == [20, 1]

    def test_rows_to_score_have_the_columns_of_the_rows_trained_on(self, load_csv: Load) -> None:
        train = load_csv("person,age\na,1\nb,2\n")
        with pytest.raises(SpecError, match=r"lacks 1 of the columns .* the first is 'age'"):
            load_csv("person,pulse\nc,1\n", train=train)
        with pytest.raises(SpecError, match="brings 1 columns that were not trained on"):
            load_csv("person,pulse,age\nc,1,2\n", train=train)

    def test_rows_to_score_may_have_their_columns_in_another_order(self, load_csv: Load) -> None:
        train = load_csv("person,age,height\na,1,8\nb,2,9\n")
        scored = load_csv("height,person,age\n7,c,3\n", train=train)
        assert (scored.names, scored.features.tolist()) == (("age", "height"), [[3, 7]])

    def test_rows_to_score_need_no_label(self, load_csv: Load) -> None:
        train = load_csv("person,sick,age\na,1,1\nb,0,2\n", label="sick")
        scored = load_csv("person,sick,age\nc,,1\nd,1,2\n", train=train, label="sick")
        assert scored.label is not None
        assert np.array_equal(scored.label, [np.nan, 1], equal_nan=True)
        assert load_csv("person,age\nc,1\n", train=train).label is None


class TestKeys:
    """The identifier columns as other readers of the file have them."""

    def test_keep_name_and_spelling(self, load_csv: Load) -> None:
        table = load_csv("Person ID,age\n A1,1\nb2,2\n", identifiers=("Person ID",))
        assert table.identifiers == [b"a1", b"b2"]
        assert table.keys.to_pydict() == {"Person ID": [" A1", "b2"]}

    def test_of_whole_numbers_in_csv_are_numbers(self, load_csv: Load) -> None:
        table = load_csv("person,age\n12,1\n7,2\n")
        assert table.keys.to_pydict() == {"person": [12, 7]}

    def test_with_leading_zeros_stay_text(self, load_csv: Load) -> None:
        table = load_csv("person,age\n12,1\n007,2\n", types={"person": "integer"})
        assert table.identifiers == [b"12", b"7"]
        assert table.keys.to_pydict() == {"person": ["12", "007"]}

    def test_keep_their_type(self, load_parquet: Load) -> None:
        people = pa.array([3, 1, 2], pa.int32())
        table = load_parquet({"person": people, "age": [1, 2, 3]})
        assert table.keys.schema.field("person").type == pa.int32()

    def test_follow_their_rows(self, load_csv: Load) -> None:
        rows = load_csv(
            "person,day,age\na,1,1\na,1,2\nb,2,3\nc,9,4\n",
            identifiers=("person", "day"),
            duplicates="first",
        )
        taken = rows.take(np.array([2, 0]))
        assert taken.keys.to_pydict() == {"person": ["c", "a"], "day": [9, 1]}
        assert taken.positions is not None
        assert taken.positions.tolist() == [3, 0]


class TestColumns:
    def test_are_chosen_by_name_and_by_pattern_in_the_datasets_order(self, load_csv: Load) -> None:
        assert load_csv(PEOPLE, columns=("s*", "age")).names == ("sick", "smokes", "age")

    def test_never_include_the_label(self, load_csv: Load) -> None:
        assert load_csv(PEOPLE, label="sick", columns=("s*",)).names == ("smokes",)

    def test_are_found_without_reading_the_rows(self, tmp_path: Path) -> None:
        (tmp_path / "people.csv").write_text(PEOPLE)
        dataset = Dataset(path="people.csv", identifiers=("person",), label="sick")
        assert opened(dataset, tmp_path).columns().features == ("age", "height", "smokes")


class TestMissing:
    TEXT = "person,age\na,10\nb,\nc,30\nd,NA\n"

    def test_is_an_error_unless_the_dataset_says_otherwise(self, load_csv: Load) -> None:
        with pytest.raises(
            SpecError, match=r"column 'age': 2 of 4 cells are empty, the first in line 3. Set `mi"
        ):
            load_csv(self.TEXT)

    def test_is_replaced_by_the_mean(self, load_csv: Load) -> None:
        assert load_csv(self.TEXT, missing="mean").features[:, 0].tolist() == [10, 20, 30, 20]

    def test_is_replaced_by_a_number(self, load_csv: Load) -> None:
        assert load_csv(self.TEXT, missing=-1.0).features[:, 0].tolist() == [10, -1, 30, -1]

    def test_is_what_the_dataset_says(self, load_csv: Load) -> None:
        table = load_csv("person,age\na,10\nb,-9\nc,30\n", missing="mean", missing_values=("-9",))
        assert table.features[:, 0].tolist() == [10, 20, 30]

    def test_includes_not_a_number(self, load_parquet: Load) -> None:
        values = {"person": ["a", "b", "c"], "age": [1.0, float("nan"), 3.0]}
        assert load_parquet(values, missing="mean").features[:, 0].tolist() == [1, 2, 3]

    def test_is_kept(self, load_csv: Load) -> None:
        table = load_csv("person,age,height\na,,1\nb,4,2\n", missing="keep")
        assert np.isnan(table.features[0, 0])
        assert table.features[1].tolist() == [4, 2]


class TestDuplicates:
    TWICE = "person,age\n a ,1\nb,2\nA,3\nc,4\nb,5\n"

    def test_are_an_error_unless_the_dataset_says_otherwise(self, load_csv: Load) -> None:
        with pytest.raises(
            SpecError, match=r"2 of 5 rows.*before.*in line 4.*`duplicates = \"first"
        ):
            load_csv(self.TWICE)

    def test_leave_the_first_row_of_each_and_where_it_stood(self, load_csv: Load) -> None:
        table = load_csv(self.TWICE, duplicates="first")
        assert table.identifiers == [b"a", b"b", b"c"]
        assert table.features[:, 0].tolist() == [1, 2, 4]
        assert table.positions is not None
        assert table.positions.tolist() == [0, 1, 3]


class TestOffset:
    ROWS = "person,visits,age,years,base\na,1,3,0.5,2\nb,0,4,2,-1\n"

    def test_is_added_to_the_logarithm_of_the_exposure(self, load_csv: Load) -> None:
        table = load_csv(self.ROWS, label="visits", exposure="years", offset="base")
        assert table.names == ("age",)
        assert table.offsets == pytest.approx([2 + np.log(0.5), -1 + np.log(2)])
        assert table.take(np.array([1])).offsets == pytest.approx([-1 + np.log(2)])

    def test_is_zero_for_rows_without_one(self, load_csv: Load) -> None:
        table = load_csv("person,visits,age\na,1,3\nb,0,4\n", label="visits")
        assert table.offset is None
        assert table.offsets.tolist() == [0, 0]

    def test_can_be_all_that_there_is(self, load_csv: Load) -> None:
        columns = ("age", "years")
        table = load_csv(self.ROWS, label="visits", offset="base", columns=columns)
        assert table.offsets.tolist() == [2, -1]

    def test_takes_no_exposure_of_zero(self, load_csv: Load) -> None:
        with pytest.raises(
            SpecError, match="the exposure 'years': 1 of 2 cells is 0 or less, in line 3"
        ):
            load_csv("person,visits,age,years\na,1,3,1\nb,0,4,0\n", exposure="years")


class TestWeight:
    ROWS = "person,sick,age,counts\na,1,3,0.5\nb,0,4,2\n"

    def test_is_a_column_of_its_own(self, load_csv: Load) -> None:
        table = load_csv(self.ROWS, label="sick", weight="counts")
        assert table.names == ("age",)
        assert table.weight is not None
        assert table.take(np.array([1, 0])).weight.tolist() == [2, 0.5]  # type: ignore[union-attr]

    def test_is_there_in_every_row(self, load_csv: Load) -> None:
        with pytest.raises(
            SpecError, match="the weight 'counts': 1 of 2 cells is empty, in line 2"
        ):
            load_csv("person,sick,age,counts\na,1,3,\nb,0,4,2\n", label="sick", weight="counts")


class TestMonotone:
    @pytest.mark.parametrize("keys", [{}, {"categorical": ("town",), "missing": "keep"}])
    def test_names_columns_of_amounts(self, load_csv: Load, keys: dict[str, Any]) -> None:
        rows = "person,town,age\na,1,2\nb,2,3\n"
        wrong = "town" if keys else "agee"
        with pytest.raises(SpecError, match=f"`monotone` names '{wrong}', which is not one of"):
            load_csv(rows, monotone={wrong: "increasing"}, **keys)


class TestCategories:
    ROWS = "person,town,age\na,Oslo,1\nb,Bern,2\nc,Oslo,3\n"

    def test_become_their_numbers(self, load_csv: Load) -> None:
        table = load_csv(self.ROWS, categorical=("to*",))
        assert table.categories == {"town": ("Bern", "Oslo")}
        assert table.features[:, 0].tolist() == [1, 0, 1]

    def test_may_be_written_as_numbers(self, load_csv: Load) -> None:
        rows = load_csv("person,zone\na,007\nb,7\n", categorical=("zone",))
        assert rows.categories == {"zone": ("007", "7")}

    def test_that_training_did_not_know_are_empty_cells(self, load_csv: Load) -> None:
        train = load_csv(self.ROWS, categorical=("town",))
        test = load_csv("person,town,age\nd,Rome,1\ne,Oslo,2\n", train=train, categorical=("town",))
        assert np.isnan(test.features[0, 0])
        assert test.features[1, 0] == 1

    def test_of_another_coding_are_refused_in_rows_to_score(self, load_csv: Load) -> None:
        train = load_csv(self.ROWS, categorical=("town",))
        lines = "".join(f"x{row},town-{row},1\n" for row in range(10))
        with pytest.raises(SpecError, match="'town': none of its 10 cells holds a category that"):
            load_csv(f"person,town,age\n{lines}", train=train, categorical=("town",))

    def test_must_be_the_same_columns_in_both_sets(self, load_csv: Load) -> None:
        train = load_csv(self.ROWS, categorical=("town",))
        with pytest.raises(SpecError, match="`categorical` here or in training but not both"):
            load_csv("person,town,age\nd,1,1\n", train=train)

    def test_are_chosen_columns(self, load_csv: Load) -> None:
        with pytest.raises(SpecError, match="`categorical` names 'city', which is none of the"):
            load_csv(self.ROWS, categorical=("city",))

    def test_are_refused_where_cells_are_empty_and_not_kept(self, load_csv: Load) -> None:
        rows = "person,town,age\na,,1\nb,Bern,2\nc,Rome,3\n"
        with pytest.raises(SpecError, match="1 of 3 cells is empty, in line 2; names have no mean"):
            load_csv(rows, categorical=("town",))
        table = load_csv(rows, categorical=("town",), missing="keep")
        assert np.isnan(table.features[0, 0])


REFUSALS: dict[str, tuple[str, dict[str, Any], str]] = {
    "no such identifier": (PEOPLE, {"identifiers": ("persom",)}, "Did you mean 'person'"),
    "no such label": (PEOPLE, {"label": "died"}, "`label` names 'died', which is not a column"),
    "no such feature": (PEOPLE, {"columns": ("agee",)}, "`columns` names 'agee'.*mean 'age'"),
    "no such typed column": (PEOPLE, {"types": {"x": "number"}}, "`types` names 'x'"),
    "pattern without match": (PEOPLE, {"columns": ("h_*",)}, "pattern 'h_\\*'.*matches no column"),
    "nothing but an identifier": ("person\na\n", {}, "the pattern '\\*'.*matches no column"),
    "another delimiter": ("person;age\na;1\n", {}, "one column only; in a file, does `delimiter`"),
    "huge feature": (
        "person,age\na,1\nb,1e101\n",
        {},
        "'age': 1 of 2 cells is infinite or beyond 1e.100, in line 3",
    ),
    "label as feature": (
        PEOPLE,
        {"label": "sick", "columns": ("sick",)},
        "'sick' is an identifier, the label, the weight, the exposure or the offset",
    ),
    "label as identifier": (PEOPLE, {"label": "person"}, "must be different columns"),
    "two columns of one name": ("person,age,age\na,1,2\n", {}, "columns 2, 3 share a name"),
    "text feature": (
        "person,job\na,baker\nb,smith\n",
        {},
        "'job' holds text, not numbers: name it in `categorical`",
    ),
    "date feature": (
        "person,born\na,2001-01-02\nb,2002-01-01\n",
        {},
        "'born' holds dates, not numbers: turn them into numbers, such as years",
    ),
    "single value": ("person,age\na,1\nb,1\n", {}, "'age' has one single value in all 2 rows"),
    "empty feature": ("person,age\na,\nb,NA\n", {}, "'age' is empty in all 2 rows. Leave it out"),
    "no category": (
        "person,town\na,\nb,NA\n",
        {"categorical": ("town",), "missing": "keep"},
        "'town' is empty in all 2 rows. Leave it out",
    ),
    "infinite feature": ("person,age\na,1\nb,inf\n", {}, "'age': 1 of 2 cells is infinite"),
    "text label": (
        "person,sick,age\na,yes,1\nb,no,2\n",
        {"label": "sick"},
        "'sick' holds text, not numbers; they are words such as yes and no: enc",
    ),
    "empty label": (
        "person,sick,age\na,,1\nb,1,2\n",
        {"label": "sick"},
        "label 'sick': 1 of 2 cells is empty, in line 2. Remove",
    ),
    "infinite label": (
        "person,sick,age\na,inf,1\nb,1,2\n",
        {"label": "sick"},
        "'sick': 1 of 2 cells is infinite",
    ),
    "no identifier": (
        "person,age\na,1\n,2\n",
        {},
        "the identifier 'person': 1 of 2 cells is empty, in line 3",
    ),
    "identifier twice": (
        "person,age\na,1\nA,2\nb,3\n",
        {},
        "1 of 3 rows has an identifier that occurred before",
    ),
    "wrong declared type": (
        PEOPLE,
        {"types": {"person": "integer"}},
        "'person': all 3 cells are no whole numbers.*`types`",
    ),
    "no rows": ("person,age\n", {}, "there are no rows. Export"),
    "empty file": ("", {}, "not CSV in UTF-8, or is empty or cut short"),
    "ragged line": (
        "person,age\na,1,2\nb,1\nc,2\n",
        {},
        "line 2 has 3 cells where the line of names has 2",
    ),
}


class TestRefusal:
    @pytest.mark.parametrize(("text", "keys", "sentence"), REFUSALS.values(), ids=list(REFUSALS))
    def test_says_what_and_where(
        self, load_csv: Load, text: str, keys: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(SpecError, match=rf"people\.csv: .*{sentence}"):
            load_csv(text, **keys)

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
    def test_of_text_of_16_bits(self, tmp_path: Path, encoding: str) -> None:
        text = PEOPLE if encoding == "utf-16" else f"\ufeff{PEOPLE}"
        (tmp_path / "people.csv").write_text(text, encoding=encoding)
        with pytest.raises(SpecError, match=r"people\.csv: the file is in UTF-16\. Export it as"):
            load(Dataset(path="people.csv", identifiers=("person",)), tmp_path, [])

    def test_of_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"there is no such file. Correct the path"):
            load(Dataset(path="people.csv", identifiers=("person",)), tmp_path, [])

    def test_of_what_the_system_does_not_let_us_read(self, tmp_path: Path) -> None:
        dataset = Dataset(path=f"{'p' * 300}.csv", identifiers=("person",))
        with pytest.raises(SpecError, match=r"cannot be read: .*too long. Correct the path"):
            load(dataset, tmp_path, [])

    @pytest.mark.parametrize(
        ("name", "content", "kind"),
        [
            ("people.csv.gz", gzip.compress(PEOPLE.encode())[:-9], "CSV"),
            ("people.csv.gz", PEOPLE.encode(), "CSV"),
            ("people.parquet", b"PAR1 and no more", "Parquet"),
            ("people.parquet", b"", "Parquet"),
        ],
        ids=[
            "cut short",
            "not compressed",
            "damaged Parquet",
            "empty Parquet",
        ],
    )
    def test_of_a_damaged_file(self, tmp_path: Path, name: str, content: bytes, kind: str) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SpecError, match=rf"the file is not {kind}.*Copy or export it again"):
            load(Dataset(path=name, identifiers=("person",)), tmp_path, [])

    def test_of_a_ragged_line_of_any_bytes(self, tmp_path: Path) -> None:
        (tmp_path / "people.csv").write_bytes(b"person,age\n\xff,1,2\n")
        with pytest.raises(SpecError, match=r"line 2 has 3 cells where the line of names has 2"):
            load(Dataset(path="people.csv", identifiers=("person",)), tmp_path, [])

    def test_of_another_kind_of_file(self, tmp_path: Path) -> None:
        (tmp_path / "people.xlsx").write_bytes(b"PK")
        with pytest.raises(SpecError, match=r"only files .csv, .csv.gz, .parquet, .arrow"):
            load(Dataset(path="people.xlsx", identifiers=("person",)), tmp_path, [])

    @pytest.mark.parametrize(
        "text",
        [
            "person,age\nsecret,1\nSECRET,2\n",
            "person,age\na,secret\nb,2\n",
            "person,age\nb,2\nsecret,secret,secret\n",
            "secret,secret\nb,2\n",
            "secret,2\nb,2\n",
        ],
        ids=["repeated", "text", "ragged", "no names, repeated", "no names"],
    )
    def test_quotes_no_value(self, load_csv: Load, text: str) -> None:
        with pytest.raises(SpecError) as error:
            load_csv(text)
        assert "secret" not in str(error.value).lower()
        assert error.value.__cause__ is None

    def test_quotes_no_value_of_a_declared_type(self, load_csv: Load) -> None:
        with pytest.raises(SpecError) as error:
            load_csv("person,age\na,secret\nb,2\n", types={"age": "number"})
        assert "secret" not in str(error.value)


class TestTake:
    def test_picks_rows_in_the_given_order(self, load_csv: Load) -> None:
        table = load_csv(PEOPLE, label="sick").take(np.array([2, 0]))
        assert table.identifiers == [b"a3", b"a1"]
        assert table.features[:, 0].tolist() == [50, 30]
        assert table.label is not None
        assert table.label.tolist() == [1, 1]
        assert len(table) == 2

    def test_needs_no_label(self, load_csv: Load) -> None:
        assert load_csv(PEOPLE).take(np.array([1])).label is None


class TestTwoDataSets:
    def test_are_told_of_together(self, tmp_path: Path) -> None:
        (tmp_path / "train.csv").write_text("id,ill,age\na,1,2\nb,?,3\n")
        (tmp_path / "test.csv").write_text("id,ill,age\nc,,7\nd,1,?\n")

        def given(name: str, coding: ColumnCoding | None) -> Table:
            dataset = Dataset(path=name, identifiers=("id",), label="ill")
            return reading.load(dataset, tmp_path, [], coding)

        with pytest.raises(DataError) as error:
            reading.load_both(
                lambda: given("train.csv", None), lambda _: given("test.csv", reading.UNKNOWN)
            )
        first, second = str(error.value).splitlines()
        assert "train.csv: the label 'ill': 1 of 2 cells is no number, in line 3" in first
        assert "test.csv: column 'age': 1 of 2 cells is no number, in line 3" in second

    def test_are_both_read_where_nothing_is_wrong(self) -> None:
        assert reading.load_both(lambda: 1, lambda found: (found or 0) + 1) == (1, 2)

    def test_say_what_is_wrong_with_the_one(self) -> None:
        def wrong(_: int | None = None) -> int:
            raise SpecError("it is empty")

        for train, test in ((wrong, lambda _: 2), (lambda: 1, wrong)):
            with pytest.raises(SpecError, match=r"^it is empty$"):
                reading.load_both(train, test)
