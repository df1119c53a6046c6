"""Arrays as files: what is large passes the cache by, and that changes no byte."""

import io
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import DiskError
from isthmus.paramserver.shards import array_files
from isthmus.paramserver.shards.array_files import checksum, write_arrays
from tests.disk import full_disk

MIB = 2**20
SIZES = [0, 1, MIB - 1, MIB, 4 * MIB - 128, 4 * MIB - 127, 4 * MIB, 8 * MIB - 128, 9 * MIB + 4097]
"""Below and above what is large, and around chunks; the file begins with a header of 128 bytes."""


def some(size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.random.default_rng(size).integers(256, size=size, dtype=np.uint8)


class TestWrittenArrays:
    @pytest.mark.parametrize("size", SIZES)
    def test_are_the_bytes_that_numpy_writes(self, tmp_path: Path, size: int) -> None:
        path, array = tmp_path / "array.npy", some(size)
        stored = write_arrays(tmp_path, {"array.npy": array})["array.npy"]
        expected = io.BytesIO()
        np.lib.format.write_array(expected, array, version=(2, 0))
        assert path.read_bytes() == expected.getvalue()
        assert (stored.size, stored.checksum) == (path.stat().st_size, checksum(array))

    def test_are_the_same_where_the_cache_cannot_be_passed_by(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        array = some(5 * MIB)
        monkeypatch.setattr(array_files, "_DIRECT", 0)
        stored = write_arrays(tmp_path, {"array.npy": array})
        assert stored["array.npy"].checksum == checksum(array)
        assert np.array_equal(np.load(tmp_path / "array.npy"), array)

    def test_may_have_gaps_in_memory(self, tmp_path: Path) -> None:
        array = some(4 * MIB).reshape(1024, -1)[:, ::2]
        write_arrays(tmp_path, {"array.npy": array})
        assert np.array_equal(np.load(tmp_path / "array.npy"), array)

    def test_are_all_there(self, tmp_path: Path) -> None:
        arrays = {f"{size}.npy": some(size) for size in SIZES}
        assert write_arrays(tmp_path, arrays).keys() == arrays.keys()
        for name, array in arrays.items():
            assert np.array_equal(np.load(tmp_path / name), array)

    @pytest.mark.parametrize("room", [0, 100, 4096, 5 * MIB, 6 * MIB + 1])
    def test_that_find_no_room_are_an_error(self, tmp_path: Path, room: int) -> None:
        with full_disk(room), pytest.raises(DiskError, match="no space left"):
            write_arrays(tmp_path, {"array.npy": some(7 * MIB)})

    def test_replace_no_file(self, tmp_path: Path) -> None:
        (tmp_path / "array.npy").write_bytes(b"before")
        with pytest.raises(FileExistsError):
            write_arrays(tmp_path, {"array.npy": some(1)})
