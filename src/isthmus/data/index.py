"""Which rows two parties share, and which of them train."""
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
    """Result of an alignment at one party: its own rows that the other party has too."""

    rows: Integers
    """Positions in this party's table, shape (shared,), in the order common to both parties."""

    def __len__(self) -> int:
        return len(self.rows)

    def save(self, path: Path) -> None:
        """Write it as Parquet. It tells who is shared: keep it where the data is."""
        import pyarrow as pa  # noqa: PLC0415 - the program in an enclave knows indices, not Arrow
        from pyarrow import parquet  # noqa: PLC0415

        with disk_full_is_error(path):
            path.touch(mode=0o600)  # before anything is in it
            parquet.write_table(pa.table({_COLUMN: self.rows}), path)

    @classmethod
    def load(cls, path: Path) -> "Index":
        """Read what `save` wrote.

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
    """Divide rows into those to train on and those to test on, by a keyed hash of the identifier.

    Parties that hold the same identifiers in the same order agree without a message. A row stays
    on its side in every run with the same seed, whoever else is shared; and the rows of a side
    come in the order of the hash, so that the batches of a run are those of any other run.

    Args:
        identifiers: Normalised key of each row.
        share: Expected part of the rows to test on, in [0, 1].
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
