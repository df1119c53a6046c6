"""Steps that a party takes by itself: fitted on training rows, repeated on rows to score."""

import msgspec
import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.vertical.preparation import fitting
from isthmus.vertical.preparation.columns import Column, Prepared
from isthmus.vertical.preparation.spec import Encoding, MissingValues, Preparation

NAN = np.nan
JOBS = ("clerk", "farmer", "nurse", "teacher")


def table(*columns: list[float], job: list[float] | None = None) -> Table:
    """Rows with columns x, y ... and, if given, a categorical one named `job`."""
    every = [*columns, *([] if job is None else [job])]
    names = ("x", "y", "z")[: len(columns)] + (() if job is None else ("job",))
    return Table(
        [b"%d" % row for row in range(len(every[0]))],
        np.array(every).T,
        names,
        categories={} if job is None else {"job": JOBS},
        missing="keep",
    )


def prepared(train: Table, spec: Preparation, **orders: tuple[str, ...]) -> Prepared:
    columns: list[Column] = fitting.fit(train, spec, orders)
    return Prepared(columns=columns)


def values(found: Table, name: str) -> Floats:
    return found.features[:, found.names.index(name)]


class TestEmptyCells:
    TRAIN = table([1.0, 1.0, 4.0, 10.0, NAN, NAN])

    @pytest.mark.parametrize(
        ("fill", "expected"), [("mean", 4.0), ("median", 2.5), ("most-frequent", 1.0)]
    )
    def test_are_filled_by_what_the_training_rows_have(self, fill: str, expected: float) -> None:
        spec = Preparation(missing=msgspec.convert({"fill": fill}, MissingValues))
        steps = prepared(self.TRAIN, spec)
        assert values(steps(self.TRAIN), "x")[4:].tolist() == [expected] * 2
        others = table([100.0, NAN])  # rows to score do not move it
        assert values(steps(others), "x").tolist() == [100.0, expected]

    def test_have_a_flag_of_their_own_where_enough_are_empty(self) -> None:
        spec = Preparation(missing=MissingValues(flag=True, least_count=2))
        steps = prepared(self.TRAIN, spec)
        assert steps.names == ("x", "x empty")
        assert values(steps(table([NAN, 3.0])), "x empty").tolist() == [1.0, 0.0]

    def test_have_none_where_few_are(self) -> None:
        spec = Preparation(missing=MissingValues(flag=True, least_count=3))
        assert prepared(self.TRAIN, spec).names == ("x",)

    def test_of_a_whole_column_are_an_error_that_names_it(self) -> None:
        with pytest.raises(SpecError, match="column 'x' is empty in all 2 aligned training rows"):
            prepared(table([NAN, NAN]), Preparation(missing=MissingValues()))


class TestFlags:
    """Ten clerks, six nurses, three farmers, one teacher, and two empty cells."""

    TRAIN = table([0.0, 1.0] * 11, job=[0.0] * 10 + [2.0] * 6 + [1.0] * 3 + [3.0] + [NAN] * 2)

    def spec(self, least: int) -> Preparation:
        return Preparation(encode=Encoding(least_count=least))

    def test_stand_for_categories_with_rows_enough_but_the_most_frequent_one(self) -> None:
        assert prepared(self.TRAIN, self.spec(3)).names == (
            "x",
            "job = nurse",
            "job = farmer",
            "job = other",
        )

    def test_rarer_categories_and_empty_cells_share_one(self) -> None:
        found = prepared(self.TRAIN, self.spec(6))(self.TRAIN)
        assert found.names == ("x", "job = nurse", "job = other")
        assert values(found, "job = other").sum() == 6

    def test_of_unknown_categories_are_those_of_the_rest(self) -> None:
        new = Table(
            [b"0", b"1"],
            np.array([[0.0, 0.0], [0.0, 1.0]]),
            ("x", "job"),
            categories={"job": ("nurse", "pilot")},
        )
        found = prepared(self.TRAIN, self.spec(6))(new)
        assert found.features[:, 1:].tolist() == [[1.0, 0.0], [0.0, 1.0]]

    def test_are_all_0_for_unknown_categories_where_none_is_rare(self) -> None:
        steps = prepared(self.TRAIN.take(np.arange(16)), self.spec(6))
        assert steps.names == ("x", "job = nurse")
        assert steps(self.TRAIN).features[16:, 1].tolist() == [0.0] * 6

    def test_tell_the_categories_apart_whatever_numbers_they_have(self) -> None:
        steps = prepared(self.TRAIN, self.spec(3))
        new = Table([b"0"], np.array([[0.0, 0.0]]), ("x", "job"), categories={"job": ("farmer",)})
        assert steps(new).features[0].tolist() == [0.0, 0.0, 1.0, 0.0]

    def test_cannot_be_made_of_one_frequent_category(self) -> None:
        with pytest.raises(SpecError, match="no more than one of its 4 categories is in 20"):
            prepared(self.TRAIN, self.spec(20))


class TestOrdinal:
    SPEC = Preparation(encode=Encoding(categories="ordinal"))
    TRAIN = table([0.0, 1.0, 0.0, 1.0], job=[2.0, 0.0, 0.0, 3.0])

    def test_numbers_follow_the_order_of_the_data_set(self) -> None:
        found = prepared(self.TRAIN, self.SPEC, job=("teacher", "clerk", "nurse"))(self.TRAIN)
        assert values(found, "job").tolist() == [2.0, 1.0, 1.0, 0.0]

    def test_or_the_alphabet(self) -> None:
        found = prepared(self.TRAIN, self.SPEC)(self.TRAIN)
        assert values(found, "job").tolist() == [1.0, 0.0, 0.0, 2.0]

    def test_what_is_empty_or_unknown_counts_as_the_most_frequent(self) -> None:
        steps = prepared(self.TRAIN, self.SPEC)
        assert values(steps(table([0.0, 0.0], job=[NAN, 1.0])), "job").tolist() == [0.0, 0.0]

    def test_a_category_that_is_not_in_the_order_is_an_error(self) -> None:
        with pytest.raises(SpecError, match="1 of the 3 categories of column 'job' are not in its"):
            prepared(self.TRAIN, self.SPEC, job=("clerk", "nurse"))


class TestPreparedColumns:
    def test_that_would_have_one_name_are_refused(self) -> None:
        rows = Table(
            [b"%d" % row for row in range(4)],
            np.array([[1.0, 1.0], [NAN, 2.0], [NAN, 3.0], [1.0, 4.0]]),
            ("x", "x empty"),
        )
        spec = Preparation(missing=MissingValues(flag=True, least_count=2))
        with pytest.raises(SpecError, match="two columns are named 'x empty'"):
            prepared(rows, spec)

    def test_of_rows_without_their_source_are_an_error(self) -> None:
        steps = prepared(table([1.0, 2.0], [1.0, 2.0]), Preparation(missing=MissingValues()))
        with pytest.raises(SpecError, match="have no column 'y', of which"):
            steps(table([1.0, 2.0]))
