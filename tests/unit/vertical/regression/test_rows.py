"""Blocks and batches of rows."""

from hypothesis import given
from hypothesis import strategies as st

from isthmus.vertical.regression.rows import batches, blocks

SIZES = st.integers(1, 500)


class TestBlocks:
    @given(rows=SIZES, size=SIZES)
    def test_cover_all_rows_in_order_and_none_is_too_large(self, rows: int, size: int) -> None:
        found = [row for block in blocks(0, rows, size) for row in range(rows)[block]]
        assert found == list(range(rows))
        assert all(block.stop - block.start <= size for block in blocks(0, rows, size))


class TestBatches:
    @given(rows=SIZES, count=SIZES)
    def test_are_a_partition_into_nearly_equal_parts(self, rows: int, count: int) -> None:
        parts = list(batches(rows, count))
        assert [row for part in parts for row in range(rows)[part]] == list(range(rows))
        sizes = [part.stop - part.start for part in parts]
        assert max(sizes) - min(sizes) <= 1
