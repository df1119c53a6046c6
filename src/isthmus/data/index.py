"""The index of shared rows, and their split into training and test rows."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError, disk_full_is_error

_COLUMN = "row"


@dataclass(frozen=True)
class Index:
    """Result of an alignment at one party: those of its rows that all parties have."""

    rows: Integers
    """Positions in this party's table, shape (shared,), in the same order at all parties."""

    def __len__(self) -> int:
        return len(self.rows)

    def save(self, path: Path) -> None:
        """Write the index as Parquet. It reveals which rows are shared: keep it with the data."""
        import pyarrow as pa  # noqa: PLC0415 - the enclave program uses Index, but not Arrow
        from pyarrow import parquet  # noqa: PLC0415

        with disk_full_is_error(path):
            path.touch(mode=0o600)  # so that nobody else can ever read it
            parquet.write_table(pa.table({_COLUMN: self.rows}), path)

    @classmethod
    def load(cls, path: Path) -> "Index":
        """Read an index that `save` wrote.

        Args:
            path: The file.

        Returns:
            The index.

        Raises:
            SpecError: The file is missing or is not an index.
        """
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        try:
            column = parquet.read_table(path, columns=[_COLUMN]).column(_COLUMN)
            rows: Integers = column.cast(pa.int64()).to_numpy()
        except (pa.ArrowException, OSError, KeyError):
            raise SpecError(
                f"{path}: this is not an index of aligned rows. Remove its folder; the next run "
                "aligns anew."
            ) from None
        return cls(rows)


def split(identifiers: Sequence[bytes], share: float, seed: int) -> tuple[Integers, Integers]:
    """Split rows into training and test rows, by a keyed hash of the identifier.

    Parties with the same identifiers get the same split without a message. Whether a row is a test
    row depends on its identifier and the seed only, not on which other rows are shared. The rows of
    each part come in the order of the hash, so that batches are the same in every run.

    Args:
        identifiers: Normalised key of each row.
        share: Expected share of test rows, in [0, 1].
        seed: The job's seed.

    Returns:
        Positions of the training rows and of the test rows, each in the order of the hash.
    """
    key = hashlib.sha256(str(seed).encode()).digest()
    digests = b"".join(
        hashlib.blake2b(identifier, digest_size=8, key=key, person=b"isthmus split").digest()
        for identifier in identifiers
    )
    hashes = np.frombuffer(digests, ">u8")
    order = np.argsort(hashes, kind="stable")
    test = int(np.searchsorted(hashes[order], share * 2.0**64))
    return order[test:], order[:test]
