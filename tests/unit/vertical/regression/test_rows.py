"""Blocks and batches of rows, and values per row that cross in blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import PeerError
from isthmus.transport.loopback import loopback
from isthmus.vertical.regression.messages import PartialPredictor, PartialSlope
from isthmus.vertical.regression.rows import batches, blocks, receive_rows, send_rows

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


class TestSendAndReceive:
    @given(rows=st.integers(0, 300), size=st.integers(60, 500))  # few enough to be under way
    def test_bring_every_value_to_its_row(self, rows: int, size: int) -> None:
        ours, theirs = loopback("clinic", "insurer")
        send_rows(theirs, PartialSlope, np.arange(rows, dtype=float), size)
        received = receive_rows(ours, PartialSlope, rows, size)
        assert received.tolist() == list(range(rows))

    def test_refuse_a_block_of_other_rows(self) -> None:
        ours, theirs = loopback("clinic", "insurer")
        theirs.send(PartialPredictor(first_row=2, values=np.zeros(3)))
        with pytest.raises(PeerError, match="where 3 rows from 0 were due"):
            receive_rows(ours, PartialPredictor, rows=3, size=10)

    def test_refuse_values_that_are_not_numbers(self) -> None:
        ours, theirs = loopback("clinic", "insurer")
        theirs.send(PartialPredictor(first_row=0, values=np.array([np.nan])))
        with pytest.raises(PeerError, match="not numbers"):
            receive_rows(ours, PartialPredictor, rows=1, size=10)
