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


def make(rows: int, others: int | None = None) -> list[list[bytes]]:
    """Make identifiers of 16 random hexadecimal digits, each party's in an order of its own.

    Args:
        rows: Of the first party.
        others: Of the other one; as many by default. Half of the smaller party's rows are shared.

    Returns:
        The identifiers of both.
    """
    random = np.random.default_rng(SEED)
    others = rows if others is None else others
    shared = min(rows, others) // 2
    text = random.bytes((rows + others - shared) * BYTES // 2).hex().encode()
    everyone = [text[at : at + BYTES] for at in range(0, len(text), BYTES)]
    parties = everyone[:rows], everyone[rows - shared :]
    return [[party[row] for row in random.permutation(len(party))] for party in parties]


@contextmanager
def written(rows: int, others: int | None = None) -> Iterator[list[Path]]:
    """Lay them down as one CSV file per party, the one format that every rival reads."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{party}.csv" for party in range(2)]
        for file, identifiers in zip(files, make(rows, others), strict=True):
            file.write_bytes(b"\n".join([COLUMN.encode(), *identifiers, b""]))
        yield files


def read(file: Path) -> list[bytes]:
    """The identifiers of one party."""
    as_they_are = csv.ConvertOptions(column_types={COLUMN: pa.binary()})
    table = csv.read_csv(file, convert_options=as_they_are)
    return cast(list[bytes], table[COLUMN].to_pylist())
