"""Made-up identifiers of two parties that share half of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
import pyarrow as pa
from pyarrow import csv

COLUMN = "id"
BYTES = 16
SEED = 7


def make(rows: int) -> list[list[bytes]]:
    """Identifiers of 16 random hexadecimal digits, each party's in an order of its own."""
    random = np.random.default_rng(SEED)
    shared = rows // 2
    text = random.bytes((2 * rows - shared) * BYTES // 2).hex().encode()
    everyone = [text[at : at + BYTES] for at in range(0, len(text), BYTES)]
    parties = everyone[:rows], everyone[rows - shared :]
    return [[party[row] for row in random.permutation(rows)] for party in parties]


@contextmanager
def written(rows: int) -> Iterator[list[Path]]:
    """Lay them down as one CSV file per party, the one format that every rival reads."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{party}.csv" for party in range(2)]
        for file, identifiers in zip(files, make(rows), strict=True):
            file.write_bytes(b"\n".join([COLUMN.encode(), *identifiers, b""]))
        yield files


def read(file: Path) -> list[bytes]:
    """The identifiers of one party."""
    as_they_are = csv.ConvertOptions(column_types={COLUMN: pa.binary()})
    table = csv.read_csv(file, convert_options=as_they_are)
    return cast(list[bytes], table[COLUMN].to_pylist())
