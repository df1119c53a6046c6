"""Records are found by key, however many were made and given up; cold ones need a disk."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import DiskError
from isthmus.paramserver.tables import pages
from isthmus.paramserver.tables.records import Records
from isthmus.paramserver.window import Int64s, Keys

SEGMENT = 4096


def keys(ids: Int64s) -> Keys:
    """Keys of three features."""
    return Keys((ids % 3).astype(np.uint16), ids)


def make_many(records: Records) -> None:
    """Make 2,000 records, few at a time."""
    for turn in range(20):
        records.make(keys(np.arange(100) + 100 * turn))


class TestRecords:
    @pytest.mark.parametrize("spread", [1, 0x9E3779B97F4A7C1])
    def test_are_found_whatever_was_given_up(self, spread: int) -> None:
        random = np.random.default_rng(0)
        records = Records(1, SEGMENT, None, scored=False)
        held = np.empty(0, np.int64)
        for turn in range(30):
            new = (np.arange(3000) + 3000 * turn) * spread % 2**62
            numbers = records.make(keys(new))
            records.put(numbers, new[:, None].astype(np.float32), 0)
            held = random.permutation(np.append(held, new))
            gone, held = np.split(held, [len(held) // random.integers(2, 6)])
            records.release(records.find(keys(gone)))
            assert (records.find(keys(gone)) == -1).all()
            found, _, rows = records.read(records.find(keys(held)))
            np.testing.assert_array_equal(found.id, held)
            np.testing.assert_array_equal(found.feature, held % 3)
            np.testing.assert_array_equal(rows[:, 0], held.astype(np.float32))
            assert len(records) == len(held)
        np.testing.assert_array_equal(
            np.sort(records.read(records.changed(None))[0].id), np.sort(held)
        )

    def test_grow_without_a_jump_in_memory(self) -> None:
        records = Records(16, SEGMENT, None, scored=False)
        before = 0
        for turn in range(100):
            records.make(keys(np.arange(1000) + 1000 * turn))
            if turn > 10:
                assert records.bytes < 1.15 * before
            before = records.bytes
        assert before < 1.1 * len(records) * (4 * (16 + 6) + 11)

    def test_that_are_cold_need_a_folder(self) -> None:
        records = Records(1, SEGMENT, None, scored=False)
        records.memory = 20_000
        with pytest.raises(ValueError, match="needs a folder"):
            make_many(records)

    def test_that_are_cold_need_a_disk_with_room(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_arguments: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", full)
        records = Records(1, SEGMENT, tmp_path, scored=False)
        records.memory = 20_000
        with pytest.raises(DiskError, match="no space left"):
            make_many(records)
        assert not list(tmp_path.iterdir())


class TestPages:
    @pytest.mark.parametrize("size", [1, 1000, 100_000, 5 * 2**20 + 8])
    def test_are_zeros_that_begin_at_a_line_of_the_cache(self, size: int) -> None:
        memory = pages.zeros(size)
        assert memory.nbytes == size
        assert memory.ctypes.data % 64 == 0
        assert not memory.any()
        memory[:] = 1
