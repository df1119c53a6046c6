"""Histograms over encrypted rows equal those over plain ones, and what is malformed is refused."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.core.arrays import Bins, Bools, Integers
from isthmus.crypto.scheme import PrivateKey
from isthmus.vertical.boosting import encrypted
from isthmus.vertical.boosting.encrypted import EncryptedRows
from isthmus.vertical.boosting.packing import Packing, packing
from isthmus.vertical.boosting.trees import gradients, histogram

PRECISION = 24
MOST = 2**PRECISION - 1


@dataclass(frozen=True)
class Tree:
    """Rows of a tree, before and after encryption."""

    key: PrivateKey
    bins: Bins  # shape (rows, codes)
    values: Integers  # shape (2, rows)

    @property
    def packing(self) -> Packing:
        width = gradients.width(len(self.bins), PRECISION)
        return packing(width, self.key.public.sum_bits)

    def blocks(self, block_rows: int) -> list[bytes]:
        """The encrypted rows."""
        return list(
            encrypted.encrypted_blocks(self.key.public, self.packing, self.values, block_rows)
        )

    def arrived(self, starts: Bools, block_rows: int = 1000) -> EncryptedRows:
        """The rows at the passive party."""
        rows = EncryptedRows(self.key.public, self.bins, starts)
        for number, block in enumerate(self.blocks(block_rows)):
            rows.add(block, min(block_rows, len(self.bins) - number * block_rows))
        return rows

    def plain(self, slot: Integers, starts: Bools) -> Integers:
        """Histograms of the same rows by numpy alone."""
        inside = slot >= 0
        sums = histogram.sums(
            self.bins[inside], slot[inside], len(starts), starts.shape[-1], self.values[:, inside]
        )
        return histogram.coarsen(sums, starts)

    def root(self, starts: Bools, block_rows: int = 1000) -> Integers:
        """The root's histograms by way of the passive party."""
        sums = self.arrived(starts, block_rows).root()
        return self.opened(encrypted.sealed(self.key.public, self.packing, sums), starts[None])

    def level(self, slot: Integers, starts: Bools) -> Integers:
        """The histograms of some nodes by way of the passive party."""
        sums = self.arrived(starts[0], block_rows=40).level(slot, starts)
        return self.opened(encrypted.sealed(self.key.public, self.packing, sums), starts)

    def opened(self, data: bytes, starts: Bools) -> Integers:
        """What the active party reads."""
        return encrypted.opened(self.key, self.packing, data, starts)


def tree(key: PrivateKey, rows: int = 100, bins: int = 6, codes: int = 4, seed: int = 0) -> Tree:
    """Rows with gradients of both signs."""
    chance = np.random.default_rng(seed)
    g, h = chance.integers(-MOST, MOST + 1, rows), chance.integers(0, MOST + 1, rows)
    return Tree(
        key,
        chance.integers(0, bins, (rows, codes)).astype(np.int8),
        np.stack([g, h]),
    )


def groups(nodes: int, codes: int, width: int, seed: int = 0) -> Bools:
    """Where groups of bins start: always at the first."""
    starts = np.random.default_rng(seed).random((nodes, codes, width)) < 0.5
    starts[..., 0] = True
    return starts


EVERY_BIN = np.ones((4, 6), np.bool_)
ROOT = np.zeros(100, np.int64)


class TestRoot:
    @pytest.mark.parametrize("block_rows", [1000, 100, 30, 1])
    def test_equals_plain_sums_however_the_rows_arrive(
        self, key: PrivateKey, block_rows: int
    ) -> None:
        rows = tree(key)
        expected = rows.plain(ROOT, EVERY_BIN[None])
        assert (expected[0] < 0).any()
        assert rows.root(EVERY_BIN, block_rows).tolist() == expected.tolist()

    def test_equals_plain_sums_of_groups_of_bins(self, key: PrivateKey) -> None:
        rows, starts = tree(key), groups(1, 4, 6)
        assert rows.root(starts[0]).tolist() == rows.plain(ROOT, starts).tolist()

    def test_has_zeros_for_bins_that_no_row_is_in(self, key: PrivateKey) -> None:
        rows, starts = tree(key), np.ones((4, 9), np.bool_)
        assert rows.root(starts).tolist() == rows.plain(ROOT, starts[None]).tolist()
        assert (rows.root(starts)[..., 6:] == 0).all()

    def test_takes_as_many_bins_as_there_can_be(self, key: PrivateKey) -> None:
        rows, starts = tree(key, bins=128), np.ones((4, 128), np.bool_)
        assert rows.root(starts).tolist() == rows.plain(ROOT, starts[None]).tolist()

    @pytest.mark.parametrize("rows", [1, 64, 65])
    @pytest.mark.parametrize("g", [-MOST, MOST])
    def test_holds_at_the_extremes(self, key: PrivateKey, rows: int, g: int) -> None:
        values = np.array([[g] * rows, [MOST] * rows])
        extreme = Tree(key, np.zeros((rows, 1), np.int8), values)
        sums = extreme.root(np.ones((1, 2), np.bool_))
        assert sums[:, 0, 0].tolist() == [[rows * g, 0], [rows * MOST, 0]]

    @settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 8), st.integers(0, 2**32))
    def test_equals_plain_sums_of_any_rows(
        self, key: PrivateKey, rows: int, codes: int, bins: int, seed: int
    ) -> None:
        any_tree, starts = tree(key, rows, bins, codes, seed), groups(1, codes, bins, seed)
        expected = any_tree.plain(np.zeros(rows, np.int64), starts)
        assert any_tree.root(starts[0]).tolist() == expected.tolist()


class TestLevel:
    def test_equals_plain_sums_of_the_rows_in_each_node(self, key: PrivateKey) -> None:
        rows, starts = tree(key), groups(3, 4, 6)
        slot = np.random.default_rng(1).integers(-1, 3, 100)
        assert rows.level(slot, starts).tolist() == rows.plain(slot, starts).tolist()

    def test_has_zeros_for_a_node_without_rows(self, key: PrivateKey) -> None:
        rows, starts = tree(key), groups(3, 4, 6)
        slot = np.random.default_rng(1).choice([-1, 0, 2], 100)
        level = rows.level(slot, starts)
        assert level.tolist() == rows.plain(slot, starts).tolist()
        assert (level[:, 1] == 0).all()


def pieces(data: bytes, count: int) -> set[bytes]:
    """The distinct ones of so many ciphertexts."""
    width = len(data) // count
    return {data[at : at + width] for at in range(0, len(data), width)}


class TestPrivacy:
    def test_what_leaves_is_never_the_same_twice(self, key: PrivateKey) -> None:
        rows = tree(key)
        sums = rows.arrived(EVERY_BIN).root()
        folded = rows.packing.fold(sums)
        first, second = (encrypted.sealed(key.public, rows.packing, sums) for _ in range(2))
        seen = pieces(first + second + folded.dump(), 3 * len(folded))
        assert len(seen) == 3 * len(folded)

    def test_sums_of_no_rows_look_like_any_other(self, key: PrivateKey) -> None:
        rows, starts = tree(key), np.ones((1, 4, 9), np.bool_)
        nothing = rows.arrived(starts[0]).level(np.full(100, -1), starts)
        count = rows.packing.ciphertexts(len(nothing))
        assert len(pieces(nothing.dump(), len(nothing))) == 1
        assert len(pieces(encrypted.sealed(key.public, rows.packing, nothing), count)) == count


class TestRefusals:
    def test_gradients_that_could_overflow_are_not_encrypted(self, key: PrivateKey) -> None:
        rows = Tree(key, np.zeros((2, 1), np.int8), np.array([[MOST, MOST], [MOST + 2, MOST]]))
        with pytest.raises(ValueError, match="do not fit 26 bits"):
            rows.blocks(1)

    def test_a_block_must_hold_the_rows_it_says(self, key: PrivateKey) -> None:
        rows = EncryptedRows(key.public, tree(key).bins, EVERY_BIN)
        (block,) = tree(key).blocks(1000)
        with pytest.raises(ValueError, match="bytes are not 99 numbers"):
            rows.add(block, 99)

    @pytest.mark.parametrize("row", [0, 57, 99])
    def test_a_row_that_is_not_invertible_is_refused(self, key: PrivateKey, row: int) -> None:
        (block,) = tree(key).blocks(1000)
        width = len(block) // 100
        multiple = (3 * int(vars(key)["_p"])).to_bytes(width, "big")
        rows = EncryptedRows(key.public, tree(key).bins, groups(1, 4, 6)[0])
        with pytest.raises(ValueError, match="a number is not invertible"):
            rows.add(block[: row * width] + multiple + block[(row + 1) * width :], 100)

    def test_no_more_rows_come_than_are_due(self, key: PrivateKey) -> None:
        rows = tree(key).arrived(EVERY_BIN)
        with pytest.raises(ValueError, match="1 more rows than the 100 of the tree"):
            rows.add(key.public.encrypt([0]).dump(), 1)

    def test_sums_wait_for_all_rows(self, key: PrivateKey) -> None:
        rows = EncryptedRows(key.public, tree(key).bins, EVERY_BIN)
        with pytest.raises(ValueError, match="0 of 100 rows have arrived"):
            rows.root()
        rows.add(tree(key).blocks(40)[0], 40)
        with pytest.raises(ValueError, match="40 of 100 rows have arrived"):
            rows.root()

    def test_sums_must_be_as_many_as_the_groups(self, key: PrivateKey) -> None:
        rows = tree(key)
        sealed = encrypted.sealed(key.public, rows.packing, rows.arrived(EVERY_BIN).root())
        with pytest.raises(ValueError, match="bytes are not"):
            rows.opened(sealed, np.ones((1, 4, 60), np.bool_))

    def test_a_number_beyond_the_fields_is_refused(self, key: PrivateKey) -> None:
        rows, starts = tree(key), np.ones((1, 1, 1), np.bool_)
        forged = key.public.encrypt([1 << (2 * rows.packing.width)]).dump()
        with pytest.raises(ValueError, match="out of the range of sums"):
            rows.opened(forged, starts)
