"""A passive party holds few rows of a tree as objects, and of many no more than their bytes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from isthmus.crypto import keys
from isthmus.crypto.scheme import PrivateKey, PublicKey
from isthmus.vertical.boosting import stored_rows
from isthmus.vertical.boosting.encrypted import EncryptedRows
from isthmus.vertical.boosting.stored_rows import StoredRows

ROWS = 20

PEAK = """
import resource, sys
import numpy as np
from isthmus.crypto import keys
from isthmus.vertical.boosting import stored_rows
from isthmus.vertical.boosting.encrypted import EncryptedRows

blocks, stored_rows.AS_OBJECTS = int(sys.argv[1]), 2**20
stored_rows.IN_MEMORY, stored_rows.PART_ROWS = 2**20, 4096
key = keys.generate("okamoto-uchiyama", "auto", 1024).public
block, starts = key.encrypt([1] * 4096).dump(), np.ones((1, 2), np.bool_)
rows = EncryptedRows(key, np.zeros((4096 * blocks, 1), np.int8), starts)
for _ in range(blocks):
    rows.add(block, 4096)
rows.level(np.zeros(4096 * blocks, np.int64), starts[None])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)
"""


@pytest.fixture(
    params=[(2**24, 2**26), (1, 2**26), (1, 1)], ids=["as objects", "in memory", "in a file"]
)
def stored(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    as_objects, in_memory = request.param
    monkeypatch.setattr(stored_rows, "AS_OBJECTS", as_objects)
    monkeypatch.setattr(stored_rows, "IN_MEMORY", in_memory)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def held_rows(key: PublicKey) -> StoredRows:
    """Encryptions of 0, 1, 2, ..., which came in two blocks."""
    rows = StoredRows(key, ROWS)
    for block in (range(12), range(12, ROWS)):
        ciphertexts = key.encrypt(block)
        rows.add(ciphertexts.dump(), ciphertexts)
    return rows


def peak(blocks: int) -> int:
    """Bytes of memory that a process takes at most to sum so many blocks of rows."""
    command = [sys.executable, "-c", PEAK, str(blocks)]
    ended = subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - our own
    return int(ended.stderr.split()[-1])


@pytest.mark.usefixtures("stored", "folder")
class TestRows:
    def test_are_taken_up_as_they_came(self, key: PrivateKey) -> None:
        chosen = np.array([0, 1, 11, 12, 19])
        ((rows, ciphertexts),) = held_rows(key.public).parts(chosen)
        assert rows.tolist() == chosen.tolist()
        assert key.decrypt(ciphertexts) == chosen.tolist()

    def test_are_taken_up_a_part_at_a_time(
        self, key: PrivateKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stored_rows, "PART_ROWS", 8)
        parts = held_rows(key.public).parts(np.arange(ROWS))
        values = [key.decrypt(ciphertexts) for _, ciphertexts in parts]
        assert values == [list(range(8)), list(range(8, 16)), list(range(16, ROWS))]

    def test_have_the_same_sums_in_parts(
        self, key: PrivateKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chance = np.random.default_rng(0)
        bins = chance.integers(0, 3, (ROWS, 2)).astype(np.int8)
        slot, starts = chance.integers(-1, 2, ROWS), np.ones((2, 2, 3), np.bool_)
        rows = EncryptedRows(key.public, bins, starts[0])
        rows.add(key.public.encrypt(range(ROWS)).dump(), ROWS)
        whole = rows.level(slot, starts).dump()
        monkeypatch.setattr(stored_rows, "PART_ROWS", 3)
        assert rows.level(slot, starts).dump() == whole


@pytest.mark.usefixtures("stored")
class TestFile:
    def test_has_no_name_that_anybody_could_open(self, key: PrivateKey, folder: Path) -> None:
        rows = held_rows(key.public)
        assert not list(folder.iterdir())
        del rows  # an open file would be a warning, and that an error


class TestMemory:
    def test_does_not_grow_with_the_ciphertexts(self) -> None:
        few, many = 10, 50
        size = 4096 * keys.ciphertext_bytes("okamoto-uchiyama", 1024)
        assert peak(many) - peak(few) < (many - few) * size / 2  # or it would hold their bytes
