"""Encoding of rows."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from isthmus.core.errors import SpecError
from isthmus.multitask.feed.features import Encoder
from isthmus.multitask.samples import Samples
from isthmus.multitask.spec import (
    Amount,
    Bucketed,
    Feature,
    Hashed,
    Identifier,
    Multitask,
    Task,
    Vocabulary,
)


def hashed(text: str) -> int:
    """The hash in plain Python, as `kernels.hashing` documents it."""
    found = 0xCBF29CE484222325
    for byte in text.encode():
        found = (found ^ byte) * 0x100000001B3 % 2**64
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        found = (found ^ found >> 33) * factor % 2**64
    return (found ^ found >> 33) % 2**63


def job(feature: Feature | None = None, **keys: Any) -> Multitask:
    defaults: dict[str, Any] = {
        "features": {"x": feature or Identifier()},
        "tasks": {"ctr": Task(label="click")},
    }
    return Multitask(**defaults | keys)


def encode(feature: Feature, values: Any, **keys: Any) -> Samples:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    batch = pa.record_batch({"x": column})
    return Encoder(job(feature), labelled=False, **keys).encode(batch, 0, "a.csv")


def ids(feature: Feature, values: Any) -> list[int]:
    found: list[int] = encode(feature, values).ids[:, 0].tolist()
    return found


def cells(feature: Feature, values: Any) -> list[list[int]]:
    lists = encode(feature, values).lists[0]
    ends = np.cumsum(lists.lengths)
    return [each.tolist() for each in np.split(lists.ids, ends[:-1])]


def labels(spec: Multitask, **columns: Any) -> list[list[float]]:
    """Labels with those left out that do not count; -1 where one is missing."""
    rows = len(next(iter(columns.values())))
    encoder = Encoder(spec)
    batch = pa.record_batch({"x": pa.array(range(rows)), **columns})
    samples = encoder.restrict(encoder.encode(batch, 0, "a.csv"))
    found: list[list[float]] = np.nan_to_num(samples.labels, nan=-1).tolist()
    return found


class TestSingle:
    def test_ids_are_taken_as_they_are(self) -> None:
        assert ids(Identifier(), [3, None, 2**63 - 1]) == [3, -1, 2**63 - 1]

    @pytest.mark.parametrize("kind", [pa.int8(), pa.uint32(), pa.uint64(), pa.int64()])
    def test_ids_may_have_any_type_of_whole_numbers(self, kind: Any) -> None:
        assert ids(Identifier(), pa.array([1, None], kind)) == [1, -1]

    def test_text_is_hashed(self) -> None:
        assert ids(Hashed(), ["ab", None, "", "é"]) == [
            hashed("ab"),
            -1,
            hashed(""),
            hashed("é"),
        ]

    def test_whole_numbers_are_hashed_as_their_text(self) -> None:
        assert ids(Hashed(), [12, None]) == [hashed("12"), -1]

    def test_hashes_share_buckets(self) -> None:
        assert ids(Hashed(buckets=10), ["ab", None]) == [hashed("ab") % 10, -1]

    @pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
    def test_hashes_are_the_same_for_every_type_of_text(self, kind: Any) -> None:
        assert ids(Hashed(), pa.array(["ab", "c"]).cast(kind)) == [hashed("ab"), hashed("c")]

    def test_hashes_part_of_an_array(self) -> None:
        assert ids(Hashed(), pa.array(["zz", None, "ab"])[2:]) == [hashed("ab")]

    def test_a_vocabulary_numbers_its_values(self) -> None:
        assert ids(Vocabulary(values=("b", "a")), ["a", "b", "new", None]) == [1, 0, -1, -1]

    def test_a_vocabulary_may_be_of_whole_numbers(self) -> None:
        assert ids(Vocabulary(values=("1", "2")), [2, 7]) == [1, -1]

    def test_buckets_begin_at_their_boundaries(self) -> None:
        values = [-1.0, 0.0, 0.5, 1.0, 9.0, None]
        assert ids(Bucketed(boundaries=(0, 1)), values) == [0, 1, 1, 2, 2, -1]


class TestLists:
    def test_lists_keep_their_order(self) -> None:
        values = [[3, 1], None, [], [1, None]]
        assert cells(Identifier(many="sum"), values) == [[3, 1], [], [], [1, -1]]

    def test_text_is_parted(self) -> None:
        values = ["3|1", "", None, "2"]
        assert cells(Identifier(many="sum"), values) == [[3, 1], [], [], [2]]

    def test_text_is_parted_by_the_separator_of_the_feature(self) -> None:
        assert cells(Hashed(many="mean", separator=";"), ["a;b"]) == [[hashed("a"), hashed("b")]]

    def test_buckets_of_text(self) -> None:
        assert cells(Bucketed(many="sum", boundaries=(1,)), ["0.5|2", "1"]) == [[0, 1], [1]]

    def test_part_of_an_array(self) -> None:
        assert cells(Identifier(many="sum"), pa.array([[9], [3, 1], [2]])[1:]) == [[3, 1], [2]]

    def test_a_column_without_any(self) -> None:
        assert cells(Identifier(many="sum"), [None, None]) == [[], []]


class TestAmounts:
    def test_are_scaled(self) -> None:
        feature = Amount(mean=1, deviation=2, missing=5)
        assert encode(feature, [3.0, None]).numbers.tolist() == [[1.0], [2.0]]

    def test_may_be_scaled_by_the_logarithm(self) -> None:
        numbers = encode(Amount(scale="log"), [np.e - 1, 1 - np.e, 0]).numbers
        assert numbers[:, 0] == pytest.approx([1, -1, 0])


class TestLabels:
    def test_are_missing_where_the_cell_is_empty(self) -> None:
        assert labels(job(), click=[1, 0, None]) == [[1], [0], [-1]]

    def test_may_be_truth_values(self) -> None:
        assert labels(job(), click=[True, False]) == [[1], [0]]

    def test_of_rows_without_labels_are_all_missing(self) -> None:
        assert np.isnan(encode(Identifier(), [1]).labels).all()

    TASKS = {
        "paid": Task(label="pay", given="buy"),
        "ctr": Task(label="click"),
        "buy": Task(label="order", given="ctr"),
    }

    def test_count_where_that_of_the_task_before_is_1(self) -> None:
        spec = job(tasks=self.TASKS)
        columns = {"pay": [1, 1, 0, 1], "click": [1, 0, 1, None], "order": [1, 1, 0, 1]}
        assert labels(spec, **columns) == [[1, 1, 1], [-1, 0, -1], [-1, 1, 0], [-1, -1, -1]]

    def test_are_0_otherwise_in_the_entire_space(self) -> None:
        spec = job(tasks=self.TASKS, entire_space=True)
        columns = {"pay": [1, 1, 0, 1], "click": [1, 0, 1, None], "order": [1, 1, 0, 1]}
        assert labels(spec, **columns) == [[1, 1, 1], [0, 0, 0], [0, 1, 0], [-1, -1, -1]]


class TestErrors:
    """Each is one sentence with file and column, and quotes no cell."""

    @pytest.mark.parametrize(
        ("feature", "values", "message"),
        [
            (Identifier(), ["secret"], "should hold whole numbers, but holds string"),
            (Identifier(), [1.5], "should hold whole numbers, but holds double"),
            (Identifier(), [1, -4, -5], "has 2 negative ids among 3"),
            (Identifier(), pa.array([2**63], pa.uint64()), r"has ids of 2\^63 or more"),
            (Identifier(many="sum"), ["1|secret"], r"whole numbers below 2\^63, parted by its"),
            (Identifier(many="sum"), [[1, -1]], "has 1 negative ids among 2"),
            (Hashed(), [1.5], "should hold text or whole numbers, but holds double"),
            (Vocabulary(values=("a",)), [[1]], "should hold text or whole numbers"),
            (Bucketed(boundaries=(1,)), [np.inf], "has 1 cells that are not finite numbers"),
            (Amount(), [np.nan, 1, None], "has 1 cells that are not finite numbers among 3"),
            (Amount(), ["secret"], "should hold numbers, but holds string"),
            (Amount(), [1e300], "has 1 amounts that are too large for a layer even when scaled"),
        ],
    )
    def test_of_cells(self, feature: Feature, values: Any, message: str) -> None:
        with pytest.raises(SpecError, match=rf"a\.csv: column 'x' .*{message}") as error:
            encode(feature, values)
        assert "secret" not in str(error.value)

    def test_of_labels(self) -> None:
        with pytest.raises(SpecError, match="column 'click' is a label, but 2 of 3 cells"):
            labels(job(), click=[2, 0.5, 1, None])

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            (job(Vocabulary(values=("a", "a"))), "`features.x.values` has values twice"),
            (job(Bucketed(boundaries=(1, 1))), "`features.x.boundaries` must rise"),
            (job(tasks={"a": Task(label="l", given="z")}), "`tasks.a.given` is 'z', which is no"),
            (
                job(tasks={"a": Task(label="l", given="b"), "b": Task(label="m", given="a")}),
                "in a circle: a, b",
            ),
        ],
    )
    def test_of_the_job(self, spec: Multitask, message: str) -> None:
        with pytest.raises(SpecError, match=message):
            Encoder(spec)
