"""Worker processes compute what their party would, bit by bit."""

import multiprocessing
import os
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from isthmus.core.errors import ChannelError
from isthmus.crypto import keys
from isthmus.crypto.encryption import Encryption
from isthmus.crypto.scheme import PrivateKey
from isthmus.vertical.boosting import encrypted
from isthmus.vertical.boosting.encrypted import EncryptedRows
from isthmus.vertical.boosting.packing import packing
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.workers import Workers, workers, worthwhile

ROWS, BLOCK = 50, 8
CIPHER = Encryption(scheme="paillier", key_bits=2048)  # and 1024 by the environment
CHANCE = np.random.default_rng(0)
BINS = CHANCE.integers(0, 6, (ROWS, 3)).astype(np.int8)
STARTS = np.ones((3, 6), np.bool_)
VALUES = CHANCE.integers(-(2**20), 2**20, (2, ROWS))
SLOT = CHANCE.integers(-1, 2, ROWS)
PACKING = packing(40, 339)
COUNTS = [end - start for start, end in pairwise([*range(0, ROWS, BLOCK), ROWS])]


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    """A private key of that scheme."""
    return keys.generate(CIPHER.scheme, "auto", CIPHER.key_bits)


@pytest.fixture(scope="module")
def two(key: PrivateKey) -> Iterator[Workers]:
    """Two workers under that key."""
    with workers(2, CIPHER, "auto", key.public) as both:
        yield both


@pytest.fixture(scope="module")
def blocks(key: PrivateKey) -> list[bytes]:
    """The encrypted rows."""
    return list(encrypted.encrypted_blocks(key.public, PACKING, VALUES, BLOCK))


class TestWorthwhile:
    def test_is_one_where_they_would_take_longer_to_start_than_to_compute(self) -> None:
        assert worthwhile(Boosting(trees=10), "gmpy2", 1_000) == 1

    def test_is_one_per_core_where_gmpy2_computes_for_long(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "cpu_count", lambda: 6)
        assert worthwhile(Boosting(trees=50), "gmpy2", 24_000) == 6
        assert worthwhile(Boosting(trees=50, sampling="goss"), "gmpy2", 10_000) == 1

    def test_is_one_where_the_engine_uses_all_cores_itself(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keys, "running", lambda *_: "kernel")
        assert worthwhile(Boosting(trees=50), "auto", 24_000) == 1


class TestWorkers:
    def test_encrypt_the_same_rows_in_the_same_order(self, key: PrivateKey, two: Workers) -> None:
        blocks = list(two.encrypted_blocks(PACKING, VALUES, BLOCK))
        loaded = [key.public.load(block, rows) for block, rows in zip(blocks, COUNTS, strict=True)]
        assert key.decrypt(loaded[0].join(loaded[1:])) == PACKING.rows(VALUES)

    def test_sum_to_the_same_group_elements_as_one_process(
        self, key: PrivateKey, two: Workers, blocks: list[bytes]
    ) -> None:
        alone, shared = EncryptedRows(key.public, BINS, STARTS), two.rows(BINS, STARTS, BLOCK)
        for block, rows in zip(blocks, COUNTS, strict=True):
            alone.add(block, rows)
            shared.add(block, rows)
        assert shared.root().dump() == alone.root().dump()
        nodes = np.stack([STARTS, STARTS])
        assert shared.level(SLOT, nodes).dump() == alone.level(SLOT, nodes).dump()

    def test_share_fewer_rows_than_there_are_workers(
        self, key: PrivateKey, two: Workers, blocks: list[bytes]
    ) -> None:
        alone = EncryptedRows(key.public, BINS[:BLOCK], STARTS)
        shared = two.rows(BINS[:BLOCK], STARTS, BLOCK)
        alone.add(blocks[0], BLOCK)
        shared.add(blocks[0], BLOCK)
        assert shared.root().dump() == alone.root().dump()

    def test_refuse_what_is_no_ciphertext(self, two: Workers, blocks: list[bytes]) -> None:
        shared = two.rows(BINS, STARTS, BLOCK)
        for block, rows in zip([bytes(len(blocks[0])), *blocks[1:]], COUNTS, strict=True):
            shared.add(block, rows)
        with pytest.raises(ValueError, match="not within the modulus"):
            shared.root()

    def test_wait_for_all_rows(self, two: Workers, blocks: list[bytes]) -> None:
        shared = two.rows(BINS, STARTS, BLOCK)
        shared.add(blocks[0], BLOCK)
        with pytest.raises(ValueError, match="rows have arrived"):
            shared.root()

    def test_go_on_after_a_refusal(
        self, key: PrivateKey, two: Workers, blocks: list[bytes]
    ) -> None:
        self.test_refuse_what_is_no_ciphertext(two, blocks)
        self.test_sum_to_the_same_group_elements_as_one_process(key, two, blocks)

    def test_that_die_are_an_error_of_ours(self, key: PrivateKey) -> None:
        before = set(multiprocessing.active_children())
        with workers(1, CIPHER, "auto", key.public) as one:
            shared = one.rows(BINS, STARTS, BLOCK)
            (worker,) = set(multiprocessing.active_children()) - before
            worker.kill()
            worker.join()
            with pytest.raises(ChannelError, match="Run the same command again"):
                shared.root()
