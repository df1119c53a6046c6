import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.crypto.bucket_sums import bucket_sums, joint_tables
from isthmus.crypto.scheme import MAX_BUCKETS, Codes, PrivateKey

ROWS = 60


def codes(*buckets: int, lowest: int = 0) -> Codes:
    """Columns with so many buckets each, and more columns than buckets that they all see."""
    generator = np.random.default_rng(sum(buckets))
    columns = [generator.integers(0, count, ROWS) + lowest for count in buckets]
    return np.column_stack(columns).astype(np.int8)


class TestBucketSums:
    @pytest.mark.parametrize(
        ("columns", "tables"),
        [
            (codes(2, 3), 1),
            (codes(2, 60, 3, 2), 2),
            (codes(60, 60), 2),
            (codes(1, 1, 5), 1),
            (codes(4), 1),
            (codes(2, 2, lowest=100), 1),
        ],
        ids=["flags", "one alone", "all alone", "constant", "one column", "high codes"],
    )
    @pytest.mark.parametrize("cumulative", [False, True])
    def test_are_the_same_group_elements_as_without_tables(
        self, key: PrivateKey, columns: Codes, tables: int, *, cumulative: bool
    ) -> None:
        rows = key.public.encrypt(list(range(-30, 30)))
        buckets = int(columns.max()) + 2
        spans = (np.ptp(columns, axis=0).astype(int) + 1).tolist()
        assert len(joint_tables(ROWS, spans)) == tables
        expected = rows.bucket_sums(columns, buckets, cumulative=cumulative)
        sums = bucket_sums(rows, columns, buckets, cumulative=cumulative)
        assert sums.dump() == expected.dump()

    def test_take_every_bucket_there_is(self, key: PrivateKey) -> None:
        every = np.repeat(np.arange(MAX_BUCKETS), 16)
        columns = np.column_stack([every, every % 2, every // 64]).astype(np.int8)
        assert joint_tables(len(every), [MAX_BUCKETS, 2, 2]) == [[0, 1, 2]]
        rows = key.public.encrypt([1, 2]).take((every % 2).tolist())
        expected = rows.bucket_sums(columns, MAX_BUCKETS)
        assert bucket_sums(rows, columns, MAX_BUCKETS).dump() == expected.dump()

    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_agree_with_plain_sums_for_any_columns(
        self, key: PrivateKey, data: st.DataObject
    ) -> None:
        rows = data.draw(st.integers(1, 40))
        width = data.draw(st.integers(1, 6))
        generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
        tops = generator.integers(1, 6, width)
        columns = np.column_stack([generator.integers(0, top, rows) for top in tops])
        values = generator.integers(-(2**40), 2**40, rows)
        sums = bucket_sums(key.public.encrypt(values.tolist()), columns.astype(np.int8), 5)
        expected = [values[column == bucket].sum() for column in columns.T for bucket in range(5)]
        assert key.decrypt(sums) == expected

    @pytest.mark.parametrize(
        "columns",
        [codes(2, 4), codes(2, 2, lowest=-1), codes(2, 2)[1:]],
        ids=["beyond the last", "negative", "too few rows"],
    )
    def test_refuse_codes_that_are_no_buckets(self, key: PrivateKey, columns: Codes) -> None:
        with pytest.raises(ValueError, match="code"):
            bucket_sums(key.public.encrypt([1] * ROWS), columns, 3)


class TestJointTables:
    @given(st.integers(1, 10**6), st.lists(st.integers(1, 128), min_size=1, max_size=12))
    def test_hold_each_column_once(self, rows: int, buckets: list[int]) -> None:
        tables = joint_tables(rows, buckets)
        assert sorted(column for table in tables for column in table) == list(range(len(buckets)))

    def test_pair_columns_of_many_buckets_where_rows_are_many(self) -> None:
        assert {len(table) for table in joint_tables(24_000, [33] * 10)} == {2}
        assert {len(table) for table in joint_tables(500_000, [33] * 9)} == {3}

    def test_leave_columns_alone_where_rows_are_few(self) -> None:
        assert joint_tables(1_000, [33] * 3) == [[0], [1], [2]]

    def test_put_flags_together(self) -> None:
        assert joint_tables(1_000, [2, 3, 2]) == [[1, 0, 2]]

    def test_stay_small_enough_to_sort_fast(self) -> None:
        assert len(joint_tables(10**9, [128] * 4)) == 2
